"""What acceptance says of a cluster, and what its drills measured."""

from __future__ import annotations

import json

from delivery import Delivery, Figure, Run


def accepted(delivery: Delivery, figure: Figure) -> Run:
    """Acceptance passes, every engine's drills included; the drills' figures go to the reader."""
    result = delivery.verify()
    figure("verify_seconds", round(result.seconds, 1))
    assert result.returncode == 0, result.stdout[-8000:]
    (report,) = (delivery.folder / "build" / "report").iterdir()
    for check in json.loads((report / f"{report.name}.json").read_text())["checks"]:
        if check["scope"] == "engine":
            for name, value in check["figures"].items():
                figure(f"{check['target']}_{check['control']}_{name}".lower().replace("-", "_"), value)
    return result
