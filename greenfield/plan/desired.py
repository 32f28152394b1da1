"""The desired state of hosts: every variable that a role gets from the plan.

What depends on secrets, the PKI or the artifact lock (``*_certificate``, ``*_private_key``, ``*_authority``,
``redis_passwords``, ``baseline_apt_key``, ``baseline_artifacts``, ``etcd_files``) is not the plan's to know: callers
pass it as ``facts``, which are merged in, or merge it afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from greenfield.engines import ENGINES, STANDALONE
from greenfield.engines.descriptor import HostSettings
from greenfield.model.cluster import EngineSpec
from greenfield.model.site import Host, Site
from greenfield.plan.firewall import Audiences, ports
from greenfield.plan.ledger import NODE_EXPORTER_PORT
from greenfield.plan.plan import HOST_LAYER, Cell, Member, Plan

NO_FACTS: Mapping[str, Any] = {}

DEFAULT_OPEN_FILES = 1024
"""systemd's own default soft limit; a host without engines needs no more."""


def host_layer_common(plan: Plan, facts: Mapping[str, Any] = NO_FACTS) -> dict[str, Any]:
    """Variables of the host layer that are the same on every host of the cluster.

    Args:
        facts: what the plan can't know: ``baseline_apt_key``, ``baseline_artifacts``, ``pki_authority``.
    """
    site = plan.site
    return {
        **_greenfield(plan),
        "baseline_time_servers": list(site.time_servers),
        "baseline_admin_networks": [str(network) for network in site.admin_networks],
        "baseline_access_user": site.access.user,
        "node_exporter_port": NODE_EXPORTER_PORT,
        **facts,
    }


def engine_common(plan: Plan, engine: str, facts: Mapping[str, Any] = NO_FACTS) -> dict[str, Any]:
    """Variables of an engine's role that are the same on every host of the engine.

    Args:
        facts: what the plan can't know: ``<role>_authority``, ``etcd_files``, ``redis_passwords``.
    """
    spec = plan.cluster.engines[engine]
    kind = ENGINES[spec.kind]
    own = {
        "cluster": engine,
        "version": spec.version,
        "members": _members(plan, engine, kind.member_fields),
        **kind.variables(spec),
        **{option: _referenced(plan, other) for option, other in references(spec).items()},
    }
    told = {f"{kind.role}_{key}": value for key, value in own.items()}
    return {**_greenfield(plan), **kind.before(spec), **told, **facts}


def references(spec: EngineSpec) -> dict[str, str]:
    """Options of an engine that name another engine, and which."""
    named = {option: str(spec.options[option]) for option in ENGINES[spec.kind].references}
    return {option: name for option, name in named.items() if name not in STANDALONE}


def _referenced(plan: Plan, engine: str) -> dict[str, Any]:
    """What an engine's role is told of another engine that it refers to."""
    spec = plan.cluster.engines[engine]
    return {"name": engine, "members": _members(plan, engine, ()), **ENGINES[spec.kind].variables(spec)}


def host_variables(plan: Plan, cell: Cell, host: str) -> dict[str, Any]:
    """Variables of a cell's layer that are a host's own, without its certificate and key.

    Raises:
        KeyError: the host is not one of the cell's.
    """
    if host not in cell.hosts:
        raise KeyError(f"{host} is not in cell {cell.name}")
    if cell.layer == HOST_LAYER:
        return _host_layer(plan, host)
    member = next(member for member in plan.hosts[host].members if member.engine == cell.layer)
    kind, where = ENGINES[member.kind], plan.site.hosts[host]
    own = {f"{kind.role}_member": member.slot.name, f"{kind.role}_address": where.address}
    return {**own, f"{kind.role}_rack": where.rack} if kind.tells_rack else own


def cell_variables(
    plan: Plan, cell: Cell, facts: Mapping[str, Any] = NO_FACTS
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Variables of a cell: what its hosts share, and each host's own; a host's state is ``{**common, **own[host]}``.

    Of the values of ``host_variables`` (peers, ports, settings), the one that most hosts of the cell have goes to the
    common part, and only hosts with another value keep it as their own: the state of large sites stays small.
    """
    shared = host_layer_common(plan, facts) if cell.layer == HOST_LAYER else engine_common(plan, cell.layer, facts)
    own = {host: host_variables(plan, cell, host) for host in cell.hosts}
    for key in list(next(iter(own.values()), {})):
        usual = _usual([variables[key] for variables in own.values()])
        if usual is not None:
            shared[key] = usual
            for variables in own.values():
                if variables[key] == usual:
                    del variables[key]
    return shared, own


def _usual(values: list[Any]) -> Any:
    """The value that occurs most often, if any occurs twice; of several, the first."""
    counts: list[tuple[Any, int]] = []
    for value in values:
        at = next((index for index, (known, _) in enumerate(counts) if known is value or known == value), None)
        if at is None:
            counts.append((value, 1))
        else:
            counts[at] = (value, counts[at][1] + 1)
    usual, count = max(counts, key=lambda entry: entry[1])
    return usual if count > 1 else None


def _greenfield(plan: Plan) -> dict[str, Any]:
    return {
        "greenfield_site": plan.site.name,
        "greenfield_cluster": plan.cluster.name,
        "greenfield_domain": plan.site.domain,
        "greenfield_mirror_url": plan.site.mirror.url,
    }


@lru_cache(maxsize=1024)
def _members(plan: Plan, engine: str, fields: tuple[str, ...]) -> list[dict[str, Any]]:
    """An engine's members, as its role is told of them; the same list for all its cells, to be read only."""
    return [_member(plan, member, fields) for member in plan.members_of(engine)]


def _member(plan: Plan, member: Member, fields: tuple[str, ...]) -> dict[str, Any]:
    entry = {"name": member.slot.name, "host": member.host, "address": plan.site.hosts[member.host].address}
    return {**entry, **{field: getattr(member.slot, field) for field in fields}}


def _host_layer(plan: Plan, name: str) -> dict[str, Any]:
    host = plan.site.hosts[name]
    settings = host_settings(plan, name)
    return {
        "baseline_address": host.address,
        "baseline_peers": _peers(plan, name),
        "baseline_ports": ports(plan, name, _audiences(plan)),
        "baseline_sysctls": dict(sorted(settings.sysctls.items())),
        "baseline_transparent_hugepage": settings.transparent_hugepage or "",
        "baseline_open_files": settings.open_files,
        "data_disk_disks": data_disks(plan.site, host),
        "node_exporter_address": host.address,
    }


def host_settings(plan: Plan, host: str) -> HostSettings:
    """What all engines on a host need of its kernel together; the plan's check has ruled out contradictions."""
    needs = [
        ENGINES[member.kind].host_settings(plan.cluster.engines[member.engine]) for member in plan.hosts[host].members
    ]
    sysctls = {key: value for need in needs for key, value in need.sysctls.items()}
    pages = next((need.transparent_hugepage for need in needs if need.transparent_hugepage), None)
    return HostSettings(sysctls, pages, max((need.open_files for need in needs), default=DEFAULT_OPEN_FILES))


def data_disks(site: Site, host: Host) -> list[dict[str, Any]]:
    """``data_disk_disks`` of a host: {name, by_id, mount, size_bytes} of each disk of its hardware class."""
    return [
        {
            "name": disk.name,
            "by_id": disk.by_id.format(serial=host.serial, host=host.name),
            "mount": mount(disk.name),
            "size_bytes": disk.size_bytes,
        }
        for disk in site.hardware[host.hardware].disks.values()
    ]


def mount(disk: str) -> str:
    """Where a data disk is mounted."""
    return "/data" if disk == "data" else f"/data/{disk}"


def _peers(plan: Plan, name: str) -> list[dict[str, str]]:
    """The host itself and the hosts it shares an engine with: a host added elsewhere changes nothing here."""
    engines = tuple(member.engine for member in plan.hosts[name].members)
    return _together(plan, engines) if engines else [_entry(plan.site.hosts[name])]


@lru_cache(maxsize=1024)
def _together(plan: Plan, engines: tuple[str, ...]) -> list[dict[str, str]]:
    """Hosts with a member of any of the engines, in spec order; the same list for all hosts with the same engines."""
    names = {member.host for engine in engines for member in plan.members_of(engine)}
    return [_entry(host) for name, host in plan.site.hosts.items() if name in names]


def _entry(host: Host) -> dict[str, str]:
    return {"name": host.name, "address": host.address}


@lru_cache(maxsize=4)
def _audiences(plan: Plan) -> Audiences:
    return Audiences(plan)
