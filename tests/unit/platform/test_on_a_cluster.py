"""A platform on a delivered cluster: its nodes, and how it reaches the engine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from greenfield.plan import Plan, make_plan
from greenfield.platform import Platform, PlatformArgs
from greenfield.platform.nodes import nodes_of
from greenfield.resources import Cluster, ClusterArgs
from greenfield.resources import cluster as cluster_module
from greenfield.spec import collect

CASE = Path(__file__).parents[2] / "spec_cases" / "platform-valid"
HOST = "{name: r2-h2, rack: r2, unit: 2, hardware: small, serial: S3, address: 10.77.2.12, mac: '02:00:00:00:02:02'}"
ALONE = "members: 1\n      acceptLoss: [host, rack, feed, tor]"


class _Heard(Mocks):
    def __init__(self) -> None:
        self.resources: dict[str, MockResourceArgs] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources[args.name] = args
        made: dict[str, dict[str, Any]] = {
            "greenfield:index:Authority": {"certificate": "certificate", "privateKey": "key"},
            "greenfield:index:Kubeconfig": {"kubeconfig": "made for the platform"},
            "greenfield:index:Cell": {"digests": {}},
        }
        return args.name, {**args.inputs, **made.get(args.typ, {})}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        raise AssertionError("the components call no functions")


@pytest.fixture
def args(tmp_path: Path) -> ClusterArgs:
    """The case's spec on hosts that are large enough."""
    for file in CASE.iterdir():
        (tmp_path / file.name).write_text(file.read_text())
    site = (tmp_path / "site.yaml").read_text().replace("memory: 2GiB", "memory: 32GiB").replace("4GiB", "64GiB")
    (tmp_path / "site.yaml").write_text(site.replace("  access:", f"    - {HOST}\n  access:"))
    alone = (tmp_path / "cluster.yaml").read_text().replace("members: 1", ALONE)
    (tmp_path / "cluster.yaml").write_text(alone)
    spec, problems, _ = collect([tmp_path], standards=CASE.parent / "standards")
    assert spec is not None
    assert problems == []
    cluster, where = spec.cluster("orders")
    return ClusterArgs(make_plan(where, cluster), tmp_path, None, "", tuple(spec.platforms.values()))


def test_nodes_are_those_of_the_control_plane_and_its_workers(args: ClusterArgs) -> None:
    plan: Plan = args.plan
    nodes = nodes_of(plan, "k8s")
    assert sorted(node.pool for node in nodes) == ["control", "workers"]
    assert {node.host for node in nodes} == {
        member.host for name in ("k8s", "nodes") for member in plan.members_of(name)
    }
    assert all(node.rack == plan.site.hosts[node.host].rack for node in nodes)


def test_the_platform_comes_after_the_engine_and_with_a_certificate_of_its_own(args: ClusterArgs) -> None:
    heard = _Heard()
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_mocks(heard, project="project", stack="stack", preview=False)

    @pulumi.runtime.test
    def program() -> Any:
        cluster = Cluster("orders", args)
        (said,) = args.platforms
        return Platform("apps", PlatformArgs.on(said, args.plan, cluster)).namespaces

    try:
        # The handler that ends a program on an interrupt would end these tests.
        with mock.patch.object(cluster_module, "end_quietly"):
            program()
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    kubeconfig = heard.resources["apps-kubeconfig"].inputs
    member = args.plan.members_of("k8s")[0]
    assert kubeconfig["server"] == f"https://{args.plan.site.hosts[member.host].address}:6443"
    assert kubeconfig["organizations"] == ["system:masters"]
    assert kubeconfig["lifetimeSeconds"] == args.plan.cluster.pki.lifetime_seconds
    given = heard.resources["apps-kubernetes"].inputs["kubeconfig"]
    # Wrapped, as Pulumi's protocol marks a secret.
    assert (given["value"], len(given)) == ("made for the platform", 2)
    order = list(heard.resources)
    assert max(order.index("orders-k8s-formation"), order.index("orders-nodes-formation")) < order.index(
        "apps-kubeconfig"
    )
