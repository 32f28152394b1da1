"""A stack whose objects of Kubernetes were made by the plugin of earlier versions of Greenfield, which was its own.

The official plugin compares with the inputs that it keeps among an object's outputs. Where they are missing it takes
every field for a new one, its namespace too, and would make nearly everything anew.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

INPUTS, MANAGER, VERSION = "__inputs", "__fieldManager", "__initialApiVersion"
"""Keys that the official plugin keeps among the outputs. Both plugins keep the manager under the same one."""


def left(deployment: dict[str, Any]) -> bool:
    """Whether a deployment, as Pulumi exports or keeps it, holds such objects."""
    return next(_objects(deployment), None) is not None


def hand_over(deployment: dict[str, Any]) -> bool:
    """Make an exported deployment one of the official plugin, in place; returns whether there was anything to do.

    An earlier version of Greenfield can still go on from it.
    """
    found = list(_objects(deployment))
    for resource in found:
        outputs = resource["outputs"]
        # Secrets stay encrypted: they are moved as they are.
        inputs = copy.deepcopy(resource.get("inputs") or {})
        _place(inputs, outputs)
        outputs |= {INPUTS: inputs, VERSION: inputs.get("apiVersion") or outputs.get("apiVersion", "")}
    return bool(found)


def _objects(deployment: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for resource in deployment.get("resources") or []:
        outputs = resource.get("outputs") or {}
        if resource["type"].startswith("kubernetes:") and MANAGER in outputs and INPUTS not in outputs:
            yield resource


def _place(inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
    """The namespace of an object that named none: the official plugin writes it into its inputs."""
    said, there = inputs.get("metadata"), outputs.get("metadata")
    if isinstance(said, dict) and isinstance(there, dict) and there.get("namespace"):
        said.setdefault("namespace", there["namespace"])
