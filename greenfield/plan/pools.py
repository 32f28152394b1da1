"""Which hosts a node pool gets: by class and labels, spread over racks, keeping what stands."""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence

from greenfield.engines.descriptor import Slot
from greenfield.model.cluster import Cluster, NodePool
from greenfield.model.problem import Problem
from greenfield.model.site import Host, Site
from greenfield.plan.placement_record import Placement
from greenfield.plan.words import listed, some


class Pools:
    """Chooses hosts for every pool of a cluster. ``chosen`` and ``problems`` hold the outcome."""

    def __init__(
        self,
        site: Site,
        cluster: Cluster,
        slots: Mapping[str, Sequence[Slot]],
        *,
        standing: Placement,
        quarantine: frozenset[str],
    ) -> None:
        self.site = site
        self.slots = slots
        self.standing = standing
        self.cluster = cluster
        self.quarantine = quarantine
        self.order = {rack: index for index, rack in enumerate(site.racks)}
        self.by_class: dict[str, list[Host]] = defaultdict(list)
        for host in site.hosts.values():
            # A host in an unknown rack or of an unknown class is the spec's error; plans are drawn around it.
            if self._known(host):
                self.by_class[host.hardware].append(host)
        self.taken: set[str] = set()
        self.chosen: dict[str, tuple[str, ...]] = {}
        self.problems: list[Problem] = []
        self._choose()

    def _choose(self) -> None:
        # What stands is reserved for every pool before any pool picks, or an earlier pool could take a later one's.
        kept = {name: self._keep(pool) for name, pool in self.cluster.node_pools.items()}
        # Pools that ask for labels have fewer hosts to choose from, so they pick first; sorting is stable.
        for pool in sorted(self.cluster.node_pools.values(), key=lambda pool: -len(pool.labels)):
            kept[pool.name] += self._fill(pool, kept[pool.name])
        self.chosen = {name: tuple(hosts) for name, hosts in kept.items()}

    def _keep(self, pool: NodePool) -> list[str]:
        recorded = self.standing.pools.get(pool.name, ())
        used = {
            host
            for engine in self.cluster.engines.values()
            if engine.pool == pool.name
            for host in self.standing.engines.get(engine.name, {}).values()
        }
        racks: Counter[str] = Counter()
        keep: set[str] = set()
        # A pool that shrinks gives up hosts without members first, then the ones chosen last.
        for name in sorted(recorded, key=lambda name: name not in used):
            host = self.site.hosts.get(name)
            if host is None or name in self.taken or not self._known(host) or not _matches(pool, host):
                continue
            if len(keep) < pool.count and racks[host.rack] < _most(pool):
                keep.add(name)
                racks[host.rack] += 1
                self.taken.add(name)
        return [name for name in recorded if name in keep]

    def _known(self, host: Host) -> bool:
        return host.hardware in self.site.hardware and host.rack in self.site.racks

    def _fill(self, pool: NodePool, kept: list[str]) -> list[str]:
        used = Counter(self.site.hosts[name].rack for name in kept)
        free = [host for host in self.by_class[pool.hardware] if host.name not in self.taken and _matches(pool, host)]
        picked: list[str] = []
        # A quarantined host is picked only when nothing else fills the pool.
        for quarantined in (False, True):
            racks: dict[str, deque[str]] = defaultdict(deque)
            for host in free:
                if (host.name in self.quarantine) == quarantined:
                    racks[host.rack].append(host.name)
            if not quarantined:
                picked += self._replace(pool, racks, used, self._lost(pool, kept)[: pool.count - len(kept)])
            picked += self._round_robin(pool, racks, used, pool.count - len(kept) - len(picked))
        self.taken.update(picked)
        missing = pool.count - len(kept) - len(picked)
        if missing > 0 and pool.hardware in self.site.hardware:
            self.problems.append(
                self._shortage(pool, used, missing, {h.rack for h in free if h.name not in self.taken})
            )
        return picked

    def _lost(self, pool: NodePool, kept: list[str]) -> list[set[str]]:
        """For each host whose members must move: the racks that hold other members of their groups."""
        homes = {host: self.site.hosts[host].rack for host in kept}
        mates: dict[tuple[str, str], set[str]] = defaultdict(set)
        homeless: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for engine in self.cluster.engines.values():
            if engine.pool == pool.name:
                standing = self.standing.engines.get(engine.name, {})
                for slot in self.slots[engine.name]:
                    host = standing.get(slot.name)
                    if host in homes:
                        mates[engine.name, slot.group].add(homes[host])
                    elif host is not None:
                        homeless[host].append((engine.name, slot.group))
        return [set().union(*(mates[group] for group in groups)) for groups in homeless.values()]

    def _replace(
        self, pool: NodePool, racks: Mapping[str, deque[str]], used: Counter[str], lost: Iterable[set[str]]
    ) -> list[str]:
        """Pick a host for each lost one, in a rack where the members that it held may stand."""
        picked: list[str] = []
        for banned in lost:
            fitting = [rack for rack in racks if racks[rack] and used[rack] < _most(pool) and rack not in banned]
            if fitting:
                rack = min(fitting, key=lambda rack: (used[rack], self.order[rack]))
                picked.append(racks[rack].popleft())
                used[rack] += 1
        return picked

    def _round_robin(
        self, pool: NodePool, racks: Mapping[str, deque[str]], used: Counter[str], wanted: int
    ) -> list[str]:
        """Pick from the rack that has fewest hosts of the pool, racks and hosts in spec order."""
        turn = [(used[rack], self.order[rack], rack) for rack in racks if racks[rack]]
        heapq.heapify(turn)
        picked: list[str] = []
        while turn and len(picked) < wanted:
            count, order, rack = heapq.heappop(turn)
            if count >= _most(pool):
                continue
            picked.append(racks[rack].popleft())
            used[rack] += 1
            if racks[rack]:
                heapq.heappush(turn, (count + 1, order, rack))
        return picked

    def _shortage(self, pool: NodePool, used: Mapping[str, int], missing: int, spare: set[str]) -> Problem:
        labels = f" with labels {listed(f'{k}={v}' for k, v in pool.labels.items())}" if pool.labels else ""
        spread = f", at most {pool.spread.at_most} in a rack" if pool.spread else ""
        had = listed(f"{rack} {used[rack]}" for rack in self.order if used.get(rack))
        found = f"{pool.count - missing} can be had ({had})" if had else "none can be had"
        open_racks = [rack for rack in self.order if used.get(rack, 0) < _most(pool)]
        where = f" in {some(open_racks, 8)}" if pool.spread and open_racks else ""
        if pool.spread and not open_racks:
            where = " in further racks"
        fix = f"add {missing} host{'s'[: missing != 1]} of class {pool.hardware}{labels}{where}"
        if pool.spread and spare:
            fix += f", or raise spread.atMost (more hosts in {some(sorted(spare, key=self.order.__getitem__), 8)})"
        fix += f", or count: {pool.count - missing}" if missing < pool.count else ""
        return Problem(
            ("Cluster", self.cluster.name, "spec", "nodePools", pool.name, "count"),
            f'pool "{pool.name}" wants {pool.count} hosts of class {pool.hardware}{labels}{spread}; {found}, '
            f"{missing} {'is' if missing == 1 else 'are'} missing",
            fix,
            "pool-not-filled",
        )


def _most(pool: NodePool) -> int:
    return pool.spread.at_most if pool.spread else pool.count


def _matches(pool: NodePool, host: Host) -> bool:
    return host.hardware == pool.hardware and all(host.labels.get(key) == value for key, value in pool.labels.items())
