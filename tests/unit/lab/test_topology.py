"""Subnets and addresses follow from the site, and what can't be a lab is refused with what to do."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from lab_site import TWO, host, site

from greenfield.errors import LabError
from greenfield.lab.topology import topology
from greenfield.model.site import Mirror, Site


def test_racks_get_the_subnets_of_their_hosts() -> None:
    top = topology(site(TWO))
    assert top.core == IPv4Network("10.77.0.0/24")
    assert (top.workstation, top.services, top.spine) == tuple(
        map(IPv4Address, ("10.77.0.1", "10.77.0.2", "10.77.0.254"))
    )
    assert top.mirror_port == 8080
    assert {name: (str(rack.subnet), str(rack.gateway), rack.mtu) for name, rack in top.racks.items()} == {
        "r1": ("10.77.1.0/24", "10.77.1.1", 9000),
        "r2": ("10.77.9.0/24", "10.77.9.1", 9000),
    }


@pytest.mark.parametrize(
    ("broken", "message", "fix"),
    [
        (site(TWO, "http://mirror.lab"), "does not name an IPv4 address", "write mirror.url like"),
        (site(TWO, "http://10.78.0.2"), "in none of the site's networks", "add the network"),
        (site(TWO, "http://10.77.5.2"), "is not in the first subnet 10.77.0.0/24", "an address of 10.77.0.0/24"),
        (site(TWO, "http://10.77.0.1"), "belongs to the lab's workstation or spine", "use 10.77.0.2"),
        (site({**TWO, "c": host("c", "r1", "10.77.2.1")}), "hosts of rack r1 lie in", "one subnet"),
        (site({"c": host("c", "r1", "10.77.0.9")}), "hosts of rack r1 lie in 10.77.0.0/24", "other than 10.77.0.0/24"),
        (site({"spine": host("spine", "r1", "10.77.1.9")}), "a host is called spine", "rename"),
    ],
)
def test_what_can_not_be_a_lab_is_refused(broken: Site, message: str, fix: str) -> None:
    with pytest.raises(LabError) as refused:
        topology(broken)
    assert message in refused.value.message
    assert fix in refused.value.fix


def test_a_mirror_without_a_port_is_served_on_80() -> None:
    assert topology(replace(site(TWO), mirror=Mirror("http://10.77.0.2"))).mirror_port == 80
