"""From the documents of standards and budgets to their models."""

from __future__ import annotations

from greenfield.model.budget import Budget
from greenfield.model.quantity import QuantityError, parse_any
from greenfield.model.standard import Control, Standard
from greenfield.spec.draft import Draft


def standard(draft: Draft) -> Standard:
    """The standard in a document: its whole controls; what is wrong goes into the draft's problems."""
    controls: dict[str, Control] = {}
    listed = draft.document.spec.get("controls")
    for index, raw in enumerate(listed if isinstance(listed, list) else ()):
        if not draft.usable("controls", index):
            draft.whole = False
            continue
        if raw["id"] in controls:
            message = f'the control {raw["id"]} is here twice; the first is "{controls[raw["id"]].title}"'
            draft.add(("controls", index, "id"), message, "give this one another id", "duplicate-control")
            continue
        thresholds = {}
        for name, value in raw.get("thresholds", {}).items():
            try:
                thresholds[name] = value if isinstance(value, int | float) else parse_any(value)
            except QuantityError as error:
                draft.add(("controls", index, "thresholds", name), error.message, error.fix, "quantity")
        controls[raw["id"]] = Control(raw["id"], raw["title"], raw["group"], raw["source"], raw["scope"], thresholds)
    return Standard(draft.name, draft.text("title"), controls)


def budget(draft: Draft) -> Budget:
    """The budget in a document; a limit that is left out is ``None``."""
    spec = draft.document.spec
    limits = {key: float(spec[key]) for key in ("hardware", "powerPerMonth", "pricePerKwh") if _number(draft, key)}
    return Budget(
        name=draft.name,
        cluster=draft.text("cluster"),
        currency=draft.text("currency"),
        hardware_limit=limits.get("hardware"),
        power_per_month_limit=limits.get("powerPerMonth"),
        price_per_kwh=limits.get("pricePerKwh", 0.0),
    )


def _number(draft: Draft, key: str) -> bool:
    return isinstance(draft.document.spec.get(key), int | float) and draft.usable(key)
