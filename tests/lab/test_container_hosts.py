"""A lab host has what container runtimes and kubelets need of a machine, also after a restart."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenfield.errors import LabError
from greenfield.lab.kernel_view import machine_values
from greenfield.lab.lab import Lab

PROVES = ("lab/container-hosts",)
ORDER = 70

KUBELET = {
    "vm.overcommit_memory": "1",
    "vm.panic_on_oom": "0",
    "kernel.panic": "10",
    "kernel.panic_on_oops": "1",
    "kernel.keys.root_maxkeys": "1000000",
    "kernel.keys.root_maxbytes": "25000000",
    "net.netfilter.nf_conntrack_max": "131072",
}
"""What kubelet (protectKernelDefaults=false) and kube-proxy set at their start."""

OWN_NETWORK = {
    "net.ipv4.ip_forward": "1",
    "net.bridge.bridge-nf-call-iptables": "0",
    "net.netfilter.nf_conntrack_tcp_timeout_established": "86400",
    "net.netfilter.nf_conntrack_tcp_be_liberal": "1",
}
"""What they, flannel and the role containerd set of a host's own network."""

CAP_SYS_MODULE = 16
AS_A_SERVICE = ("systemd-run", "--quiet", "--pipe", "--wait")
"""What enters from outside has no filter of system calls, what the host starts has."""

LAYERS = """set -e
mountpoint -q {folder} && test "$(stat -f -c %T {folder})" != overlayfs
cd {folder}; mkdir -p lower upper work merged; echo below > lower/file
mount -t overlay layers -o lowerdir=lower,upperdir=upper,workdir=work merged
echo above > merged/file; cat lower/file upper/file; umount merged"""


@pytest.fixture(scope="module", params=["reset", "stopped", "killed"])
def host(request: pytest.FixtureRequest, lab: Lab) -> str:
    """A host, in one of the ways it can have come up."""
    if request.param == "reset":
        lab.reset_host("r1-h1")
        return "r1-h1"
    end = {"stopped": lab.stop_host, "killed": lab.kill_host}[request.param]
    end("r1-h1")
    lab.start_host("r1-h1")
    return "r1-h1"


def test_cgroups_of_its_own_limit_memory(lab: Lab, host: str) -> None:
    script = """set -e
        cd /sys/fs/cgroup
        for c in memory cpu cpuset pids devices freezer blkio; do mkdir $c/kubepods; done
        cat cpuset/cpuset.cpus > cpuset/kubepods/cpuset.cpus; cat cpuset/cpuset.mems > cpuset/kubepods/cpuset.mems
        echo 33554432 > memory/kubepods/memory.limit_in_bytes
        inside() { sh -c 'echo $$ > memory/kubepods/cgroup.procs; exec python3 -c "$1"' sh "$1"; }
        inside 'b = bytearray(8 << 20); print(len(b) >> 20)'
        inside 'b = bytearray(64 << 20); b[::4096] = b"x" * len(b[::4096]); print("never")' || echo killed"""
    done = lab.run(host, script)
    assert done.stdout.split() == ["8", "killed"], done.stderr


@pytest.mark.parametrize("folder", ["/var/lib/containerd", "/var/lib/kubelet"])
def test_layers_can_be_stacked(lab: Lab, host: str, folder: str) -> None:
    done = lab.run(host, LAYERS.format(folder=folder))
    assert done.stdout.split() == ["below", "above"], done.stderr


def test_modprobe_knows_what_the_kernel_has(lab: Lab, host: str) -> None:
    done = lab.run(host, "modprobe -a overlay br_netfilter nf_conntrack vxlan")
    assert done.returncode == 0, done.stderr
    missing = lab.run(host, "modprobe no_such_module")
    assert "Module no_such_module not found" in missing.stderr
    assert missing.returncode == 1


def test_there_is_a_kernel_log_but_not_the_machines(lab: Lab, host: str) -> None:
    assert lab.run(host, "test -c /dev/kmsg && head -c 100 /dev/kmsg | wc -c").stdout.strip() == "0"
    hidden = [*AS_A_SERVICE, "-p", "ProtectKernelLogs=yes", "sh", "-c", "echo open > /dev/null && ! cat /dev/kmsg"]
    assert lab.run(host, hidden).returncode == 0
    assert lab.run(host, "journalctl -b -k -q -o cat").stdout == ""


def test_a_network_of_containers_can_be_made(lab: Lab, host: str) -> None:
    script = """set -e
        ip netns add pod; ip link add cni0 type bridge; ip link set cni0 up
        ip link add pod0 type veth peer name eth0 netns pod; ip link set pod0 master cni0 up
        ip addr add 10.255.0.1/24 dev cni0
        ip -n pod addr add 10.255.0.2/24 dev eth0; ip -n pod link set eth0 up
        ip link add flannel.1 type vxlan id 1 dev eth0 dstport 8472 nolearning; ip link set flannel.1 up
        ip netns exec pod python3 -c 'import socket; socket.create_connection(("10.255.0.1", 22), 5); print("through")'
        ip link del flannel.1; ip link del cni0; ip netns del pod"""
    done = lab.run(host, script)
    assert done.stdout == "through\n", done.stderr


def test_the_system_calls_of_runtimes_are_let_through(lab: Lab, host: str) -> None:
    """keyctl (a session keyring a container), bpf, a private root with a /proc of its own."""
    keys = "import ctypes; libc = ctypes.CDLL(None, use_errno=True); print(libc.syscall(250, 1, None) > 0)"
    script = f"""set -e
        python3 -c '{keys}'
        unshare --mount --pid --ipc --uts --fork --mount-proc python3 -c 'import os; print(os.getpid())'
        unshare --mount mount -t tmpfs none /mnt"""
    done = lab.run(host, [*AS_A_SERVICE, "sh", "-c", script])
    assert done.stdout.split() == ["True", "1"], done.stderr


def test_modules_are_the_machines(lab: Lab, host: str) -> None:
    unload = "libc.syscall(176, b'x', 0); print(ctypes.get_errno())"
    script = f"import ctypes; libc = ctypes.CDLL(None, use_errno=True); {unload}"
    assert lab.run(host, [*AS_A_SERVICE, "python3", "-c", script]).stdout == "1\n", "EPERM"
    bounds = lab.run(host, "grep CapBnd /proc/self/status").stdout.split()[1]
    assert not int(bounds, 16) >> CAP_SYS_MODULE & 1, "what enters from outside"


def test_kubelet_and_proxy_set_what_is_the_hosts_own(lab: Lab, host: str, machine_before: dict[str, str]) -> None:
    wanted = KUBELET | OWN_NETWORK
    before = lab.run("r2-h1", ["sysctl", "-n", *wanted]).stdout
    done = lab.run(host, ["sysctl", "-qw", *(f"{key}={value}" for key, value in wanted.items())])
    assert (done.returncode, done.stderr) == (0, "")
    assert lab.run(host, ["sysctl", "-n", *wanted]).stdout.split() == list(wanted.values())
    assert lab.run("r2-h1", ["sysctl", "-n", *wanted]).stdout == before
    assert before.split() != list(wanted.values())
    assert machine_values() == machine_before


def test_what_containers_leave_survives_a_restart_and_not_a_reset(lab: Lab) -> None:
    note = "/var/lib/containerd/note"
    lab.run("r3-h1", f"echo kept > {note}; mkdir -p /sys/fs/cgroup/memory/kubepods/pod1; sync")
    for end in (lab.stop_host, lab.kill_host):
        end("r3-h1")
        lab.start_host("r3-h1")
        assert lab.run("r3-h1", f"cat {note}").stdout == "kept\n"
        assert lab.run("r3-h1", "ls -d /sys/fs/cgroup/*/kubepods").stdout == "", "a machine boots without cgroups"
    lab.reset_host("r3-h1")
    assert lab.run("r3-h1", f"cat {note}").returncode == 1


def test_only_a_disk_of_its_own_can_be_filled(healed: Lab) -> None:
    for place in ("/var/lib/containerd", "/"):
        with pytest.raises(LabError, match="is not a mounted disk"):
            healed.fill("r2-h1", place)
    folder = healed.host("r2-h1").folder / "plain" / "containerd"
    assert list(Path(folder).iterdir()) == []
