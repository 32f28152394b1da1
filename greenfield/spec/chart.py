"""Renders Helm charts of workloads into objects, offline: a chart lies in the spec, and its images in the mirror."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from greenfield import content
from greenfield.model.problem import SpecPath
from greenfield.spec import manifest
from greenfield.spec.draft import Draft
from greenfield.spec.manifest import ManifestObject

RULE = "chart"
HOOK = "helm.sh/hook"
RENDER_SECONDS = 60
BUILD_SECONDS = 3600
LAST_LINES = 6
SOURCE = re.compile(r"^# Source: (.+)$", re.MULTILINE)


class _HelmError(Exception):
    """Why there is no rendering; with what to do."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message, self.fix = message, fix


def read(draft: Draft, name: str, raw: Mapping[str, Any], release: str) -> tuple[ManifestObject, ...]:
    """The objects that a workload's chart gives; what is wrong goes into the draft's problems.

    Hooks are left out where they are tests and refused where they are more, for nobody would run them.

    Args:
        release: of Kubernetes that the chart may ask for, ``1.35.4``; empty where it is not known.
    """
    at: SpecPath = ("workloads", name, "chart")
    chart = Path(draft.file(raw["chart"]))
    if not (chart.is_file() or (chart / "Chart.yaml").is_file()):
        fix = "a folder with Chart.yaml or a packaged chart (.tgz); the path counts from the folder of this file"
        draft.add(at, f"there is no chart {raw['chart']}", fix, "file")
        return ()
    try:
        text = _render(name, chart, raw, release)
    except _HelmError as error:
        draft.add(at, error.message, error.fix, RULE)
        return ()
    found: list[ManifestObject] = []
    try:
        for file, data in _documents(text, chart):
            found += manifest.objects(data, file, 1, draft.problems)
    except yaml.YAMLError as error:
        said = getattr(error, "problem", None) or error
        draft.add(at, f"what Helm renders is no YAML: {said}", "correct the chart, or the values", RULE)
        return ()
    if not found:
        draft.add(at, "it gives no objects", "look at what its values turn off, or remove the workload", RULE)
    for each in found:
        if hook := _hook(each):
            fix = "turn it off by the chart's values, and declare what it does as a workload of its own"
            draft.problems.append(each.problem(f"{each.label} is a hook ({hook}), which nobody would run", fix, RULE))
    return tuple(found)


def _hook(found: ManifestObject) -> str:
    return str((found.data["metadata"].get("annotations") or {}).get(HOOK, ""))


def _documents(text: str, chart: Path) -> Iterator[tuple[Path, Any]]:
    """Each document but tests, with the template it was rendered from (of a packaged chart, the package)."""
    for part in re.split(r"^---\s*$", text, flags=re.MULTILINE):
        data = yaml.load(part, Loader=yaml.CSafeLoader)
        if data is None:
            continue
        metadata = data.get("metadata") if isinstance(data, dict) else None
        annotations = (metadata.get("annotations") or {}) if isinstance(metadata, dict) else {}
        if str(annotations.get(HOOK, "")).startswith("test"):
            continue
        source = SOURCE.search(part)
        # Helm begins the name with that of the chart, which its folder need not have.
        inside = source[1].partition("/")[2] if source and chart.is_dir() else ""
        yield (chart / inside if inside else chart), data


def _render(name: str, chart: Path, raw: Mapping[str, Any], release: str) -> str:
    command = [_helm(), "template", name, str(chart), "--namespace", raw["tenant"], "--include-crds", "--values", "-"]
    command += ["--kube-version", release] if release else []
    with tempfile.TemporaryDirectory(prefix="greenfield-helm-") as own:
        # Nothing of the user's own Helm, and no cluster: what is rendered depends on the spec alone.
        places = {f"HELM_{kind}_HOME": f"{own}/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")}
        try:
            done = subprocess.run(
                command,
                input=json.dumps(raw.get("values", {})),
                env={"PATH": "/usr/bin:/bin", "HOME": own, "KUBECONFIG": "/dev/null", **places},
                capture_output=True,
                text=True,
                timeout=RENDER_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise _HelmError(f"Helm has not rendered it after {RENDER_SECONDS} s", "look at the chart") from None
    if done.returncode:
        raise _HelmError(f"Helm can't render it: {_last(done.stderr)}", "correct the chart, or the values")
    return done.stdout


def _last(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip() and "--debug" not in line]
    return " ".join(lines[-LAST_LINES:]).removeprefix("Error: ") or "it says nothing"


@cache
def _helm() -> str:
    """Helm on PATH, else the pinned one, which is built when it is needed first.

    The toolchain is a later step's and runs as a program of its own here; it shows its progress itself.
    """
    if found := shutil.which("helm"):
        return found
    script = content.PACKAGE / "artifacts" / "toolchain.py"
    done = subprocess.run(
        [sys.executable, str(script), "build", "helm"],
        stdout=subprocess.PIPE,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if done.returncode:
        raise _HelmError("Helm is neither on PATH nor could it be built (why is above)", "install Helm 3")
    return str(Path(done.stdout.strip()) / "helm")
