"""A program's stack as the engine would hear of it, without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
from google.protobuf import json_format
from lab_shape import build_site, lab_cluster
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks

from greenfield.artifacts import Lock
from greenfield.artifacts.lock import Artifact, FileArtifact
from greenfield.model.cluster import Cluster as ClusterSpec
from greenfield.model.site import Site
from greenfield.plan import Placement, make_plan
from greenfield.resources import Cluster, ClusterArgs
from greenfield.resources import cluster as cluster_module

SECRET_MARK = "4dabf18193072939515e22adb298388d"
"""Key by which Pulumi's protocol marks a secret value."""

KEY = "-----BEGIN PRIVATE KEY-----"
FILES = tuple(FileArtifact(name, "ab" * 32, 1, "3.6.5", "pkg:golang/x") for name in ("etcd", "etcdctl", "etcdutl"))
LOCK = Lock(
    *("lab", "bookworm", "amd64", "2026-01-01", "the mirror's key", "AB"),
    artifacts={
        "etcd-3.6": Artifact((), FILES),
        **{
            name: Artifact((), ()) for name in ("host", "redis-7.0", "containers", "kubernetes-1.35", "kubernetes-node")
        },
    },
)


@dataclass(frozen=True, slots=True)
class Declared:
    """One resource as it was registered. ``inputs`` keeps secrets wrapped in Pulumi's mark."""

    kind: str
    name: str
    parent: str
    custom: bool
    protected: bool
    depends_on: tuple[str, ...]
    inputs: Mapping[str, Any]
    secret_outputs: tuple[str, ...]

    @property
    def plain(self) -> dict[str, Any]:
        """The inputs without secret marks."""
        return {key: open_(value) for key, value in self.inputs.items()}


@dataclass(slots=True)
class Stack:
    """Everything a program declared, and what it exported."""

    resources: list[Declared] = field(default_factory=list)
    outputs: dict[str, Any] = field(default_factory=dict)

    def of(self, kind: str) -> dict[str, Declared]:
        """Resources of a kind (``Cell``), by name."""
        return {each.name: each for each in self.resources if each.kind == f"greenfield:index:{kind}"}

    def one(self, name: str) -> Declared:
        """The one resource of a name."""
        (found,) = [each for each in self.resources if each.name == name]
        return found


class _Answers(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        made = {
            "greenfield:index:Authority": {"certificate": _certificate(args.inputs), "privateKey": KEY},
            "greenfield:index:Password": {"value": f"word of {args.name}"},
            "greenfield:index:Cell": {"digests": dict.fromkeys(args.inputs.get("hosts", {}), "digest")},
        }
        return args.name, {**args.inputs, **made.get(args.typ, {})}

    def call(self, args: MockCallArgs) -> tuple[dict[str, Any], None]:
        raise AssertionError("the components call no functions")


class _Monitor(MockMonitor):
    def __init__(self, stack: Stack) -> None:
        super().__init__(_Answers())
        self._stack = stack

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        if request.type != "pulumi:pulumi:Stack":
            self._stack.resources.append(
                Declared(
                    request.type,
                    request.name,
                    _name(request.parent),
                    request.custom,
                    request.protect,
                    tuple(_name(urn) for urn in request.dependencies),
                    json_format.MessageToDict(request.object),
                    tuple(request.additionalSecretOutputs),
                )
            )
        return super().RegisterResource(request)


def declare(
    folder: Path,
    cluster: ClusterSpec | None = None,
    site: Site | None = None,
    *,
    quarantine: frozenset[str] = frozenset(),
    standing: Placement | None = None,
) -> Stack:
    """Declare a cluster (the example's by default, bare) and return what the engine heard."""
    stack = Stack()
    plan = make_plan(site or build_site(), cluster or lab_cluster(), standing, quarantine)
    # Pulumi takes the thread's own event loop, which other tests may have closed.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_mocks(_Answers(), project="project", stack="stack", preview=False, monitor=_Monitor(stack))

    @pulumi.runtime.test
    def program() -> Any:
        made = Cluster(plan.cluster.name, ClusterArgs(plan, folder, LOCK))
        names = ("hosts", "endpoints", "passwords", "certificates", "certificate")
        shown = pulumi.Output.all(*(getattr(made, name) for name in names))

        def keep(values: list[Any]) -> None:
            stack.outputs.update(zip(names, values, strict=True))

        stack.outputs["passwords are secret"] = made.passwords.is_secret()
        return shown.apply(keep)

    try:
        # The handler that ends a program on an interrupt would end these tests.
        with mock.patch.object(cluster_module, "end_quietly"):
            program()
        stack.outputs["passwords are secret"] = loop.run_until_complete(stack.outputs["passwords are secret"])
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return stack


def open_(value: Any) -> Any:
    """A value of the protocol without its secret marks."""
    if isinstance(value, dict):
        return open_(value["value"]) if SECRET_MARK in value else {key: open_(item) for key, item in value.items()}
    return [open_(item) for item in value] if isinstance(value, list) else value


def in_the_clear(value: Any) -> Any:
    """A value of the protocol with everything secret left out."""
    if isinstance(value, dict):
        return None if SECRET_MARK in value else {key: in_the_clear(item) for key, item in value.items()}
    return [in_the_clear(item) for item in value] if isinstance(value, list) else value


def _certificate(inputs: Mapping[str, Any]) -> str:
    return f"-----BEGIN CERTIFICATE----- {inputs.get('commonName')}"


def _name(urn: str) -> str:
    return urn.rsplit("::", 1)[-1]
