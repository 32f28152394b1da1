"""An engine under test: its members, and how to reach each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import testinfra.host

from greenfield.model.cluster import EngineSpec
from greenfield.plan import Member

if TYPE_CHECKING:
    from greenfield.verify.acceptance import Acceptance


@dataclass(frozen=True)
class MemberUnderTest:
    """One member, with the connection to its host."""

    name: str
    host: str
    address: str
    rack: str
    group: str
    role: str
    on: testinfra.host.Host


@dataclass(frozen=True)
class EngineUnderTest:
    """An engine as planned.

    Attributes:
        secrets: what ``--secrets`` holds under the engine's name.
        domain: the site's domain.
        renew_before_seconds: what must be left of a certificate.
    """

    name: str
    kind: str
    spec: EngineSpec
    members: tuple[MemberUnderTest, ...]
    secrets: Mapping[str, Any]
    domain: str
    renew_before_seconds: int

    @classmethod
    def of(cls, acceptance: Acceptance, name: str) -> EngineUnderTest:
        """The engine of that name in the run's cluster."""
        subject = acceptance.subject
        spec = subject.cluster.engines[name]
        return cls(
            name=name,
            kind=spec.kind,
            spec=spec,
            members=tuple(cls._member(acceptance, member) for member in subject.plan.members_of(name)),
            secrets=acceptance.secrets.get(name, {}),
            domain=subject.site.domain,
            renew_before_seconds=subject.cluster.pki.renew_before_seconds,
        )

    @staticmethod
    def _member(acceptance: Acceptance, member: Member) -> MemberUnderTest:
        host = acceptance.subject.plan.hosts[member.host].host
        return MemberUnderTest(
            member.slot.name,
            member.host,
            host.address,
            host.rack,
            member.slot.group,
            member.slot.role,
            acceptance.host(member.host),
        )

    @property
    def unit(self) -> str:
        """The systemd unit of a member."""
        return f"greenfield-{self.kind}-{self.name}.service"

    @property
    def data(self) -> str:
        """The data directory of a member."""
        return f"/data/{self.name}"

    @property
    def pki(self) -> str:
        """Folder of a member's certificate and key."""
        return f"/etc/{self.kind}/{self.name}/pki"

    def member_at(self, address: str) -> MemberUnderTest:
        """The member at an address.

        Raises:
            AssertionError: the plan has none there.
        """
        found = [member for member in self.members if member.address == address]
        assert found, f"no member of {self.name} is planned at {address}"
        return found[0]
