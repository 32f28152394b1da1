"""What checks read from hosts: recorded output in, meaning out."""

from __future__ import annotations

from greenfield.verify.firewall import merged, parse_opened
from greenfield.verify.listeners import parse
from greenfield.verify.redis import parse_nodes

SS = """LISTEN 0 4096 10.77.1.11:2379 0.0.0.0:* users:(("etcd",pid=301,fd=7))
LISTEN 0 4096 127.0.0.1:2379 0.0.0.0:* users:(("etcd",pid=301,fd=8))
LISTEN 0 128 [::]:22 [::]:* users:(("sshd",pid=90,fd=4))
LISTEN 0 128 *:9100 *:* users:(("node_exporter",pid=91,fd=3))
LISTEN 0 128 [::1]:53 [::]:*
LISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:*
"""

NODES = (
    "aaa 10.77.1.12:6379@16379,r1-h2 myself,master - 0 1795255698000 1 connected 0-5460 5462\n"
    "bbb 10.77.2.12:6379@16379 slave aaa 0 1795255699039 1 connected\n"
    "ccc 10.77.3.12:6379@16379 master,fail - 1795255 1795255 3 disconnected 10922-16383 [93->-aaa]\n"
)


def rule(*expressions: dict, chain: str = "input") -> dict:
    return {"rule": {"table": "greenfield", "chain": chain, "expr": list(expressions)}}


def match(protocol: str, field: str, right: object) -> dict:
    return {"match": {"op": "==", "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


CHAIN = {"chain": {"table": "greenfield", "name": "input", "hook": "input", "policy": "drop"}}


def test_loopback_is_no_listener_for_others() -> None:
    found = parse(SS)
    assert [(one.port, one.reachable) for one in found] == [
        (2379, True), (2379, False), (22, True), (9100, True), (53, False), (53, False),
    ]  # fmt: skip
    assert found[0].process == "etcd" and found[4].process == ""


def test_opened_pairs_each_port_with_each_source() -> None:
    sources = {"set": ["10.77.1.11", {"prefix": {"addr": "10.77.2.0", "len": 24}}]}
    rules = [CHAIN, rule(match("ip", "saddr", sources), match("tcp", "dport", 2379), {"accept": None})]
    assert parse_opened(rules) == {(2379, "10.77.1.11/32"), (2379, "10.77.2.0/24")}


def test_a_rule_without_sources_opens_to_everyone() -> None:
    rules = [CHAIN, rule(match("tcp", "dport", {"range": [80, 82]}), {"accept": None})]
    assert parse_opened(rules) == {(80, "0.0.0.0/0"), (81, "0.0.0.0/0"), (82, "0.0.0.0/0")}


def test_rules_that_drop_or_stand_elsewhere_open_nothing() -> None:
    rules = [
        CHAIN,
        rule(match("tcp", "dport", 23), {"drop": None}),
        rule(match("tcp", "dport", 24), {"accept": None}, chain="forward"),
    ]
    assert parse_opened(rules) == set()


def test_adjacent_addresses_compare_as_nftables_merges_them() -> None:
    single = {(16379, "10.77.1.12/32"), (16379, "10.77.1.13/32"), (22, "10.77.0.0/24")}
    assert merged(single) == merged({(16379, "10.77.1.12/31"), (22, "10.77.0.0/24")})
    assert merged({(16379, "10.77.1.12-10.77.1.13")}) == {(16379, "10.77.1.12/31")}
    assert merged({(16379, "10.77.1.12/32")}) != merged({(16379, "10.77.1.12/31")})


def test_cluster_nodes_are_read() -> None:
    primary, copy, lost = parse_nodes(NODES)
    assert (primary.address, primary.slots, primary.is_lost) == ("10.77.1.12", ((0, 5460), (5462, 5462)), False)
    assert (copy.primary, copy.is_primary) == ("10.77.1.12", False)
    assert lost.is_lost and lost.slots == ((10922, 16383),)
