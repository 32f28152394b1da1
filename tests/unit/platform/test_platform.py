"""A platform as the engine would hear of it, without an engine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any
from unittest import mock

import pulumi
import pytest
from pulumi.runtime.mocks import MockCallArgs, MockResourceArgs, Mocks

from greenfield.model.platform import Amounts, Platform, Quota, Tenant, Workload
from greenfield.platform import Node, PlatformArgs, sdk
from greenfield.platform import Platform as PlatformComponent
from greenfield.platform.quantity import cores, octets
from greenfield.platform.sdk import REMADE
from greenfield.platform.tenant import guards
from greenfield.platform.workload import objects
from greenfield.spec import collect

CASE = Path(__file__).parents[2] / "spec_cases" / "platform-valid"
NODES = [Node("r1-h1", "control", "r1", "lab"), Node("r2-h1", "workers", "r2", "lab")]
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "annotations": {"own": "1"}},
    "spec": {"replicas": 2, "selector": {"matchLabels": {"app": "web"}}},
}


class _Heard(Mocks):
    def __init__(self) -> None:
        self.resources: dict[str, MockResourceArgs] = {}

    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.resources[args.name] = args
        return f"{args.name}-id", dict(args.inputs)

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        raise AssertionError("the components call no functions")


@pytest.fixture(scope="module")
def said() -> Platform:
    spec, problems, _ = collect([CASE], standards=CASE.parent / "standards")
    assert spec is not None
    assert problems == []
    return spec.platforms["apps"]


@pytest.fixture(scope="module")
def declared(said: Platform) -> tuple[dict[str, MockResourceArgs], dict[str, Any]]:
    """Every resource by name, and the component's outputs."""
    heard, outputs = _Heard(), {}
    # Pulumi takes the thread's own event loop, which other tests may have closed.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    pulumi.runtime.set_mocks(heard, project="project", stack="stack", preview=False)

    @pulumi.runtime.test
    def program() -> Any:
        made = PlatformComponent("apps", PlatformArgs(said, NODES, "the kubeconfig", "lab/orders/k8s"))
        outputs["kubeconfig is secret"] = made.kubeconfig.is_secret()
        return pulumi.Output.all(made.nodes, made.namespaces).apply(
            lambda found: outputs.update(nodes=found[0], namespaces=found[1])
        )

    try:
        program()
        outputs["kubeconfig is secret"] = loop.run_until_complete(outputs["kubeconfig is secret"])
    finally:
        asyncio.set_event_loop(None)
        loop.close()
    return heard.resources, outputs


Declared = tuple[dict[str, MockResourceArgs], dict[str, Any]]


def test_outputs(declared: Declared) -> None:
    assert declared[1] == {
        "nodes": ["r1-h1", "r2-h1"],
        "namespaces": {"shop": "shop", "edge": "edge"},
        "kubeconfig is secret": True,
    }


def test_every_object_goes_to_the_platforms_own_cluster(declared: Declared) -> None:
    resources = declared[0]
    provider = resources["apps-kubernetes"]
    assert provider.inputs["clusterIdentifier"] == "lab/orders/k8s"
    assert (provider.inputs["enableConfigMapMutable"], provider.inputs["enableSecretMutable"]) == ("true", "true")
    objects_of = [each for each in resources.values() if each.typ.startswith("kubernetes:")]
    assert len(objects_of) > 20
    assert all((each.provider or "").endswith("::apps-kubernetes::apps-kubernetes-id") for each in objects_of)


def test_what_is_declared_is_the_platforms_own_whoever_has_changed_it(declared: Declared) -> None:
    objects_of = [each for each in declared[0].values() if each.typ.startswith("kubernetes:")]
    assert {each.inputs["metadata"]["annotations"]["pulumi.com/patchForce"] for each in objects_of} == {"true"}


def test_namespaces_of_tenants_must_be_nobodys(declared: Declared) -> None:
    names = declared[0]["apps-names"]
    assert (names.typ, names.inputs["namespaces"]) == ("greenfield:index:Names", ["shop", "edge"])
    order = list(declared[0])
    assert order.index("apps-names") < order.index("apps-shop-namespace")


def test_fields_that_never_change_make_an_object_anew() -> None:
    """Those that the plugin knows of by itself are not among them."""
    assert set(REMADE["PriorityClass"]) == {"value", "preemptionPolicy"}
    seen: list[pulumi.ResourceOptions] = []

    def made(name: str, *, opts: pulumi.ResourceOptions, **given: Any) -> pulumi.CustomResource:
        seen.append(opts)
        return mock.Mock(spec=pulumi.CustomResource)

    with mock.patch.object(sdk, "_class", lambda version, kind: made):
        for kind in ("PriorityClass", "Service"):
            wanted = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}
            sdk.declare("x", wanted, pulumi.ResourceOptions(protect=True))
    assert (seen[0].replace_on_changes, seen[0].delete_before_replace) == (["value", "preemptionPolicy"], True)
    assert (seen[1].replace_on_changes, seen[1].delete_before_replace) == (None, None)
    assert [each.protect for each in seen] == [True, True]


@pytest.mark.parametrize(
    ("kind", "spec", "waits"),
    [
        ("PersistentVolumeClaim", {}, False),
        ("Ingress", {}, False),
        ("Job", {"suspend": True}, False),
        ("Job", {}, True),
        ("Deployment", {}, True),
    ],
)
def test_what_the_plugin_might_wait_for_in_vain_is_not_waited_for(kind: str, spec: dict[str, Any], waits: bool) -> None:
    made = mock.Mock(return_value=mock.Mock(spec=pulumi.CustomResource))
    wanted = {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}, "spec": spec}
    with mock.patch.object(sdk, "_class", lambda version, kind: made):
        sdk.declare("x", wanted, pulumi.ResourceOptions())
    assert ("pulumi.com/skipAwait" not in made.call_args.kwargs["metadata"]["annotations"]) is waits


def test_a_volume_whose_claim_is_gone_is_not_waited_for(declared: Declared) -> None:
    """It is neither bound nor available until someone has emptied it."""
    annotations = declared[0]["apps-volume-fast-r2-h1"].inputs["metadata"]["annotations"]
    assert annotations["pulumi.com/skipAwait"] == "true"


def test_types_are_those_of_the_sdk(declared: Declared) -> None:
    found = {name: each.typ for name, each in declared[0].items()}
    assert found["apps-node-r2-h1"] == "kubernetes:core/v1:NodePatch"
    assert found["apps-priority-vital"] == "kubernetes:scheduling.k8s.io/v1:PriorityClass"
    assert found["apps-volume-fast-r2-h1"] == "kubernetes:core/v1:PersistentVolume"
    assert found["apps-shop-role-edit"] == "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding"
    assert found["apps-web-deployment-web"] == "kubernetes:apps/v1:Deployment"
    assert found["apps-web-poddisruptionbudget-web"] == "kubernetes:policy/v1:PodDisruptionBudget"
    assert "apps-volume-fast-r1-h1" not in found


def test_a_node_says_where_it_stands(declared: Declared) -> None:
    node = declared[0]["apps-node-r2-h1"].inputs
    assert node["metadata"]["labels"] == {
        "topology.kubernetes.io/region": "lab",
        "topology.kubernetes.io/zone": "r2",
        "greenfield.io/pool": "workers",
        "tier": "front",
    }
    # The list of taints is others' too, and one field to whoever applies it.
    assert "spec" not in node
    tainted = declared[0]["apps-taints"]
    assert tainted.typ == "greenfield:index:Taints"
    assert tainted.inputs["nodes"] == {"r2-h1": [{"key": "dedicated", "effect": "NoSchedule", "value": "front"}]}


def _guards(tenant: Tenant, *access_to: str) -> dict[str, dict[str, Any]]:
    return dict(guards(tenant, access_to))


def test_a_tenant_is_closed_to_all_it_was_not_opened_to() -> None:
    found = _guards(Tenant("shop", "shop", access_from=("edge",)), "store")
    assert list(found) == ["net-deny-all", "net-allow-dns", "net-allow-inside", "net-from-edge", "net-to-store"]
    assert found["net-deny-all"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    dns = found["net-allow-dns"]["spec"]
    assert [port["port"] for port in dns["egress"][0]["ports"]] == [53, 53]
    assert "ingress" not in dns
    came = found["net-from-edge"]["spec"]["ingress"][0]["from"]
    assert came == [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "edge"}}}]


def test_the_other_end_of_an_access_is_opened_too(declared: Declared) -> None:
    policy = declared[0]["apps-edge-net-to-shop"].inputs
    assert policy["metadata"]["namespace"] == "edge"
    assert policy["spec"]["policyTypes"] == ["Egress"]


@pytest.mark.parametrize(
    ("tenant", "limits"),
    [
        (Tenant("a", "o"), None),
        (Tenant("a", "o", limits=Amounts(1, 2**30)), {"default": {"cpu": "1", "memory": "1Gi"}}),
        # A quota of CPU refuses containers that ask for none.
        (Tenant("a", "o", quota=Quota(cpu_cores=4)), {"defaultRequest": {"cpu": "100m"}}),
        (Tenant("a", "o", quota=Quota(cpu_cores=0.05)), {"defaultRequest": {"cpu": "50m"}}),
        (
            Tenant("a", "o", quota=Quota(memory_bytes=2**30), limits=Amounts(None, 2**26)),
            {"default": {"memory": "64Mi"}, "defaultRequest": {"memory": "64Mi"}},
        ),
        (
            Tenant("a", "o", quota=Quota(cpu_cores=4), requests=Amounts(0.25)),
            {"defaultRequest": {"cpu": "250m"}},
        ),
    ],
)
def test_limits_of_a_container_that_says_nothing(tenant: Tenant, limits: dict[str, Any] | None) -> None:
    found = _guards(tenant).get("limits")
    assert (found and found["spec"]["limits"]) == (limits and [{"type": "Container", **limits}])


def test_a_workload_stays_in_its_namespace_with_its_deadline() -> None:
    (web,) = objects(Workload("w", "shop", ({**DEPLOYMENT, "spec": {"replicas": 1}},), deadline_seconds=90))
    assert web["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "annotations": {"pulumi.com/timeoutSeconds": "90", "own": "1"},
    }


def test_pods_of_which_there_are_several_are_not_all_drained_at_once() -> None:
    _, budget = objects(Workload("w", "shop", (DEPLOYMENT,), disruptions=2))
    assert budget["spec"] == {"maxUnavailable": 2, "selector": {"matchLabels": {"app": "web"}}}


def test_a_budget_of_the_manifests_own_is_enough() -> None:
    own = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "mine"},
        "spec": {"minAvailable": 1, "selector": DEPLOYMENT["spec"]["selector"]},
    }
    assert [each["metadata"]["name"] for each in objects(Workload("w", "shop", (DEPLOYMENT, own)))] == ["web", "mine"]


@pytest.mark.parametrize(("amount", "text"), [(2, "2"), (0.5, "500m"), (1.25, "1250m"), (0.001, "1m")])
def test_cores(amount: float, text: str) -> None:
    assert cores(amount) == text


@pytest.mark.parametrize(("amount", "text"), [(2**30, "1Gi"), (1500, "1500"), (3 * 2**20, "3Mi"), (0, "0")])
def test_octets(amount: int, text: str) -> None:
    assert octets(amount) == text
