"""What a cluster says about an object and its pods: the last events, for errors."""

from __future__ import annotations

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.api import Api, Json
from greenfield.kubernetes_provider.readiness import why_pod

LAST = 6
OWNERS = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job"})


async def story(api: Api, live: Json) -> list[str]:
    """Lines about an object: its pods that don't run, then its last events and those of what it owns.

    A cluster that does not answer has no story; the error at hand is told without.
    """
    try:
        return await _story(api, live)
    except ProviderError:
        return []


async def _story(api: Api, live: Json) -> list[str]:
    metadata = live["metadata"]
    namespace = metadata.get("namespace", "default")
    owned: list[Json] = []
    if live["kind"] in OWNERS:
        uids = {metadata["uid"]}
        for path in (f"/apis/apps/v1/namespaces/{namespace}/replicasets", f"/api/v1/namespaces/{namespace}/pods"):
            listed = (await api.get(path) or {}).get("items") or []
            mine = [each for each in listed if uids & _owners(each)]
            uids |= {each["metadata"]["uid"] for each in mine}
            owned += mine
    lines = []
    for each in owned:
        why = why_pod(each) if "containers" in each.get("spec", {}) else ""
        if why:
            lines.append(f"pod {each['metadata']['name']}: {why}")
    events: list[Json] = []
    for each in [live, *owned]:
        query = {"fieldSelector": f"involvedObject.uid={each['metadata']['uid']}"}
        events += (await api.get(f"/api/v1/namespaces/{namespace}/events", query) or {}).get("items") or []
    events.sort(key=_moment)
    return lines[:LAST] + [_line(each) for each in events[-LAST:]]


def _owners(found: Json) -> set[str]:
    return {each["uid"] for each in found["metadata"].get("ownerReferences") or []}


def _moment(event: Json) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def _line(event: Json) -> str:
    about = event.get("involvedObject") or {}
    times = f" (x{event['count']})" if (event.get("count") or 1) > 1 else ""
    who = f"{about.get('kind')} {about.get('name')}"
    return f"event {event.get('type')} {event.get('reason')} {who}: {event.get('message')}{times}"
