"""What roles are given is judged for every host, before any host is connected to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from greenfield.configure.arguments import check_arguments
from greenfield.configure.job import Connection, Job, Target
from greenfield.configure.run import run
from greenfield.errors import ConfigureError

OWN: dict[str, Any] = {"pki_certificate": "CERTIFICATE", "pki_private_key": "KEY"}


def job(*hosts: dict[str, Any], role: str = "pki", entry: str = "main", **common: Any) -> Job:
    targets = tuple(Target(f"r{n}-h1", f"192.0.2.{n}", variables) for n, variables in enumerate(hosts, 1))
    return Job("host layer", (role,), targets, Connection("ops", "/site/known_hosts"), common, entry)


def test_what_fits_passes() -> None:
    check_arguments(job(OWN, OWN, pki_authority="AUTHORITY"))


def test_variables_of_other_roles_are_none_of_its_business() -> None:
    check_arguments(job({**OWN, "baseline_address": 7}, pki_authority="AUTHORITY", greenfield_site="lab"))


def test_a_variable_that_one_host_alone_lacks_is_found() -> None:
    lacking = {"pki_certificate": "CERTIFICATE"}
    with pytest.raises(ConfigureError, match="nothing was run") as refused:
        check_arguments(job(OWN, lacking, OWN, pki_authority="AUTHORITY"))
    assert "r2-h1, pki: missing required arguments: pki_private_key" in refused.value.message
    assert "r1-h1" not in refused.value.message


def test_a_type_inside_a_list_is_found_on_each_host() -> None:
    wrong = {"data_disk_disks": [{"name": "data", "by_id": "x", "mount": "/data", "size_bytes": "plenty"}]}
    with pytest.raises(ConfigureError) as refused:
        check_arguments(job(*[wrong] * 7, role="data_disk"))
    assert "size_bytes" in refused.value.message
    assert "and 2 more" in refused.value.message


def test_a_secret_is_not_in_the_error() -> None:
    with pytest.raises(ConfigureError, match=r"redis_passwords.*convert to a? ?dict") as refused:
        check_arguments(job({"redis_passwords": "WORD-THAT-NOBODY-SEES"}, role="redis"))
    assert "WORD-THAT-NOBODY-SEES" not in str(refused.value)


def test_what_follows_is_judged_before_anything_runs() -> None:
    good = job(OWN, pki_authority="AUTHORITY")
    check_arguments(replace(good, then=(replace(good, name="again"),)))
    with pytest.raises(ConfigureError, match=r"^again: .*nothing was run") as refused:
        check_arguments(replace(good, then=(replace(good, name="again", common={}),)))
    assert "r1-h1, pki: missing required arguments: pki_authority" in refused.value.message


def test_a_run_is_refused_before_ansible_starts() -> None:
    with pytest.raises(ConfigureError, match="pki_authority"):
        run(job(OWN))
