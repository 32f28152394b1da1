"""What each rule of a spec asks for, in a sentence; code review shows it beside a problem."""

from __future__ import annotations

from collections.abc import Mapping

RULES: Mapping[str, str] = {
    "file": "Every file a spec names can be read",
    "yaml-syntax": "A spec is well-formed YAML",
    "yaml-trap": "Words that YAML reads as something else are quoted",
    "yaml-tag": "A spec uses no YAML tags",
    "yaml-alias": "YAML aliases are finite and small",
    "duplicate-key": "A key is there once",
    "csv": "A host table is well-formed CSV",
    "csv-column": "A host table has the known columns",
    "api-version": "A document says which version of the format it is in",
    "kind": "A document is of a known kind",
    "unknown-key": "Every key is known",
    "missing-key": "Every key that is needed is there",
    "type": "A value is of the type its key asks for",
    "quantity": "A quantity has a unit of the dimension its key asks for",
    "form": "A word has the form its key asks for",
    "choice": "A value is one of those its key allows",
    "range": "A number is within the bounds of its key",
    "empty": "What must not be empty is not",
    "duplicate-item": "A list names nothing twice",
    "name": "Names are such that DNS takes them",
    "date": "A day exists",
    "network": "A network is an address range in CIDR form",
    "address": "An address is an IPv4 address",
    "duplicate-name": "Names are unique",
    "duplicate-address": "Addresses are unique",
    "duplicate-mac": "MAC addresses are unique",
    "duplicate-serial": "Serial numbers are unique",
    "duplicate-unit": "A rack unit holds one host",
    "duplicate-control": "A standard's controls have ids of their own",
    "rack-height": "Hosts fit into their rack",
    "rack-power": "A rack's feeds carry its hosts, with one feed lost under N+1",
    "rack-subnet": "The hosts of a rack are in one subnet",
    "shared-subnet": "A subnet belongs to one rack",
    "reserved-address": "No host has the first or last address of its subnet",
    "open-access": "Only named networks may log in",
    "over-budget": "A cluster costs no more than its budget allows",
    "no-price": "What a budget limits has a price",
    "outside-network": "Every host is in a network of its site",
    "overlapping-network": "Networks don't overlap",
    "unknown-feed": "A rack's feeds are feeds of its site",
    "feed-redundancy": "Under N+1 a rack has two feeds",
    "unknown-rack": "A host's rack is a rack of its site",
    "unknown-hardware": "A hardware class that is named is one of the site's",
    "unknown-site": "A site that is named is in the spec",
    "unknown-standard": "A standard that is named is there",
    "unknown-cluster": "A cluster that is named is in the spec",
    "shared-hosts": "A host can be taken by one cluster only",
    "unknown-pool": "An engine's node pool is one of the cluster's",
    "unknown-engine": "An engine is of a known kind",
    "unknown-version": "An engine's version is supported",
    "unknown-dependency": "Engines depend on engines of their cluster",
    "dependency-cycle": "Engines don't wait for each other in a ring",
    "even-quorum": "A quorum has an odd number of members",
    "too-few-shards": "A Redis Cluster has enough primaries to elect",
    "unknown-wipe": "What may be wiped is the engine or one of its members",
    "unknown-control": "A waiver is for a control of the standard",
    "unknown-host": "A host that is named is one of the site's",
    "waiver-expired": "A waiver is in force",
    "pki-lifetime": "A certificate is renewed after it is made and before it ends",
    "retention": "Backups are kept until there is a newer one",
}
"""Every rule that ``greenfield.spec`` judges by, by its identifier."""


def describe(rule: str) -> str:
    """A rule in a sentence; of a rule of another step, its identifier in words."""
    return RULES.get(rule) or rule.replace("-", " ").capitalize()
