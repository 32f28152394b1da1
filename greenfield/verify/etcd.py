"""How checks talk to an etcd engine: through the ``etcdctl-<engine>`` that its role lays down on every member."""

from __future__ import annotations

import json
import shlex
import time
from dataclasses import dataclass
from typing import Any

from greenfield.engines.etcd import CLIENT_PORT
from greenfield.errors import VerifyError
from greenfield.verify.engine import EngineUnderTest, MemberUnderTest

HEALTHY_SECONDS = 60.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Etcd:
    """An etcd engine under test."""

    engine: EngineUnderTest

    @property
    def command(self) -> str:
        """Its client on a member's host, with certificates and endpoints preset."""
        return f"etcdctl-{self.engine.name}"

    def endpoint(self, *members: MemberUnderTest) -> str:
        """Client endpoints of members, as etcdctl takes them."""
        return ",".join(f"https://{member.address}:{CLIENT_PORT}" for member in members)

    def ctl(self, on: MemberUnderTest, words: str, *, at: tuple[MemberUnderTest, ...] = ()) -> str:
        """Output of ``etcdctl`` run on a member's host, asking ``at`` (all members when empty)."""
        where = f"ETCDCTL_ENDPOINTS={self.endpoint(*(at or self.engine.members))}"
        out: str = on.on.check_output(f"{where} {self.command} {words}")
        return out

    def statuses(self, on: MemberUnderTest | None = None) -> dict[str, dict[str, Any]]:
        """``endpoint status`` of every member, by its planned name."""
        asked = on or self.engine.members[0]
        found = json.loads(self.ctl(asked, "endpoint status -w json"))
        by_endpoint = {self.endpoint(member): member.name for member in self.engine.members}
        return {by_endpoint[item["Endpoint"]]: item["Status"] for item in found}

    def leader(self) -> MemberUnderTest:
        """The member that leads.

        Raises:
            AssertionError: there is none, or members disagree.
        """
        statuses = self.statuses()
        leaders = {status["leader"] for status in statuses.values()}
        assert len(leaders) == 1 and leaders != {0}, f"members follow {len(leaders)} leaders"
        (leader,) = leaders
        names = [name for name, status in statuses.items() if status["header"]["member_id"] == leader]
        assert names, "the leader is no planned member"
        return next(member for member in self.engine.members if member.name == names[0])

    def writer(self, prefix: str, seconds: float, most_seconds: float, first: list[MemberUnderTest]) -> dict[str, Any]:
        """Settings of the program ``etcd_writer``; ``first`` are the endpoints in the order they are tried."""
        return {
            "addresses": [member.address for member in first],
            "port": CLIENT_PORT,
            "pki": self.engine.pki,
            "prefix": prefix,
            "seconds": seconds,
            "most_seconds": most_seconds,
        }

    def acknowledged_and_lost(self, on: MemberUnderTest, prefix: str, written: dict[str, Any]) -> set[int]:
        """Numbers of acknowledged writes that the engine no longer has."""
        keys = self.ctl(on, f"get {shlex.quote(prefix)} --prefix --keys-only").split()
        held = {int(key.removeprefix(prefix)) for key in keys}
        return set(range(1, written["tried"] + 1)) - set(written["unacknowledged"]) - held

    def forget(self, on: MemberUnderTest, prefix: str) -> None:
        """Take back what a check wrote."""
        self.ctl(on, f"del {shlex.quote(prefix)} --prefix")

    def kill(self, member: MemberUnderTest) -> None:
        """End a member without warning, and keep it down."""
        unit = self.engine.unit
        member.on.check_output(f"systemctl kill --signal=KILL {unit} && systemctl stop {unit}")

    def bring_back(self, member: MemberUnderTest) -> float:
        """Start a member and wait until the whole engine is healthy. Returns how long it took, in seconds.

        Raises:
            VerifyError: it did not become healthy; the engine is left as it is.
        """
        began = time.monotonic()
        member.on.run(f"systemctl reset-failed {self.engine.unit}; systemctl start {self.engine.unit}")
        while True:
            where = f"ETCDCTL_ENDPOINTS={self.endpoint(*self.engine.members)}"
            health = member.on.run(f"{where} {self.command} endpoint health --command-timeout=2s")
            if health.rc == 0:
                return time.monotonic() - began
            if time.monotonic() - began > HEALTHY_SECONDS:
                raise VerifyError(
                    f"{self.engine.name} is not whole {HEALTHY_SECONDS:.0f} s after {member.name} on {member.host} "
                    f"was started again; last seen: {health}",
                    fix=f"on {member.host}: journalctl -u {self.engine.unit} -n 50",
                )
            time.sleep(POLL_SECONDS)
