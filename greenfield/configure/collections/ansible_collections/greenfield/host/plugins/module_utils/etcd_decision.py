"""What a member without data may do: a pure decision on what the others say."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(frozen=True)
class View:
    """What was learnt of the cluster from the other members.

    Attributes:
        entries: the cluster's list of members, or None when no quorum answered.
        formed: whether the key that says so was read, from a quorum or from one member's own store.
        healthy: how many of the others are healthy.
        last_seen: what the others answered, for people.
    """

    entries: list | None
    formed: bool
    healthy: int
    last_seen: str = ""


@dataclass(frozen=True)
class Decision:
    """``kind`` is new (begin a cluster), add (join one, after removing ``remove``) or refuse (with the reason)."""

    kind: str
    reason: str
    remove: list = field(default_factory=list)


def decide(view, name, peer_url, wanted, started):
    """Decide for the member ``name`` that has no data.

    Args:
        view: a View.
        name: the member's name.
        peer_url: its peer URL.
        wanted: number of members the engine shall have.
        started: whether this member is known to have had data before.
    """
    if view.entries is None:
        return _alone(view, name, started)
    own = [entry for entry in view.entries if entry.get("name") == name or peer_url in entry.get("peerURLs", [])]
    if not view.formed and not started and own and all(_never_ran(entry, name, peer_url) for entry in own):
        return Decision("new", f"{name} is the last to start in a new cluster")
    size = len(view.entries) - len(own) + 1
    if view.healthy < size // 2 + 1:
        return Decision(
            "refuse",
            f"{name} has no data and must be added again, but only {view.healthy} of the other members are healthy and "
            f"a cluster of {size} needs {size // 2 + 1} ({view.last_seen}). Fix: bring another member up first",
        )
    gone = [entry["ID"] for entry in own]
    verb = "replaces its own entry" if gone else "joins"
    return Decision("add", f"{name} {verb} in a cluster of {size} (wanted {wanted})", gone)


def to_judge(planned, entries):
    """Whose health matters while the engine's members change: name to address.

    Members that are yet to join can't be lost, and those that are to leave still count for the quorum, so a cluster is
    judged by its own members. But not while one of them has not started, nor where two remain of more: the loss of one
    would stop it, and a planned member that is missing may be one that was lost.

    Args:
        planned: name to address of the members that the engine shall have.
        entries: the cluster's own list of members.
    """
    actual = {entry.get("name"): urlsplit(entry["peerURLs"][0]).hostname for entry in entries}
    missing = planned.keys() - actual.keys()
    if not all(actual) or (missing and len(actual) == 2):
        return planned
    return actual


def _alone(view, name, started):
    if view.formed or started:
        why = "the cluster was formed before" if view.formed else "this member has run before"
        return Decision(
            "refuse",
            f"{name} lost its data and there is no quorum to replace it ({why}; {view.last_seen}). Fix: bring the "
            "other members up and run the delivery again, or restore the engine from a snapshot",
        )
    return Decision("new", f"{name} begins a new cluster with the others")


def _never_ran(entry, name, peer_url):
    """An entry of the first configuration whose member has not told its client address yet."""
    return entry.get("name") == name and peer_url in entry.get("peerURLs", []) and not entry.get("clientURLs")
