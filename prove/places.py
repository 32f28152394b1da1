"""Where a kind's things lie, until kinds have folders of their own: what reaches its hosts, and what judges them.

The one table of its sort. What is shared by kinds is no place of a kind but part of the core, which every record names;
modules of the collection are an exception: a role's are found by what its tasks name.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from prove import REPO
from prove.event import ProveError

COLLECTION = "greenfield/configure/collections/ansible_collections/greenfield/host/plugins"
MODULE = re.compile(r"greenfield\.host\.(\w+):")

PLACES: Mapping[str, tuple[str, ...]] = {
    # What a delivery promises whatever stands on the hosts.
    "site": (
        "greenfield/cli/child.py",
        "greenfield/cli/killed.py",
        "greenfield/cli/up.py",
        "greenfield/configure/*.py",
        "greenfield/provider/*.py",
    ),
    "host": (
        "roles/baseline",
        "roles/data_disk",
        "roles/pki",
        "roles/node_exporter",
        "tests/acceptance/test_host*.py",
        "greenfield/verify/certificates.py",
        "greenfield/verify/firewall.py",
        "greenfield/verify/kernel.py",
        "greenfield/verify/listeners.py",
        "greenfield/verify/sshd.py",
    ),
    "etcd": (
        "greenfield/engines/etcd.py",
        "schemas/engines/etcd.schema.json",
        "roles/etcd",
        "tests/acceptance/test_etcd.py",
        "tests/acceptance/test_restore.py",
        "greenfield/verify/etcd.py",
        "greenfield/verify/onhost/etcd_*.py",
        "tools/etcd/build.json",
        "tools/etcd/go.mod",
    ),
    "redis": (
        "greenfield/engines/redis.py",
        "schemas/engines/redis.schema.json",
        "roles/redis",
        "tests/acceptance/test_redis.py",
        "tests/acceptance/test_restore.py",
        "greenfield/verify/redis.py",
        "greenfield/verify/onhost/redis_*.py",
        "greenfield/verify/onhost/resp.py",
    ),
    "containers": (
        "greenfield/engines/containers.py",
        "schemas/engines/containers.schema.json",
        "roles/containerd",
    ),
    "kubernetes": (
        "greenfield/engines/kubernetes.py",
        "schemas/engines/kubernetes.schema.json",
        "roles/kubernetes",
        "roles/containerd",
        "tests/acceptance/test_kubernetes*.py",
        "greenfield/verify/kubernetes*.py",
        "greenfield/verify/onhost/api_client.py",
        "greenfield/verify/onhost/pod_network.py",
        "tools/kubernetes-*/build.json",
        "tools/kubernetes-*/go.mod",
        "tools/coredns-*/go.mod",
        "tools/flannel/go.mod",
        "tools/kube-router/go.mod",
    ),
    "kubernetes-workers": (
        "greenfield/engines/kubernetes_workers.py",
        "schemas/engines/kubernetes-workers.schema.json",
        "roles/kubernetes",
        "roles/containerd",
        "tests/acceptance/test_kubernetes*.py",
        "greenfield/verify/kubernetes*.py",
    ),
    "platform": (
        "greenfield/platform",
        "greenfield/artifacts/kubernetes_plugin.py",
        "greenfield/provider/kubernetes_api.py",
        "greenfield/provider/taints.py",
        "schemas/platform.schema.json",
        "tools/pulumi-kubernetes/build.json",
        "tools/pulumi-kubernetes/go.mod",
        "tools/pulumi-kubernetes/main.go",
    ),
    "lab": ("greenfield/lab",),
    "mirror": ("greenfield/artifacts",),
    "program": ("greenfield/resources", "greenfield/cli/init.py", "greenfield/cli/initial", "stacks"),
    "goals": ("bench",),
}

CATALOGUE, STANDARD = "greenfield/artifacts/catalogue.yaml", "standards/idc-2026.yaml"

ENTRIES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "host": (("host",), ("HOST-",)),
    "etcd": (("etcd-",), ("ETCD-", "RST-")),
    "redis": (("redis-",), ("RED-", "RST-")),
    "containers": (("containers",), ()),
    "kubernetes": (("kubernetes-", "containers"), ("K8S-",)),
    "kubernetes-workers": (("kubernetes-", "containers"), ("K8S-",)),
}
"""Beginnings of a kind's names in the catalogue, and of its controls in the standard."""


@cache
def files_of(kind: str, root: Path = REPO) -> frozenset[Path]:
    """Every file of a kind's places, and the modules that its roles name with what these import.

    Raises:
        ProveError: the kind has no places, or one of them is gone.
    """
    if kind not in PLACES:
        raise ProveError(f"the kind {kind!r} has no places", fix="give it a line in prove/places.py")
    found: set[Path] = set()
    for pattern in PLACES[kind]:
        here = _files(root, pattern)
        if not here:
            raise ProveError(f"{pattern}, a place of {kind}, is not there", fix="correct prove/places.py")
        found |= here
    tasks = [path for path in found if path.suffix == ".yml" and "roles" in path.parts]
    return frozenset(found.union(*(_modules(task.read_text(), root) for task in tasks)))


@cache
def entries_of(kind: str, root: Path = REPO) -> str:
    """A kind's entries in the catalogue and the standard, as text: what its hosts get, and what they are held to."""
    artifacts, controls = ENTRIES.get(kind, ((), ()))
    catalogue = _data(root / CATALOGUE)["artifacts"]
    standard = _data(root / STANDARD)["spec"]["controls"]
    own = {name: entry for name, entry in catalogue.items() if artifacts and name.startswith(artifacts)}
    held = [control for control in standard if controls and control["id"].startswith(controls)]
    return json.dumps([own, held], sort_keys=True, default=str)


def kinds_of(file: str, root: Path = REPO) -> list[str]:
    """The kinds that a file, relative to the checkout, is a place of."""
    return [kind for kind in PLACES if root / file in files_of(kind, root)]


@cache
def _data(file: Path) -> Any:
    return yaml.safe_load(file.read_text())


def _files(root: Path, pattern: str) -> set[Path]:
    found = set()
    for path in root.glob(pattern):
        found |= {path} if path.is_file() else {each for each in path.rglob("*") if each.is_file()}
    return {path for path in found if "__pycache__" not in path.parts}


def _modules(tasks: str, root: Path) -> set[Path]:
    """Files of the collection's modules that tasks name, their action plugins, and the module_utils they import."""
    plugins = root / COLLECTION
    waiting = [
        path
        for name in MODULE.findall(tasks)
        for path in (plugins / "modules" / f"{name}.py", plugins / "action" / f"{name}.py")
        if path.exists()
    ]
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for node in ast.walk(ast.parse(path.read_bytes())):
            if isinstance(node, ast.ImportFrom) and node.module and ".module_utils" in f".{node.module}":
                names = [node.module.rsplit(".", 1)[-1], *(alias.name for alias in node.names)]
                utils = (plugins / "module_utils" / f"{name}.py" for name in names)
                waiting += [util for util in utils if util.exists()]
    return found
