"""What a lab host's ``modprobe`` knows: the parts of this kernel that others have as modules.

A host has no ``/lib/modules``, for the kernel is the machine's. Its ``modprobe`` would therefore fail for everything,
also for what is there. So each host gets the list that kernel packages bring, ``modules.builtin``, with what the kernel
has now: asking for that succeeds and does nothing, and asking for anything else fails as on a machine that lacks it.
Loading or removing is never tried, whatever the machine could.
"""

from __future__ import annotations

import gzip
from pathlib import Path

CONFIG = Path("/proc/config.gz")
LOADED = Path("/sys/module")
FILE_SYSTEMS = Path("/proc/filesystems")

OPTIONS = {
    "bridge": "BRIDGE", "br_netfilter": "BRIDGE_NETFILTER", "configs": "IKCONFIG", "dummy": "DUMMY", "fuse": "FUSE_FS",
    "ip6_tables": "IP6_NF_IPTABLES", "ip_set": "IP_SET", "ip_set_hash_ip": "IP_SET_HASH_IP",
    "ip_set_hash_net": "IP_SET_HASH_NET", "ip_tables": "IP_NF_IPTABLES", "ip_vs": "IP_VS", "ip_vs_rr": "IP_VS_RR",
    "ip_vs_sh": "IP_VS_SH", "ip_vs_wrr": "IP_VS_WRR", "iptable_filter": "IP_NF_FILTER",
    "iptable_mangle": "IP_NF_MANGLE", "iptable_nat": "IP_NF_NAT", "loop": "BLK_DEV_LOOP", "macvlan": "MACVLAN",
    "nf_conntrack": "NF_CONNTRACK", "nf_conntrack_netlink": "NF_CT_NETLINK", "nf_nat": "NF_NAT",
    "nf_tables": "NF_TABLES", "nfnetlink": "NETFILTER_NETLINK", "nft_chain_nat": "NFT_NAT", "nft_ct": "NFT_CT",
    "overlay": "OVERLAY_FS", "tun": "TUN", "veth": "VETH", "vxlan": "VXLAN", "wireguard": "WIREGUARD", "xfs": "XFS_FS",
    "xt_MASQUERADE": "NETFILTER_XT_TARGET_MASQUERADE", "xt_comment": "NETFILTER_XT_MATCH_COMMENT",
    "xt_conntrack": "NETFILTER_XT_MATCH_CONNTRACK", "xt_set": "NETFILTER_XT_SET",
}  # fmt: skip
"""Modules that container runtimes, Kubernetes and file systems ask for, and the kernel's option that builds them in."""


def present() -> list[str]:
    """Modules that this kernel has built in or has loaded, by name.

    What the kernel doesn't say of itself in one of three places (its configuration, its modules with settings, its file
    systems) is not in it.
    """
    text = gzip.decompress(CONFIG.read_bytes()).decode() if CONFIG.exists() else ""
    built_in = {line.removeprefix("CONFIG_").removesuffix("=y") for line in text.splitlines() if line.endswith("=y")}
    systems = {line.split()[-1] for line in FILE_SYSTEMS.read_text().splitlines() if line.strip()}
    found = {name for name, option in OPTIONS.items() if option in built_in or name in systems}
    found |= {path.name for path in LOADED.iterdir()} if LOADED.exists() else set()
    return sorted(found)


def builtin_text() -> str:
    """Content of ``modules.builtin``: one path a line; only its last part says anything here."""
    return "".join(f"kernel/{name}.ko\n" for name in present())
