"""What a cell's hosts should be, as digests, and what differs from what they were. Pure functions of plain values."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from greenfield.configure import Connection, HostResult, Target
from greenfield.model.marks import ROLES, WORDS
from greenfield.model.packed import unpack
from greenfield.provider.credentials import make_credentials
from greenfield.provider.gate import Gate
from greenfield.provider.resource import Values, changed_keys
from greenfield.provider.rollout import Batch
from greenfield.provider.x509 import Pair, issue

AUTHORITIES = ("authority", "authorities")
"""Inputs that hold authorities' keys; no output does."""


@dataclass(frozen=True, slots=True)
class DesiredHost:
    """One host: where it is, what its roles are told, its certificate's moment of issue, and the digest of it all."""

    address: str
    variables: Mapping[str, Any]
    subject: Mapping[str, Any]
    issued: int
    digest: str
    credentials: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


DesiredHosts = dict[str, DesiredHost]


def desired_hosts(old: Values, inputs: Values, now: int) -> DesiredHosts:
    """What each host of the cell should be. ``now`` (seconds since 1970) decides renewals; 0 renews nothing."""
    shared = _sha([inputs["content"], inputs.get("secrets") or {}, _authority_print(inputs)])
    common = unpack(inputs["common"])
    hosts: DesiredHosts = {}
    for name, text in inputs["hosts"].items():
        own = json.loads(text)
        issued = _issued(old, inputs, name, own["subject"], now)
        parts = [shared, {**common, **own["variables"]}, own["subject"], issued, inputs["lifetimeSeconds"]]
        credentials = own.get("credentials") or {}
        digest = _sha([*parts, credentials] if credentials else parts)
        hosts[name] = DesiredHost(own["address"], own["variables"], own["subject"], issued, digest, credentials)
    return hosts


def reasons(old: Values, inputs: Values, wanted: DesiredHosts) -> dict[str, str]:
    """Why hosts change, by host; hosts that stay are not in it. Hosts that go are."""
    digests = old.get("digests") or {}
    why: dict[str, str] = {}
    for name, host in wanted.items():
        if digests.get(name) != host.digest:
            why[name] = _reason(old, inputs, name, host)
    for name in old.get("hosts") or {}:
        if name not in wanted and name not in (inputs.get("quarantined") or []):
            why[name] = "leaves"
    return why


def _reason(old: Values, inputs: Values, name: str, host: DesiredHost) -> str:
    before = (old.get("digests") or {}).get(name)
    if before is None:
        return f"failed before: {old['faults'][name]}" if name in (old.get("faults") or {}) else "joins"
    if before in WORDS:
        return WORDS[before]
    old_own = json.loads((old.get("hosts") or {}).get(name, "{}"))
    was = {**unpack(old.get("common") or "{}"), **(old_own.get("variables") or {})}
    changed = _changed(was, {**unpack(inputs["common"]), **host.variables})
    if (old.get("issued") or {}).get(name) != host.issued or old_own.get("subject") != host.subject:
        changed.append("certificate renewed")
    if old.get("content") != inputs["content"]:
        changed.append(ROLES)
    if old.get("authorityPrint") != _authority_print(inputs):
        changed.append("new certificate authority")
    return ", ".join(changed) or "secrets changed"


def _changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    return [f"{key} {_short(old.get(key))} → {_short(new.get(key))}" for key in changed_keys(old, new)]


def _short(value: Any) -> str:
    text = "none" if value is None else value if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return text if len(text) <= 40 else f"{text[:36]}…"


def _issued(old: Values, inputs: Values, name: str, subject: Mapping[str, Any], now: int) -> int:
    """The moment of issue to use: the standing one, unless the certificate is due or is of another kind."""
    standing = (old.get("issued") or {}).get(name)
    if standing is None:
        return now
    before = json.loads((old.get("hosts") or {}).get(name, "{}")).get("subject")
    same = before == subject and old.get("lifetimeSeconds") == inputs["lifetimeSeconds"]
    due = now and standing + inputs["lifetimeSeconds"] - inputs["renewBeforeSeconds"] <= now
    return int(standing) if (same and not due) or not now else now


def expired(state: Values, name: str, now: int) -> bool:
    """Whether the certificate that a host has is past its end at ``now`` (seconds since 1970)."""
    issued = (state.get("issued") or {}).get(name)
    return issued is not None and issued + state["lifetimeSeconds"] <= now


def _authority_print(inputs: Values) -> str:
    """A fingerprint of the authority, and of others that sign for the cell, that does not reveal their keys."""
    authority, others = inputs.get("authority") or {}, inputs.get("authorities") or {}
    certificate = authority.get("certificate")
    if not certificate:
        return str(inputs.get("authorityPrint", ""))
    known = {option: other["certificate"] for option, other in others.items()}
    return _sha([certificate, known] if known else certificate)[:16]


def _pair(authority: Mapping[str, str]) -> Pair:
    return Pair(authority["certificate"], authority["privateKey"])


def batch_of(
    urn: str,
    inputs: Values,
    wanted: DesiredHosts,
    hosts: list[str],
    standing: frozenset[str],
    *,
    gated: bool = False,
    gates: tuple[Gate, ...] = (),
    entry: str = "main",
    check: bool = False,
    retire: bool = False,
    known: Collection[str] = (),
    restore: str = "",
) -> Batch:
    """The batch that brings ``hosts`` of the cell where they should be.

    ``known`` are hosts that carried the layer before, ``restore`` is a snapshot on the workstation to begin from.
    """
    connection = inputs["connection"]
    common = {**unpack(inputs["common"]), **(inputs.get("secrets") or {})}
    prefix, authority = inputs["certificatePrefix"], inputs.get("authority") or {}
    if authority:
        common[f"{prefix}_authority"] = authority["certificate"]
    if entry in ("drain", "remove"):
        common |= {f"{inputs['roles'][-1]}_wipe": retire, f"{inputs['roles'][-1]}_retire": retire}
    targets = []
    for name in hosts:
        host = wanted[name]
        own = {**host.variables, f"{inputs['roles'][-1]}_formed": name in known}
        if restore:
            own[f"{inputs['roles'][-1]}_restore"] = restore
        if authority:
            signer, lifetime = _pair(authority), inputs["lifetimeSeconds"]
            pair = issue(signer, host.subject, host.issued, lifetime)
            own |= {f"{prefix}_certificate": pair.certificate, f"{prefix}_private_key": pair.private_key}
            if host.credentials:
                others = {option: _pair(other) for option, other in (inputs.get("authorities") or {}).items()}
                own[f"{prefix}_pki"] = make_credentials(signer, host.credentials, host.issued, lifetime, others)
        targets.append(Target(name, host.address, own))
    return Batch(
        urn=urn,
        cell=inputs["cell"],
        layer=inputs["layer"],
        # Only the engine's own role knows how to leave; it takes along what the roles before it left.
        roles=tuple(inputs["roles"] if entry == "main" else inputs["roles"][-1:]),
        targets=tuple(targets),
        connection=Connection(
            connection["user"], connection["knownHosts"], connection.get("identityFile", ""), connection.get("port", 22)
        ),
        common=common,
        gates=gates,
        one_by_one=bool(inputs.get("oneByOne")),
        standing=standing,
        gated=gated,
        entry=entry,
        check=check,
    )


def state_of(inputs: Values, old: Values, wanted: DesiredHosts, results: Mapping[str, HostResult]) -> Values:
    """The state after a run: hosts that were reached have their digest, hosts that failed have none but a fault.

    Hosts in quarantine keep all that is known of them, so that they come back as they went.
    """
    hosts = dict(inputs["hosts"])
    digests: dict[str, str] = {}
    issued: dict[str, int] = {}
    faults: dict[str, str] = {}
    for name, host in wanted.items():
        result = results.get(name)
        if result is not None and result.failed:
            faults[name] = (result.message.splitlines() or [""])[0][:200]
            continue
        if result is not None or (old.get("digests") or {}).get(name) == host.digest:
            digests[name], issued[name] = host.digest, host.issued
    for name in inputs.get("quarantined") or []:
        if name in (old.get("digests") or {}):
            digests[name], issued[name] = old["digests"][name], old["issued"][name]
        if name in (old.get("hosts") or {}):
            hosts[name] = old["hosts"][name]
    kept = {**{key: value for key, value in inputs.items() if key not in AUTHORITIES}, "hosts": hosts}
    outputs = {"digests": digests, "issued": issued, "faults": faults, "stood": sorted(stood(old) | digests.keys())}
    return {**kept, "authorityPrint": _authority_print(inputs), **outputs}


def stood(state: Values) -> set[str]:
    """Hosts that ever carried the layer, also where the last run to them failed: their roles begin no new engine."""
    return {*(state.get("stood") or []), *(state.get("digests") or {})}


def _sha(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
