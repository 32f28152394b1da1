"""What a plan case yields: the words of ``greenfield plan``, or every problem in its way.

``python tests/unit/plan/case_output.py`` rewrites the expected files; review the difference like code.
"""

from __future__ import annotations

import json
from pathlib import Path

from greenfield.model.problem import Problem
from greenfield.plan import check, load_placement, make_plan
from greenfield.plan.changes import changes
from greenfield.plan.cost import cost
from greenfield.plan.view_text import plan_table
from greenfield.spec import collect

CASES = Path(__file__).resolve().parents[2] / "plan_cases"
EXPECTED = "expected.txt"


def case_names() -> list[str]:
    """Every folder with a spec."""
    return sorted(path.parent.name for path in CASES.glob("*/spec.yaml"))


def output(name: str) -> str:
    """The outcome of a case as text."""
    folder = CASES / name
    own = folder / "spec.yaml"
    paths = [own] if "kind: Site" in own.read_text() else [own, CASES / "site.yaml"]
    spec, problems, _ = collect(paths)
    assert spec is not None
    assert not [problem for problem in problems if problem.severity == "error"], problems
    cluster, site = spec.cluster()
    standing = load_placement(folder, cluster.name)
    found = check(site, cluster, standing)
    text = "".join(_words(problem) for problem in found)
    if not any(problem.severity == "error" for problem in found):
        deployed = folder / "deployed.json"
        plan = make_plan(site, cluster, standing)
        difference = changes(plan, json.loads(deployed.read_text())) if deployed.is_file() else None
        costs = [cost(plan, budget) for budget in spec.budgets.values()]
        text += plan_table(plan, changes=difference, costs=costs)
    return text


def _words(problem: Problem) -> str:
    path = ".".join(str(part) for part in problem.path)
    return f"{problem.severity} {problem.rule} {path}\n    {problem.message}\n    fix: {problem.fix}\n"


if __name__ == "__main__":
    for each in case_names():
        (CASES / each / EXPECTED).write_text(output(each))
