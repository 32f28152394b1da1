"""A kubeconfig of its own, renewed in time."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from cryptography import x509

from greenfield.provider.kubeconfig import Kubeconfig
from greenfield.provider.resource import Call
from greenfield.provider.values import UNKNOWN
from greenfield.provider.x509 import make_authority

PAIR = make_authority("an engine's authority", 86400, datetime.now(UTC))
INPUTS: dict[str, Any] = {
    "authority": {"certificate": PAIR.certificate, "privateKey": PAIR.private_key},
    "server": "https://10.77.1.11:6443",
    "cluster": "orders-k8s",
    "commonName": "greenfield:platform",
    "organizations": ["system:masters"],
    "lifetimeSeconds": 3600,
    "renewBeforeSeconds": 600,
}


def _made(preview: bool = False) -> dict[str, Any]:
    return asyncio.run(Kubeconfig().create(Call("urn", "name", preview), INPUTS))


def test_it_names_the_server_and_the_client() -> None:
    found = json.loads(_made()["kubeconfig"])
    assert found["clusters"][0]["cluster"]["server"] == INPUTS["server"]
    own = x509.load_pem_x509_certificate(base64.b64decode(found["users"][0]["user"]["client-certificate-data"]))
    assert own.subject.rfc4514_string() == "CN=greenfield:platform,O=system:masters"
    own.verify_directly_issued_by(x509.load_pem_x509_certificate(PAIR.certificate.encode()))


def test_the_authority_is_not_in_its_state() -> None:
    state = _made()
    assert "authority" not in state
    assert PAIR.private_key not in str(state)


def test_a_preview_does_not_know_it_yet() -> None:
    assert _made(preview=True)["kubeconfig"] is UNKNOWN


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({}, ()),
        ({"server": "https://10.77.1.12:6443"}, ("server",)),
        ({"authority": {"certificate": "another", "privateKey": "another"}}, ("authority",)),
        ({"authority": UNKNOWN}, ("authority",)),
    ],
)
def test_what_changes_it(changes: dict[str, Any], paths: tuple[str, ...]) -> None:
    assert Kubeconfig().diff(_made(), {**INPUTS, **changes}).paths == paths


def test_it_is_renewed_before_its_end() -> None:
    state = _made()
    for age, paths in ((2900, ()), (3100, ("issued",))):
        assert Kubeconfig().diff({**state, "issued": int(time.time()) - age}, INPUTS).paths == paths
