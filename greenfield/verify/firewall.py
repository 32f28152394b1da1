"""What a host's nftables rules let in."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv4Network, collapse_addresses, summarize_address_range
from typing import Any

import testinfra.host


def policy(host: testinfra.host.Host) -> str:
    """What happens to a packet that no rule of an input chain accepts; ``accept`` when no chain hooks input."""
    found = {chain["policy"] for chain in _input_chains(_rules(host))}
    return "drop" if "drop" in found else "accept"


def opened(host: testinfra.host.Host) -> set[tuple[int, str]]:
    """Ports that rules accept, each with a source network (``0.0.0.0/0`` where the rule names none).

    Only chains that drop what no rule accepts count: an accept in any other chain opens nothing that these keep shut.
    """
    return parse_opened(_rules(host))


def merged(pairs: Iterable[tuple[int, str]]) -> set[tuple[int, str]]:
    """The same ports and sources with adjacent networks as one: nftables merges them, so only this form compares."""
    by_port: dict[int, list[IPv4Network]] = {}
    for port, source in pairs:
        by_port.setdefault(port, []).extend(_networks(source))
    return {(port, str(network)) for port, sources in by_port.items() for network in collapse_addresses(sources)}


def _networks(source: str) -> list[IPv4Network]:
    first, _, last = source.partition("-")
    if last:
        return list(summarize_address_range(IPv4Address(first), IPv4Address(last)))
    return [IPv4Network(source)]


def parse_opened(rules: list[dict[str, Any]]) -> set[tuple[int, str]]:
    """The same from ``nft -j list ruleset``."""
    chains = {(chain["table"], chain["name"]) for chain in _input_chains(rules) if chain["policy"] == "drop"}
    found = set()
    for item in rules:
        rule = item.get("rule")
        if not rule or (rule["table"], rule["chain"]) not in chains:
            continue
        if not any("accept" in expression for expression in rule["expr"]):
            continue
        ports, sources = _matches(rule["expr"], "dport"), _matches(rule["expr"], "saddr")
        found |= {(int(port), str(source)) for port in ports for source in sources or ["0.0.0.0/0"]}
    return found


def _rules(host: testinfra.host.Host) -> list[dict[str, Any]]:
    document = json.loads(host.check_output("nft -j list ruleset"))
    rules: list[dict[str, Any]] = document["nftables"]
    return rules


def _input_chains(rules: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [item["chain"] for item in rules if item.get("chain", {}).get("hook") == "input"]


def _matches(expressions: list[dict[str, Any]], field: str) -> list[Any]:
    for expression in expressions:
        match = expression.get("match")
        if match and match["left"].get("payload", {}).get("field") == field:
            return list(_values(match["right"]))
    return []


def _values(right: Any) -> Iterator[Any]:
    if isinstance(right, Mapping):
        if "set" in right:
            for item in right["set"]:
                yield from _values(item)
        elif "prefix" in right:
            yield f"{right['prefix']['addr']}/{right['prefix']['len']}"
        elif "range" in right:
            first, last = right["range"]
            yield from (range(first, last + 1) if isinstance(first, int) else [f"{first}-{last}"])
    elif isinstance(right, list):
        for item in right:
            yield from _values(item)
    else:
        yield f"{right}/32" if isinstance(right, str) and right.count(".") == 3 else right
