"""A kubeconfig that the plugin makes is one that a real API server takes."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from control_plane import ControlPlane

from greenfield.provider.kubeconfig import Kubeconfig
from greenfield.provider.kubernetes_api import Access, RefusedError, UnreachableError
from greenfield.provider.resource import Call

PROVES = ("platform/access",)
ORDER = 40

WHO = "/apis/authentication.k8s.io/v1/selfsubjectreviews"


def _kubeconfig(plane: ControlPlane, **changes: object) -> str:
    authority = {"certificate": plane.authority.certificate, "privateKey": plane.authority.private_key}
    inputs = {
        "authority": authority,
        "server": plane.server,
        "cluster": "test",
        "commonName": "greenfield:platform",
        "organizations": ["system:masters"],
        "lifetimeSeconds": 3600,
        "renewBeforeSeconds": 600,
        **changes,
    }
    made = asyncio.run(Kubeconfig().create(Call("urn", "name"), inputs))
    return str(made["kubeconfig"])


def _ask(kubeconfig: str) -> dict[str, object]:
    """Who the server says it is."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    found: dict[str, object] = Access.of(kubeconfig).ask("POST", WHO, body)["status"]["userInfo"]
    return found


def test_the_server_knows_who_it_is(plane: ControlPlane, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = _ask(_kubeconfig(plane))
    # Pulumi kills a plugin at the end of a run: what it had written would stay.
    assert list(tmp_path.iterdir()) == []
    assert found["username"] == "greenfield:platform"
    assert found["groups"] == ["system:masters", "system:authenticated"]


def test_a_certificate_past_its_end_is_refused(plane: ControlPlane) -> None:
    try:
        found = _ask(_kubeconfig(plane, lifetimeSeconds=-60))
    except RefusedError as error:
        assert error.status == 401
    except UnreachableError as error:
        assert "certificate" in str(error)
    else:
        raise AssertionError(f"it was taken: {found}")
