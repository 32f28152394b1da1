"""The failure-domain proof: for every single host, rack, feed and ToR, which groups are lost with it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from greenfield.model.cluster import Cluster
from greenfield.model.problem import Problem
from greenfield.model.site import Site
from greenfield.plan.plan import Loss, Member
from greenfield.plan.words import listed, some

Domain = Literal["host", "rack", "feed", "tor"]
DOMAINS: tuple[Domain, ...] = ("host", "rack", "feed", "tor")


def losses(site: Site, cluster: Cluster, members: Sequence[Member], rack_draw: Mapping[str, int]) -> tuple[Loss, ...]:
    """What each failure domain takes with it, engine by engine, for every domain that serves a member.

    Args:
        rack_draw: watts that all hosts of a rack draw at full load; decides whether the rack outlives a feed.
    """
    by_engine: dict[str, list[Member]] = {name: [] for name in cluster.engines}
    for member in members:
        by_engine[member.engine].append(member)
    dark = {rack: fatal_feeds(site, rack, rack_draw.get(rack, 0)) for rack in site.racks}
    found: list[Loss] = []
    for engine, own in by_engine.items():
        accepted = cluster.engines[engine].accept_loss
        size = _bodies(own)
        quorum = {member.slot.group: member.slot.quorum for member in own}
        quorum |= {m.slot.electorate: size[m.slot.electorate] // 2 + 1 for m in own if m.slot.electorate}
        hit = _hit(site, own, dark)
        for domain in DOMAINS:
            for name, victims in hit[domain].items():
                gone = _bodies(victims)
                lost = tuple(group for group in gone if size[group] - gone[group] < quorum[group])
                found.append(Loss(domain, name, engine, lost, len(victims), domain in accepted))
    return tuple(found)


def _bodies(members: Iterable[Member]) -> Counter[str]:
    """How many of the members belong to each group and each electorate."""
    count: Counter[str] = Counter()
    for member in members:
        count[member.slot.group] += 1
        if member.slot.electorate:
            count[member.slot.electorate] += 1
    return count


def fatal_feeds(site: Site, rack: str, draw_watts: int) -> frozenset[str]:
    """Feeds of a rack without which the feeds that remain can't carry its draw."""
    feeds = site.racks[rack].feed_watts
    total = sum(feeds.values())
    return frozenset(feed for feed, watts in feeds.items() if total - watts < draw_watts or total == watts)


def _hit(
    site: Site, members: Iterable[Member], dark: Mapping[str, frozenset[str]]
) -> dict[Domain, dict[str, list[Member]]]:
    """Members that stop with each domain. A domain that serves members but stops none has an empty list."""
    hit: dict[Domain, dict[str, list[Member]]] = {domain: defaultdict(list) for domain in DOMAINS}
    for member in members:
        rack = site.racks[site.hosts[member.host].rack]
        hit["host"][member.host].append(member)
        hit["rack"][rack.name].append(member)
        for feed in rack.feed_watts:
            victims = hit["feed"][feed]
            if feed in dark[rack.name]:
                victims.append(member)
        for switch in rack.tor:
            # Hosts of a rack with two switches are connected to both.
            victims = hit["tor"][switch]
            if len(rack.tor) == 1:
                victims.append(member)
    return hit


def loss_problems(cluster: Cluster, found: Iterable[Loss]) -> list[Problem]:
    """An error for each engine and kind of domain that loses a group without its owner's word for it."""
    fatal: dict[tuple[str, Domain], list[Loss]] = defaultdict(list)
    for loss in found:
        if loss.groups_lost and not loss.accepted:
            fatal[loss.engine, loss.domain].append(loss)
    return [_problem(cluster, engine, domain, entries) for (engine, domain), entries in fatal.items()]


def _problem(cluster: Cluster, engine: str, domain: Domain, entries: Sequence[Loss]) -> Problem:
    word = "ToR" if domain == "tor" else domain
    names = [f"{entry.name} ({some(entry.groups_lost, 3)})" for entry in entries]
    remedy = {
        "host": "add replicas or members",
        "rack": "add members, replicas or shards, and racks for them",
        "feed": "give the racks feeds that each carry the draw alone, or spread the engine over racks of other feeds",
        "tor": "give the racks a second ToR, or spread the engine over more racks",
    }[domain]
    accept = listed(sorted({*cluster.engines[engine].accept_loss, domain}))
    return Problem(
        ("Cluster", cluster.name, "spec", "engines", engine),
        f"losing one {word} loses a group that must survive: {some(names)}",
        f"{remedy}; or accept it by name: acceptLoss: [{accept}]",
        f"loses-a-group-with-one-{domain}",
    )
