"""One run of the large site in a process of its own: ``python -m bench.large_steps WAY FOLDER`` prints seconds.

Ways: ``greenfield`` loads, validates, plans, and makes the variables of all cells; ``inlined`` does the
same on the documents with hosts written as YAML; ``plain`` reads those with PyYAML and judges them with jsonschema.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

INLINED = "inlined"


class Clock:
    """Seconds of named steps."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Time what happens inside."""
        began = time.perf_counter()
        yield
        self.seconds[name] = time.perf_counter() - began


def greenfield(folder: Path, clock: Clock) -> int:
    """Spec to desired states, as text; returns how many hosts' states that are."""
    with clock.step("import"):
        from greenfield.model.packed import as_json, pack
        from greenfield.plan import cell_variables, make_plan
        from greenfield.spec import load
    with clock.step("load and validate"):
        cluster, site = load([folder]).cluster()
    with clock.step("plan"):
        plan = make_plan(site, cluster)
    states = 0
    with clock.step("variables of all cells, as text"):
        for cell in plan.cells:
            common, own = cell_variables(plan, cell)
            pack(common)
            states += len([as_json(variables) for variables in own.values()])
    return states


def plain(folder: Path, clock: Clock) -> int:
    """Documents to verdicts; returns how many documents were judged."""
    with clock.step("import"):
        import yaml
        from jsonschema import Draft202012Validator
        from referencing import Registry, Resource
        from referencing.jsonschema import DRAFT202012

        from greenfield.content import schemas
    with clock.step("read"):
        documents = [yaml.safe_load(path.read_text()) for path in sorted((folder / INLINED).glob("*.yaml"))]
    base = "https://greenfield.invalid/schemas/"
    with clock.step("judge"):
        found = [
            (base + path.relative_to(schemas()).as_posix(), json.loads(path.read_text()))
            for path in schemas().rglob("*.schema.json")
        ]
        registry = Registry().with_resources(
            [(name, Resource.from_contents(schema, default_specification=DRAFT202012)) for name, schema in found]
        )
        for document in documents:
            schema = {"$ref": f"{base}{document['kind'].lower()}.schema.json"}
            errors = list(Draft202012Validator(schema, registry=registry).iter_errors(document))
            if errors:
                raise SystemExit(f"{document['kind']}: {errors[0].message[:300]}")
    return len(documents)


def main() -> None:
    """Run one way and print what it took as JSON."""
    way, folder = sys.argv[1], Path(sys.argv[2])
    clock = Clock()
    began = time.perf_counter()
    ways = {"greenfield": greenfield, INLINED: lambda f, c: greenfield(f / INLINED, c), "plain": plain}
    done = ways[way](folder, clock)
    whole = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"whole": whole, "steps": clock.seconds, "peak": peak, "done": done}))


if __name__ == "__main__":
    main()
