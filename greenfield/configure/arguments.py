"""What roles are given, against their ``argument_specs``: judged here for every host, before any is connected to.

Ansible would check it on each host's behalf in a process of its own; its validator costs well under a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values

from greenfield import content
from greenfield.configure.job import Job
from greenfield.errors import ConfigureError

SHOWN = 5


def check_arguments(job: Job) -> None:
    """Refuse a job when its roles, or those of a job that follows it, would be given something wrong.

    Raises:
        ConfigureError: a variable is missing or of another type; names the hosts, without values that are secret.
    """
    for each in (job, *job.then):
        _refuse(each, list(_wrong(each)))


def _refuse(job: Job, wrong: list[str]) -> None:
    if wrong:
        more = f"\n  and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ConfigureError(
            f"{job.name}: roles would be given what they can't take; nothing was run:\n  "
            + "\n  ".join(wrong[:SHOWN])
            + more,
            fix="compare with meta/argument_specs.yml of the role; if a spec led to this, it is a fault of Greenfield",
        )


def _wrong(job: Job) -> Iterator[str]:
    for role in job.roles:
        options = _options(role, job.entry)
        if not options:
            continue
        validator = ArgumentSpecValidator(options)
        for target in job.targets:
            given = {key: value for key, value in {**job.common, **target.variables}.items() if key in options}
            result = validator.validate(given)
            for words in result.error_messages:
                yield f"{target.name}, {role}: {remove_values(words, result._no_log_values)}"


@cache
def _options(role: str, entry: str) -> Mapping[str, Any]:
    path = content.roles() / role / "meta" / "argument_specs.yml"
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"] if path.exists() else {}
    found: Mapping[str, Any] = specs.get(entry, {}).get("options", {})
    return found
