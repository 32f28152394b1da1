"""What a run that was ended at once leaves in a stack's state, and how the state is made true again."""

from __future__ import annotations

from typing import Any

from greenfield.model.marks import DRIFTED

PENDING = "pending_operations"
"""Key of a deployment: what was going on when its state was written last."""

CHANGING = ("updating", "deleting")
"""Kinds of pending operations, in Pulumi's words, that touch hosts of a resource which the state already holds."""


def mend(deployment: dict[str, Any]) -> bool:
    """Take pending operations out of an exported deployment, in place; returns whether there were any.

    Each of our operations can be done again, so none needs a person to look. But hosts that were being changed may have
    what the state does not know of, even when the next run has the spec of before: they are marked as drifted.
    """
    pending = deployment.pop(PENDING, None) or []
    changing = {operation["resource"]["urn"] for operation in pending if operation["type"] in CHANGING}
    for resource in deployment.get("resources") or []:
        outputs = resource.get("outputs") or {}
        if resource["urn"] not in changing:
            continue
        if "digests" in outputs:
            outputs["digests"] = dict.fromkeys(outputs["digests"], DRIFTED)
        elif "cells" in outputs:
            outputs["cells"] = {}
    return bool(pending)
