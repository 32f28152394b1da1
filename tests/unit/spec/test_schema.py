"""The schemas themselves: complete, in step with the code, and judged alike by both validators."""

from __future__ import annotations

import copy
import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from greenfield import content, engines
from greenfield.model.quantity import DIMENSIONS
from greenfield.spec import reference
from greenfield.spec.document import read
from greenfield.spec.schema import API_VERSION, KINDS, engine_schema, judged, schemas, screened

ROOT = Path(__file__).parents[3]
CASES = ROOT / "tests" / "spec_cases"


def _documents() -> list[tuple[str, Any]]:
    files = [*CASES.rglob("*.yaml"), *(ROOT / "examples").glob("*/*.yaml"), *content.standards().glob("*.yaml")]
    read_ones = [data for file in sorted(files) for _, data in read(file, [])]
    return [(data["kind"], data) for data in read_ones if isinstance(data, dict) and data.get("kind") in KINDS]


DOCUMENTS = _documents()
VALID = [(kind, data) for kind, data in DOCUMENTS if screened(kind, data)]


def _walk(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        for name, own in schema.get("properties", {}).items():
            yield f"{place}.{name}", own
        for key, inner in schema.items():
            if key != "if":
                yield from _walk(inner, f"{place}.{key}")
    elif isinstance(schema, list):
        for inner in schema:
            yield from _walk(inner, place)


@pytest.mark.parametrize("name", sorted(schemas()))
def test_a_schema_is_valid_and_describes_every_property(name: str) -> None:
    Draft202012Validator.check_schema(schemas()[name])
    bare = [place for place, own in _walk(schemas()[name], name) if not own.get("description") and "$ref" not in own]
    assert bare == []


def _objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for key, inner in schema.items():
            if key not in ("examples", "default"):
                yield from _objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _objects(inner)


@pytest.mark.parametrize("name", [name for name in sorted(schemas()) if not name.startswith("engines/")])
def test_no_object_takes_unknown_keys(name: str) -> None:
    for schema in _objects(schemas()[name]):
        assert schema.get("additionalProperties", schema.get("unevaluatedProperties")) is not None
        assert schema.get("additionalProperties") is not True


def test_engine_kinds_are_those_of_the_code() -> None:
    cluster = schemas()["cluster.schema.json"]["$defs"]["engine"]
    assert cluster["properties"]["kind"]["enum"] == list(engines.ENGINES) == sorted(reference.engine_kinds())
    assert [branch["if"]["properties"]["kind"]["const"] for branch in cluster["allOf"]] == list(engines.ENGINES)
    groups = schemas()["standard.schema.json"]["properties"]["spec"]["properties"]["controls"]["items"]["properties"]
    assert groups["group"]["enum"] == ["host", *engines.ENGINES, "restore"]


def test_an_engine_has_no_option_named_like_a_common_key() -> None:
    common = set(schemas()["cluster.schema.json"]["$defs"]["engine"]["properties"])
    for kind in engines.ENGINES:
        assert not common & set(engine_schema(kind)["properties"])


def test_quantities_are_those_of_the_code() -> None:
    written = {
        name: schema["pattern"]
        for name, schema in schemas()["common.schema.json"]["$defs"].items()
        if schema.get("x-dimension") == name
    }
    assert written == {name: dimension.pattern for name, dimension in DIMENSIONS.items()}


def test_editors_can_follow_the_references() -> None:
    """As an editor does it: from the file named in the modeline, references relative to the file they stand in."""

    def retrieve(uri: str) -> Resource[Any]:
        text = Path(uri.removeprefix("file://")).read_text(encoding="utf-8")
        return Resource.from_contents(json.loads(text), default_specification=DRAFT202012)

    # Manifests of workloads lie beside them, and charts in folders of theirs.
    files = sorted((ROOT / "examples").glob("*/*.yaml"))
    ours = [
        file
        for file in files
        if any(each["apiVersion"] == API_VERSION for each in yaml.safe_load_all(file.read_text()))
    ]
    assert len(ours) >= 4
    for example in ours:
        modeline = example.read_text(encoding="utf-8").splitlines()[0]
        where = (example.parent / modeline.partition("$schema=")[2]).resolve()
        registry: Registry[Any] = Registry(retrieve=retrieve)  # type: ignore[call-arg]
        validator = Draft202012Validator({"$ref": where.as_uri()}, registry=registry)
        for document in yaml.safe_load_all(example.read_text(encoding="utf-8")):
            assert list(validator.iter_errors(document)) == []


def _mutate(data: Any, chance: random.Random) -> Any:
    """The document with one place changed: removed, replaced, renamed or doubled."""
    changed = copy.deepcopy(data)
    places: list[tuple[Any, Any]] = []
    stack = [changed]
    while stack:
        node = stack.pop()
        keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
        for key in keys:
            places.append((node, key))
            stack.append(node[key])
    parent, key = chance.choice(places)
    value = parent[key]
    match chance.randrange(4):
        case 0:
            del parent[key]
        case 1:
            parent[key] = chance.choice(
                [None, True, -1, 0, 3, 1.5, "", "x", "1", "2GiB", "30m", "no", [], [1], {}, {"x": 1}]
            )
        case 2 if isinstance(parent, dict):
            parent[f"{key}{chance.choice('sX_')}"] = parent.pop(key)
        case _:
            if isinstance(parent, list):
                parent.append(value)
            else:
                parent[key] = [value]
    return changed


@pytest.mark.parametrize("index", range(len(DOCUMENTS)))
def test_both_validators_agree_on_the_cases(index: int) -> None:
    kind, data = DOCUMENTS[index]
    assert screened(kind, data) == (not list(judged(kind, data)))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4))
def test_both_validators_agree_on_mutated_documents(seed: int, times: int) -> None:
    chance = random.Random(seed)
    kind, data = chance.choice(VALID)
    for _ in range(times):
        data = _mutate(data, chance) if data else data
    assert screened(kind, data) == (not list(judged(kind, data)))


@settings(max_examples=200, deadline=None)
@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
def test_no_document_breaks_the_loader(seed: int, times: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever is wrong, there are problems with places and words, and never a traceback."""
    from greenfield import spec
    from greenfield.spec import report

    chance = random.Random(seed)
    folder = tmp_path_factory.mktemp("spec")
    valid = {case.name: case for case in (CASES / "valid").glob("*")}
    (folder / "hosts.csv").write_text(valid["hosts.csv"].read_text())
    documents = [next(read(valid[name], []))[1] for name in ("site.yaml", "cluster.yaml")]
    for _ in range(times):
        at = chance.randrange(2)
        documents[at] = _mutate(documents[at], chance) if documents[at] else documents[at]
    (folder / "all.yaml").write_text(yaml.safe_dump_all(documents))
    found, problems, sources = spec.collect([folder], standards=CASES / "standards")
    text = report.text(report.locate(problems, sources, folder))
    assert all(problem.message and problem.fix for problem in problems)
    assert bool(text) == bool(problems)
    if not problems:
        assert found is not None
        assert [screened(data["kind"], data) for data in documents if data.get("apiVersion") == API_VERSION].count(
            False
        ) == 0


def test_the_reference_is_what_the_schemas_say() -> None:
    assert (ROOT / "docs" / "spec.md").read_text(encoding="utf-8") == reference.page()


@pytest.mark.parametrize("kind", [*KINDS, "etcd", "redis"])
def test_the_reference_has_every_property(kind: str) -> None:
    page = reference.page(kind)
    name = f"engines/{kind}.schema.json" if kind in engines.ENGINES else f"{kind.lower()}.schema.json"
    for place, _ in _walk(schemas()[name], name):
        key = place.rsplit(".", 1)[-1]
        assert f"`{key}`" in page or key in ("apiVersion", "kind", "metadata", "spec")


def test_an_unknown_kind_has_no_reference() -> None:
    with pytest.raises(KeyError, match='did you mean "Cluster"'):
        reference.page("clutser")


def test_judging_loads_no_grammars_of_formats() -> None:
    """jsonschema's extra of formats builds 38 parsers at its import, three seconds that each mistake would cost."""
    assert '"format": ' not in json.dumps(schemas())
    assert list(judged("Site", {}))
    assert not {"rfc3987_syntax", "lark", "isoduration"} & set(sys.modules)
