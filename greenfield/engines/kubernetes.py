"""Kubernetes: the control plane. kubeadm's static pods on an odd number of members, each with an API server."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from greenfield.engines.credential import Bearer, Credential
from greenfield.engines.descriptor import EngineKind, HostSettings, Port, Slot
from greenfield.engines.version_path import VersionPath
from greenfield.model.cluster import EngineSpec
from greenfield.model.problem import Problem

API_PORT = 6443
KUBELET_PORT = 10250
OVERLAY_PORT = 8472
LOCAL_API_PORT = 7443
"""Where every node finds the API on its own loopback: a proxy to all control-plane members."""

ETCD_CA = "etcd/ca"
"""kubeadm's name of the authority of a stacked etcd."""

STACKED = "stacked"
"""In the option ``etcd``: each member carries a member of an etcd of the control plane's own."""

BASE_MEMORY_BYTES = 900 * 2**20
"""API server, controller manager, scheduler, kubelet, containerd and the node's agents, of a small cluster: about
700 MiB resident in the lab; an API server grows with the number of objects."""

NODE_MEMORY_BYTES = 300 * 2**20
"""kubelet, containerd, kube-proxy and the network agents of a node; about 220 MiB resident in the lab."""

IMAGE_BYTES = 1536 * 2**20
"""Images of a control plane, unpacked, of two releases while it is upgraded; about 500 MiB a release."""

RELEASES = {"1.34": "1.34.4", "1.35": "1.35.4"}
"""The patch release behind each version a spec may ask for; the artifact catalogue has these."""

# kubernetes.io, "Upgrading kubeadm clusters": no minor version may be skipped, of control plane and workers alike. No
# guide leads back: objects that a newer API server has written may be in a form that an older one can't read, and etcd
# goes up with the control plane (see engines/etcd.py).
VERSION_PATH = VersionPath(
    product="Kubernetes",
    every_minor=True,
    no_way_back="kubeadm does not downgrade a control plane",
    way_back="the way back is to restore a snapshot taken before the upgrade into a new control plane of that version",
)

NODE_PORTS = (Port(KUBELET_PORT, "kubelet", "nodes"), Port(OVERLAY_PORT, "pod overlay", "nodes", "udp"))

# kubelet's own protectKernelDefaults (kubernetes.io, "Kubelet configuration"), and forwarding for pods.
NODE_SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
}


def node_credentials(bearer: Bearer) -> dict[str, Credential]:
    """What every node needs: its kubelet as a client and as a server, the service proxy, the network agents."""
    node, names = f"system:node:{bearer.host}", (bearer.host, f"{bearer.host}.{bearer.domain}")
    own = (bearer.host,)
    return {
        "kubelet-client": Credential(common_name=node, organizations=("system:nodes",), dns=own),
        "kubelet-server": Credential(
            common_name=node,
            organizations=("system:nodes",),
            dns=names,
            addresses=(bearer.address,),
            usages=("server",),
        ),
        "kube-proxy": Credential(common_name="system:kube-proxy", dns=own),
        "agent": Credential(
            common_name=f"greenfield:agent:{bearer.host}", organizations=("greenfield:agents",), dns=own
        ),
    }


def _credentials(bearer: Bearer) -> dict[str, Credential]:
    """All that kubeadm would make, so that no authority's key is ever on a host (kubeadm's external CA mode)."""
    full, host, address = f"{bearer.host}.{bearer.domain}", bearer.host, bearer.address
    service = str(ip_network(bearer.options["service_network"])[1])
    local = ("127.0.0.1", address)
    found = node_credentials(bearer) | {
        "apiserver": Credential(
            common_name="kube-apiserver",
            dns=(
                host,
                full,
                "localhost",
                "kubernetes",
                "kubernetes.default",
                "kubernetes.default.svc",
                f"kubernetes.default.svc.{bearer.options['dns_domain']}",
            ),
            addresses=(*local, service),
            usages=("server",),
        ),
        "apiserver-kubelet-client": Credential(
            common_name="kube-apiserver-kubelet-client", organizations=("greenfield:kubelet-api-clients",), dns=(host,)
        ),
        "front-proxy-client": Credential("certificate", "front-proxy-ca", "front-proxy-client", dns=(host,)),
        "admin": Credential(common_name=f"greenfield:admin:{host}", organizations=("system:masters",), dns=(host,)),
        "controller-manager": Credential(common_name="system:kube-controller-manager", dns=(host,)),
        "scheduler/client": Credential(common_name="system:kube-scheduler", dns=(host,)),
        "sa": Credential("signing-key"),
        "encryption": Credential("secret"),
    }
    if bearer.options["etcd"] == STACKED:
        both: Any = ("server", "client")
        found |= {
            "etcd/server": Credential("certificate", ETCD_CA, host, (), (host, full, "localhost"), local, both),
            "etcd/peer": Credential("certificate", ETCD_CA, host, (), (host, full, "localhost"), local, both),
            "etcd/healthcheck-client": Credential("certificate", ETCD_CA, "kube-etcd-healthcheck-client", dns=(host,)),
            "apiserver-etcd-client": Credential("certificate", ETCD_CA, "kube-apiserver-etcd-client", dns=(host,)),
        }
    else:
        found["apiserver-etcd-client"] = Credential(
            "certificate", ETCD_CA, "kube-apiserver-etcd-client", dns=(host,), of="etcd"
        )
    return found


def _slots(engine: EngineSpec) -> Sequence[Slot]:
    members = int(engine.options["members"])
    quota = int(engine.options["quota_bytes"])
    stacked = engine.options["etcd"] == STACKED
    ports: tuple[Port, ...] = (Port(API_PORT, "API", "nodes-and-clients"), *NODE_PORTS)
    if stacked:
        ports = (*ports, Port(2379, "etcd client", "peers"), Port(2380, "etcd peer", "peers"))
    return [
        Slot(
            name=f"server-{index}",
            group="quorum",
            quorum=members // 2 + 1 if stacked else 1,
            memory_bytes=BASE_MEMORY_BYTES + (quota if stacked else 0),
            disk_bytes=IMAGE_BYTES + (quota * 3 if stacked else 0),
            ports=ports,
            directories=(f"/data/{engine.name}",),
            role="server",
        )
        for index in range(1, members + 1)
    ]


def _check(engine: EngineSpec) -> Sequence[Problem]:
    members = int(engine.options["members"])
    if members % 2 == 0 and engine.options["etcd"] == STACKED:
        return [
            Problem(
                ("members",),
                f"{members} members with a stacked etcd tolerate no more failures than {members - 1} "
                "and need a larger quorum",
                f"members: {members - 1} or {members + 1}",
                "even-quorum",
            )
        ]
    return []


def _fewer(domains: int) -> tuple[str, str]:
    odd = domains - (domains % 2 == 0)
    return "members", f"members: {odd}" if odd > 0 else ""


def variables(engine: EngineSpec) -> dict[str, Any]:
    """What a control plane's options mean to nodes and members alike."""
    options, protection = engine.options, engine.data_protection
    return {
        "kind": "control-plane",
        "release": RELEASES[engine.version],
        "api_port": API_PORT,
        "local_api_port": LOCAL_API_PORT,
        "kubelet_port": KUBELET_PORT,
        "etcd": str(options["etcd"]),
        "etcd_quota_bytes": int(options["quota_bytes"]),
        "pod_network": str(options["pod_network"]),
        "service_network": str(options["service_network"]),
        "dns_domain": str(options["dns_domain"]),
        "dns_address": str(ip_network(options["service_network"])[10]),
        "snapshot_interval_seconds": protection.rpo_seconds if protection else 3600,
        "snapshot_keep_seconds": protection.retention_seconds if protection else 7 * 86400,
    }


def before(engine: EngineSpec) -> dict[str, Any]:
    """What the role ``containerd`` is told: images are on the data disk, not on the system's."""
    return {"containerd_root": f"/data/{engine.name}/containerd"}


def artifacts(version: str) -> tuple[str, ...]:
    """Catalogue names of a node of a version."""
    return ("containers", f"kubernetes-{version}", "kubernetes-node")


def host_settings(_engine: EngineSpec) -> HostSettings:
    """What nodes need of their hosts."""
    return HostSettings(sysctls=dict(NODE_SYSCTLS), open_files=65536)


def _networks(engine: EngineSpec) -> tuple[str, ...]:
    return str(engine.options["pod_network"]), str(engine.options["service_network"])


KUBERNETES = EngineKind(
    name="kubernetes",
    versions=tuple(RELEASES),
    role="kubernetes",
    roles_before=("containerd",),
    before=before,
    tells_rack=True,
    fetches_files=True,
    slots=_slots,
    host_settings=host_settings,
    artifacts=lambda version: (*artifacts(version), "etcd-3.6"),
    check=_check,
    variables=variables,
    references={"etcd": "etcd"},
    version_path=VERSION_PATH,
    credentials=_credentials,
    inner_networks=_networks,
    fewer=_fewer,
    restorable=True,
    live=frozenset({"members", "snapshot_interval_seconds", "snapshot_keep_seconds"}),
)
