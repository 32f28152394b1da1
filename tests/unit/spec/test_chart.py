"""Workloads by Helm chart: rendered by Helm itself."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest

from greenfield.model.problem import Problem
from greenfield.spec import Spec, collect

CASES = Path(__file__).parents[2] / "spec_cases"
STANDARDS = CASES / "standards"
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  namespace: {{ .Release.Namespace }}
  annotations: {kube: {{ .Capabilities.KubeVersion.Version | quote }}}
spec:
  replicas: {{ .Values.replicas }}
"""
TEST = """apiVersion: v1
kind: Pod
metadata: {name: test, annotations: {helm.sh/hook: test}}
"""


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A spec whose workload ``cart`` is a chart; the folder of the chart."""
    shutil.copytree(CASES / "platform-valid", tmp_path / "spec")
    platform = tmp_path / "spec" / "platform.yaml"
    text = platform.read_text()
    assert text.count("  workloads:\n") == 1
    cart = "    cart: {tenant: shop, chart: charts/any, values: {replicas: 3}}\n"
    platform.write_text(text.replace("  workloads:\n", f"  workloads:\n{cart}"))
    folder = tmp_path / "spec" / "charts" / "any"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("apiVersion: v2\nname: cart\nversion: 1.0.0\n")
    (folder / "values.yaml").write_text("replicas: 1\n")
    (folder / "templates" / "cart.yaml").write_text(DEPLOYMENT)
    (folder / "templates" / "test.yaml").write_text(TEST)
    return folder


def _problems(chart: Path) -> list[Problem]:
    return collect([chart.parents[1]], standards=STANDARDS)[1]


def _load(chart: Path) -> Spec:
    spec, problems, _ = collect([chart.parents[1]], standards=STANDARDS)
    assert spec is not None and not problems
    return spec


def _objects(chart: Path) -> list[dict[str, object]]:
    return list(_load(chart).platforms["apps"].workloads["cart"].objects)


def test_a_chart_is_rendered_with_its_values_for_the_release_of_the_cluster_and_without_tests(chart: Path) -> None:
    (found,) = _objects(chart)
    assert (found["kind"], found["spec"]) == ("Deployment", {"replicas": 3})
    metadata = {"name": "cart", "namespace": "shop", "annotations": {"kube": "v1.35.4"}}
    assert found["metadata"] == metadata


def test_a_packaged_chart_gives_the_same(chart: Path) -> None:
    plain = _objects(chart)
    with tarfile.open(chart.parent / "cart.tgz", "w:gz") as package:
        package.add(chart, "cart")
    platform = chart.parents[1] / "platform.yaml"
    platform.write_text(platform.read_text().replace("charts/any", "charts/cart.tgz"))
    assert _objects(chart) == plain


def test_another_chart_is_another_spec(chart: Path) -> None:
    before = _load(chart).digest
    assert _load(chart).digest == before
    (chart / "templates" / "cart.yaml").write_text(DEPLOYMENT.replace("name: {{", "name: new-{{"))
    assert _load(chart).digest != before


def test_what_is_wrong_with_an_object_is_told_at_its_template(chart: Path) -> None:
    (chart / "templates" / "cart.yaml").write_text(DEPLOYMENT.replace("{{ .Release.Namespace }}", "edge"))
    (found,) = _problems(chart)
    assert found.rule == "foreign-namespace"
    assert str(chart / "templates" / "cart.yaml") in str(found.path)


def test_hooks_that_nobody_would_run_are_refused(chart: Path) -> None:
    (chart / "templates" / "test.yaml").write_text(TEST.replace("hook: test", "hook: pre-install"))
    (found,) = _problems(chart)
    assert (found.rule, found.message) == ("chart", "Pod test is a hook (pre-install), which nobody would run")


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ fail `replicas must be odd` }}", "replicas must be odd"),
        ("{{ .Values.a.b.c }}", "nil pointer"),
        ("{{ if .Values.enabled }}kind: Pod{{ end }}", "it gives no objects"),
        ("{{ lookup `v1` `Pod` `` `` | len }}: {", "Helm can't render it"),
    ],
)
def test_a_chart_that_gives_nothing_says_why(chart: Path, template: str, said: str) -> None:
    (chart / "templates" / "cart.yaml").write_text(template)
    (found,) = _problems(chart)
    assert (found.rule, found.path[-1]) == ("chart", "chart")
    assert said in found.message


def test_a_chart_for_newer_clusters_is_refused(chart: Path) -> None:
    text = "apiVersion: v2\nname: cart\nversion: 1.0.0\nkubeVersion: '>=1.99.0'\n"
    (chart / "Chart.yaml").write_text(text)
    (found,) = _problems(chart)
    assert "1.99" in found.message
