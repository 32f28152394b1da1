"""How checks talk to a Redis engine: through the ``redis-cli-<engine>`` that its role lays down on every member."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from greenfield.engines.redis import PORT
from greenfield.errors import VerifyError
from greenfield.verify import scripts
from greenfield.verify.engine import EngineUnderTest, MemberUnderTest

WHOLE_SECONDS = 90.0
ASK_AGAIN_SECONDS = 6.0
"""The server gives a manual failover that does not come about up after 5 s, without a word (CLUSTER_MF_TIMEOUT)."""
POLL_SECONDS = 0.5
SLOTS = 16384


@dataclass(frozen=True, slots=True)
class Node:
    """One line of CLUSTER NODES. ``primary`` is the address of the node it replicates, empty for a primary itself."""

    id: str
    address: str
    flags: frozenset[str]
    primary: str
    connected: bool
    slots: tuple[tuple[int, int], ...]

    @property
    def is_primary(self) -> bool:
        """Whether it owns slots itself."""
        return "master" in self.flags

    @property
    def is_lost(self) -> bool:
        """Whether the others take it for failed, or nearly so."""
        return bool(self.flags & {"fail", "fail?", "noaddr", "handshake"}) or not self.connected


def parse_nodes(text: str) -> list[Node]:
    """Read CLUSTER NODES."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    addresses = {fields[0]: fields[1].partition("@")[0].rpartition(":")[0] for fields in lines}
    found = []
    for fields in lines:
        ranges = [slot.partition("-") for slot in fields[8:] if not slot.startswith("[")]
        found.append(
            Node(
                id=fields[0],
                address=addresses[fields[0]],
                flags=frozenset(fields[2].split(",")) - {"myself"},
                primary=addresses.get(fields[3], fields[3]) if fields[3] != "-" else "",
                connected=fields[7] == "connected" or "myself" in fields[2],
                slots=tuple((int(first), int(last or first)) for first, _, last in ranges),
            )
        )
    return found


@dataclass(frozen=True)
class Redis:
    """A Redis Cluster under test."""

    engine: EngineUnderTest

    @property
    def command(self) -> str:
        """Its client on a member's host: TLS, the user admin, that member preset."""
        return f"redis-cli-{self.engine.name}"

    @property
    def config(self) -> str:
        """Folder of its configuration on a member's host."""
        return f"/etc/redis/{self.engine.name}"

    def cli(self, on: MemberUnderTest, words: str) -> str:
        """Output of a command on a member, without carriage returns."""
        out: str = on.on.check_output(f"{self.command} -e {words}")
        return out.replace("\r", "")

    def info(self, on: MemberUnderTest, section: str) -> dict[str, str]:
        """A section of INFO."""
        lines = self.cli(on, f"INFO {section}").splitlines()
        return dict(line.split(":", 1) for line in lines if ":" in line)

    def setting(self, on: MemberUnderTest, name: str) -> str:
        """A setting as the running server has it."""
        return self.cli(on, f"CONFIG GET {name}").partition("\n")[2].strip()

    def nodes(self, on: MemberUnderTest | None = None) -> list[Node]:
        """The cluster as one member sees it."""
        return parse_nodes(self.cli(on or self.engine.members[0], "CLUSTER NODES"))

    def primaries(self) -> list[Node]:
        """Nodes that own slots, in slot order.

        Raises:
            AssertionError: they are not as many as shards are planned.
        """
        found = sorted((node for node in self.nodes() if node.is_primary and node.slots), key=lambda node: node.slots)
        planned = int(self.engine.spec.options["shards"])
        assert len(found) == planned, f"{len(found)} primaries own slots, planned {planned}"
        return found

    def tag_of(self, on: MemberUnderTest, node: Node) -> str:
        """A hash tag (``{17}``) whose slot a node owns."""
        for number in range(SLOTS):
            slot = int(self.cli(on, f"CLUSTER KEYSLOT '{{{number}}}'"))
            if any(first <= slot <= last for first, last in node.slots):
                return f"{{{number}}}"
        raise AssertionError(f"{node.address} owns no slot")

    def work(self, on: MemberUnderTest, action: str, prefix: str, first: list[str], **settings: Any) -> dict[str, Any]:
        """Run the program ``redis_client`` on a member's host; ``first`` are addresses in the order they are tried."""
        most = float(settings.get("most_seconds", 30.0))
        told = {
            "action": action,
            "prefix": prefix,
            "addresses": first,
            "port": PORT,
            "config": self.config,
            "most_seconds": most,
            **settings,
        }
        found: dict[str, Any] = scripts.run(on.on, "redis_client", told, timeout=most + 15)
        return found

    def kill(self, member: MemberUnderTest) -> None:
        """End a member without warning, and keep it down."""
        unit = self.engine.unit
        member.on.check_output(f"systemctl kill --signal=KILL {unit} && systemctl stop {unit}")

    def bring_back(self, member: MemberUnderTest) -> float:
        """Start a member and wait until the cluster is whole again, replicas in step. Returns seconds."""
        began = time.monotonic()
        member.on.run(f"systemctl reset-failed {self.engine.unit}; systemctl start {self.engine.unit}")
        self.until_whole()
        return time.monotonic() - began

    def make_primary(self, member: MemberUnderTest) -> None:
        """Hand a shard's primary role to one of its replicas, without loss, and wait until all is whole."""
        asked = time.monotonic() - ASK_AGAIN_SECONDS

        def missing() -> str:
            nonlocal asked
            why = self._not_primary(member)
            if why and time.monotonic() - asked >= ASK_AGAIN_SECONDS:
                self.cli(member, "CLUSTER FAILOVER")
                asked = time.monotonic()
            return why

        self._until(missing)
        self.until_whole()

    def until_whole(self, seconds: float = WHOLE_SECONDS) -> None:
        """Wait until every planned member is there, every slot is served and every replica is in step.

        Raises:
            VerifyError: it did not become so; the engine is left as it is.
        """
        self._until(self.what_is_missing, seconds)

    def until_in_step(self, primary: MemberUnderTest) -> None:
        """Wait until the replicas of a primary have everything that it has now."""
        reached = int(self.info(primary, "replication")["master_repl_offset"])
        self._until(lambda: self._behind(primary, reached))

    def what_is_missing(self) -> str:
        """Why the cluster is not whole; empty when it is."""
        for member in self.engine.members:
            asked = member.on.run(f"{self.command} -e CLUSTER NODES")
            if asked.rc != 0:
                return f"{member.name} on {member.host} does not answer"
            nodes = parse_nodes(asked.stdout.replace("\r", ""))
            lost = [node.address for node in nodes if node.is_lost]
            if lost:
                return f"{member.name} misses {', '.join(lost)}"
            served = sum(last - first + 1 for node in nodes for first, last in node.slots)
            if served != SLOTS:
                return f"{member.name} knows owners of {served} of {SLOTS} slots"
            link = self.info(member, "replication").get("master_link_status", "up")
            if link != "up":
                return f"{member.name}: its link to the primary is {link}"
        return ""

    def _behind(self, primary: MemberUnderTest, offset: int) -> str:
        state = self.info(primary, "replication")
        copies = [state[f"slave{number}"] for number in range(int(state["connected_slaves"]))]
        found = [int(dict(item.split("=", 1) for item in copy.split(","))["offset"]) for copy in copies]
        return "" if all(own >= offset for own in found) else f"replicas of {primary.name} at {found}, it at {offset}"

    def _not_primary(self, member: MemberUnderTest) -> str:
        role = self.info(member, "replication")["role"]
        return "" if role == "master" else f"{member.name} is still a {role}"

    def _until(self, missing: Callable[[], str], seconds: float = WHOLE_SECONDS) -> None:
        began = time.monotonic()
        while why := missing():
            if time.monotonic() - began > seconds:
                raise VerifyError(
                    f"{self.engine.name} is not whole after {seconds:.0f} s; last seen: {why}",
                    fix=f"journalctl -u {self.engine.unit} on the member named",
                )
            time.sleep(POLL_SECONDS)
