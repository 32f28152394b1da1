"""Each host's own view of the kernel settings that roles set but that all lab hosts share with the machine.

Files that behave like kernel settings (``kernel_files``) are bound over the entries of /proc/sys and /sys, so what runs
in the host reads and writes its own values and the machine keeps its own. Like on a real machine, values start from the
kernel's at every boot and are then set from /etc/sysctl.d. ``MARKER`` in the host names what is only recorded there and
not in force.
"""

from __future__ import annotations

from pathlib import Path

MARKER = "/run/greenfield/shared-kernel"
"""In a host: one line per setting that is the host's own record and not in force in the shared kernel."""

SYSCTLS = (
    "vm.overcommit_memory", "vm.overcommit_ratio", "vm.swappiness", "vm.max_map_count", "vm.dirty_ratio",
    "vm.dirty_background_ratio", "vm.dirty_bytes", "vm.dirty_background_bytes", "vm.dirty_expire_centisecs",
    "vm.dirty_writeback_centisecs", "vm.min_free_kbytes", "vm.zone_reclaim_mode", "vm.vfs_cache_pressure",
    "vm.nr_hugepages", "vm.panic_on_oom", "vm.oom_kill_allocating_task", "vm.mmap_min_addr",
    "fs.file-max", "fs.nr_open", "fs.aio-max-nr", "fs.suid_dumpable", "fs.pipe-max-size",
    "fs.inotify.max_user_watches", "fs.inotify.max_user_instances", "fs.inotify.max_queued_events",
    "fs.protected_hardlinks", "fs.protected_symlinks", "fs.protected_fifos", "fs.protected_regular",
    "kernel.pid_max", "kernel.threads-max", "kernel.panic", "kernel.panic_on_oops", "kernel.kptr_restrict",
    "kernel.dmesg_restrict", "kernel.randomize_va_space", "kernel.yama.ptrace_scope", "kernel.sysrq",
    "kernel.core_pattern", "kernel.core_uses_pid", "kernel.perf_event_paranoid", "kernel.unprivileged_bpf_disabled",
    "kernel.kexec_load_disabled", "kernel.numa_balancing", "kernel.hung_task_timeout_secs",
    "kernel.keys.maxkeys", "kernel.keys.maxbytes", "kernel.keys.root_maxkeys", "kernel.keys.root_maxbytes",
    "net.core.rmem_max", "net.core.wmem_max", "net.core.rmem_default", "net.core.wmem_default",
    "net.core.netdev_max_backlog", "net.core.bpf_jit_harden", "net.netfilter.nf_conntrack_max",
    "net.netfilter.nf_conntrack_buckets", "net.netfilter.nf_conntrack_expect_max",
)  # fmt: skip
"""Settings that are not a namespace's own. Those that this kernel has not are left out."""

SWITCHES = ("kernel/mm/transparent_hugepage/enabled", "kernel/mm/transparent_hugepage/defrag")
"""Files below /sys, likewise."""

FOLDER = "/usr/local/lib/greenfield-lab"
"""In a host: where the lab's files are bound."""

UNIT = f"""[Unit]
Description=What a lab host has instead of its own kernel and udev
DefaultDependencies=no
After=systemd-remount-fs.service
Before=systemd-sysctl.service systemd-tmpfiles-setup.service local-fs.target sysinit.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {FOLDER}/boot
ExecStop=/bin/sh {FOLDER}/halt

[Install]
WantedBy=sysinit.target
"""


def entries() -> list[str]:
    """Settings of this kernel that hosts get a view of: paths without the first slash, commas for slashes."""
    paths = [f"proc/sys/{key.replace('.', '/')}" for key in SYSCTLS] + [f"sys/{path}" for path in SWITCHES]
    return [path.replace("/", ",") for path in paths if Path("/", path).exists()]


def boot_script() -> str:
    """Shell text that a host runs early at each boot: kernel view, modules, disk links, mounts of /etc/fstab."""
    return f"""set -u
mkdir -p /run/greenfield /dev/disk/by-id
: > {MARKER}
: > {MARKER}.mounts
echo > {FOLDER}/kernel/boot
for own in {FOLDER}/kernel/*,*; do
    name=${{own##*/}}
    IFS=,; set -- $name; IFS=/; entry="/$*"; unset IFS
    # Not every setting is visible in a network namespace.
    [ -e "$entry" ] || continue
    echo "$own $entry none bind 0 0" >> {MARKER}.mounts
    case $name in
        proc,sys,*) shift 2; IFS=.; echo "$*" >> {MARKER}; unset IFS ;;
        *) echo "$entry" >> {MARKER} ;;
    esac
done
# All by one program, as a host has half a hundred and boots with many others.
mount --all --fstab {MARKER}.mounts || exit 1
while read -r link device; do
    ln -sfn "../../$device" "/dev/disk/by-id/$link"
done < {FOLDER}/disks
# What modprobe finds: the parts of this kernel.
modules=/lib/modules/$(uname -r)
if ! cmp -s {FOLDER}/modules "$modules/modules.builtin"; then
    mkdir -p "$modules"
    : > "$modules/modules.order"
    cp {FOLDER}/modules "$modules/modules.builtin"
    depmod 2>/dev/null
    rm -f "$modules/modules.devname"
fi
# A kubelet wants a kernel log to read; the machine's is not the host's to read or write, so this is another null device
# (not a link to that one: ProtectKernelLogs would take that away as well).
[ -e /dev/kmsg ] || mknod -m 600 /dev/kmsg c 1 3
# For container runtimes, which make cgroups of their own.
for controller in /sys/fs/cgroup/*; do
    mount -o remount,rw,bind "$controller" 2>/dev/null
done
# Without udev, systemd does not mount what /etc/fstab names by device.
for attempt in 1 2 3 4 5 6; do
    # A host that was just killed may hold its disk a moment longer.
    mount --all --types xfs,ext4 && break
    sleep 0.5
done
exit 0
"""


HALT_SCRIPT = """umount --all --types xfs,ext4 2>/dev/null
exit 0
"""
"""Shell text that a host runs when it goes down."""


def machine_values() -> dict[str, str]:
    """What the machine's kernel has now, by key or path: for checking that the lab leaves it alone."""
    files = {key: Path("/proc/sys", key.replace(".", "/")) for key in SYSCTLS}
    files |= {path: Path("/sys", path) for path in SWITCHES}
    return {key: path.read_text().strip() for key, path in files.items() if path.exists()}
