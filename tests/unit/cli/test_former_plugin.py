"""States that the plugin of earlier versions has left become those of the official one."""

from __future__ import annotations

import copy
from typing import Any

from greenfield.cli.former_plugin import hand_over, left

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:abc"}
PROVIDER = {"type": "pulumi:providers:kubernetes", "urn": "p", "custom": True, "inputs": {"kubeconfig": SECRET}}


def _made(kind: str, inputs: dict[str, Any], **outputs: Any) -> dict[str, Any]:
    metadata = {"uid": "u", "namespace": "shop", **inputs["metadata"]}
    live = {**inputs, "metadata": metadata, "__fieldManager": "pulumi-kubernetes-1", **outputs}
    return {"type": f"kubernetes:{kind}", "urn": kind, "custom": True, "inputs": inputs, "outputs": live}


def _deployment(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resources": [PROVIDER, *copy.deepcopy(resources)]}


QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q"}, "spec": {"hard": {"pods": "5"}}}
WORD = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "w", "namespace": "edge"}, "data": SECRET}


def test_inputs_are_kept_where_the_official_plugin_looks_for_them() -> None:
    deployment = _deployment(_made("core/v1:ResourceQuota", QUOTA, status={}))
    assert left(deployment)
    assert hand_over(deployment)
    outputs = deployment["resources"][1]["outputs"]
    # Which namespace it lies in is the server's to say where the program named none.
    assert outputs["__inputs"] == {**QUOTA, "metadata": {"name": "q", "namespace": "shop"}}
    assert outputs["__initialApiVersion"] == "v1"
    assert outputs["__fieldManager"] == "pulumi-kubernetes-1"
    assert deployment["resources"][1]["inputs"] == QUOTA
    assert not left(deployment)
    assert not hand_over(deployment)


def test_what_is_secret_stays_encrypted() -> None:
    deployment = _deployment(_made("core/v1:Secret", WORD))
    hand_over(deployment)
    assert deployment["resources"][1]["outputs"]["__inputs"] == WORD


def test_what_the_official_plugin_or_nobody_has_made_is_left_alone() -> None:
    official = _made("core/v1:ResourceQuota", QUOTA, __inputs=QUOTA)
    component = {"type": "kubernetes:yaml:ConfigGroup", "urn": "g", "custom": False}
    other = {"type": "greenfield:index:Cell", "urn": "c", "custom": True, "outputs": {"digests": {}}}
    deployment = _deployment(official, component, other)
    before = copy.deepcopy(deployment)
    assert not left(deployment)
    assert not hand_over(deployment)
    assert deployment == before
    assert not left({})
