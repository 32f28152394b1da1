"""docs/support.md: what was proved of every kind, and when, made from the records."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from prove import REPO
from prove.event import discover
from prove.record import Record, Records, in_a_line, write_whole

PAGE = REPO / "docs" / "support.md"

HEAD = """# What was proved, and when

Made from the records in `proofs/` by `make prove` and `make test`; not written by hand. A record is written only for
what passed: on booted hosts, and for what needs none (`mirror`, `platform`) with real servers. What an event does is in
the test that it names; [testing.md](testing.md) says how to run it again.
"""


def page(records: Mapping[str, Record], modules: Mapping[str, str]) -> str:
    """The whole page. ``modules`` are today's events by KIND/EVENT; one without a record was never proved."""
    kinds = sorted({name.split("/")[0] for name in {*records, *modules}})
    return "\n".join([HEAD, *(_kind(kind, records, modules) for kind in kinds)])


def write(place: Path = PAGE) -> None:
    """Make the page anew."""
    write_whole(place, page(Records().all(), modules()))


def modules() -> dict[str, str]:
    """The test module of every KIND/EVENT."""
    return {name: event.module for event in discover() for name in event.proves}


def _kind(kind: str, records: Mapping[str, Record], modules: Mapping[str, str]) -> str:
    names = sorted(name for name in {*records, *modules} if name.startswith(f"{kind}/"))
    lines = [
        f"## {kind}",
        "",
        "| event | versions | last seen | took | figures | test |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for name in names:
        record, where = records.get(name), modules.get(name, "gone")
        event = name.split("/")[1]
        if record is None:
            lines.append(f"| {event} | | never | | | `{where}` |")
            continue
        versions = ", ".join(f"{engine} {version}" for engine, version in sorted(record.versions.items()))
        figures = in_a_line(record.figures)
        tries = f" ({record.failed_tries} failed before)" if record.failed_tries else ""
        seen = f"{record.date[:10]} at {record.commit}{tries}"
        lines.append(f"| {event} | {versions} | {seen} | {record.seconds:.0f} s | {figures} | `{where}` |")
    return "\n".join([*lines, ""])
