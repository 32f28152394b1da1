"""The rack elevation as a drawing: one SVG that needs nothing else, in light and dark, for pages and for files.

Verdicts are told by colour and by a sign, so that no one has to tell colours apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from greenfield.model.site import Rack
from greenfield.plan.elevation import Row, drawn_racks, hosts_by_rack, rows
from greenfield.plan.plan import HostPlan, Plan
from greenfield.plan.survival import member_word
from greenfield.plan.words import listed

SIGNS = {"pass": "✓", "fail": "✗", "error": "!", "waived": "~", "none": ""}
"""What a host's verdict may be, and the sign that stands for it."""

RACK_WIDTH = 236
UNIT = 20
LINE = 18
HEAD = 40
MARGIN = 12
CHIP_COLOURS = 8
CHARACTER = 5.9
"""Width of a character of the chips' font, in drawing units."""

STYLE = """
.gfe{--gfe-ink:#1d2733;--gfe-dim:#66717e;--gfe-frame:#8e99a6;--gfe-rack:#f2f4f7;--gfe-host:#fff;--gfe-line:#c7ced6;
--gfe-pass:#1a7f4b;--gfe-fail:#c62828;--gfe-error:#b3399a;--gfe-waived:#a66a00;--gfe-none:#8e99a6;
--gfe-c0:#d6e6fb;--gfe-c1:#fbe3cd;--gfe-c2:#d9f0dc;--gfe-c3:#ecdcf7;--gfe-c4:#fadbe1;--gfe-c5:#d5eff0;--gfe-c6:#f4ecc4;
--gfe-c7:#e2e2e8;font-family:system-ui,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;font-size:12px}
@media (prefers-color-scheme:dark){.gfe{--gfe-ink:#e6eaef;--gfe-dim:#9aa6b2;--gfe-frame:#5b6673;--gfe-rack:#171d24;
--gfe-host:#222a33;--gfe-line:#3a4552;--gfe-pass:#4cc38a;--gfe-fail:#ff7b72;--gfe-error:#e58ad4;--gfe-waived:#e3b341;
--gfe-none:#6b7684;--gfe-c0:#1f3c5f;--gfe-c1:#5a3a1e;--gfe-c2:#1f4a2b;--gfe-c3:#45305a;--gfe-c4:#5a2a35;
--gfe-c5:#1e484a;--gfe-c6:#4d4519;--gfe-c7:#3a3d45}}
.gfe text{fill:var(--gfe-ink)}.gfe .gfe-dim{fill:var(--gfe-dim)}.gfe .gfe-name{font-weight:600}
.gfe .gfe-chip{font-size:10.5px}.gfe .gfe-small{font-size:10.5px}.gfe .gfe-title{font-size:14px;font-weight:600}
.gfe .gfe-frame{fill:var(--gfe-rack);stroke:var(--gfe-frame)}.gfe .gfe-host{fill:var(--gfe-host);stroke:var(--gfe-line)}
.gfe .gfe-other{fill:none;stroke:var(--gfe-line);stroke-dasharray:3 3}
""" + "".join(
    f".gfe .gfe-{status}{{fill:var(--gfe-{status})}}.gfe text.gfe-{status}{{font-weight:700}}" for status in SIGNS
)


def elevation_svg(plan: Plan, status: Mapping[str, str] | None = None, *, columns: int = 4) -> str:
    """Every rack that the cluster uses, in one drawing of at most ``columns`` racks beside each other.

    Args:
        status: host to ``pass``, ``fail``, ``error``, ``waived`` or ``none``; hosts left out are ``none``.
    """
    drawing = _Drawing(plan, status or {})
    bodies = [drawing.rack(rack) for rack in drawn_racks(plan)]
    across = max(1, min(columns, len(bodies)))
    parts: list[str] = []
    top = MARGIN
    for start in range(0, len(bodies), across):
        line = bodies[start : start + across]
        for column, (body, _) in enumerate(line):
            parts.append(f'<g transform="translate({MARGIN + column * (RACK_WIDTH + MARGIN)},{top})">{body}</g>')
        top += max(height for _, height in line) + MARGIN
    return _document(plan, parts, MARGIN + across * (RACK_WIDTH + MARGIN), top)


def rack_svgs(plan: Plan, status: Mapping[str, str] | None = None) -> dict[str, str]:
    """One drawing for each rack, so that a page can lay them out beside or below each other as its width allows."""
    drawing = _Drawing(plan, status or {})
    drawings = {}
    for rack in drawn_racks(plan):
        body, height = drawing.rack(rack)
        group = f'<g transform="translate(1,1)">{body}</g>'
        drawings[rack.name] = _document(plan, [group], RACK_WIDTH + 2, height + 2)
    return drawings


def _document(plan: Plan, parts: Iterable[str], width: int, height: int) -> str:
    # Text stays readable on a narrow screen: the page scrolls the drawing sideways rather than shrink it much.
    label = escape(f"Racks of {plan.cluster.name} on {plan.site.name}", quote=True)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="gfe" role="img" aria-label="{label}" '
        f'viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'style="max-width:100%;min-width:{width * 4 // 5}px;height:auto">'
        f"<style>{STYLE}</style>{''.join(parts)}</svg>"
    )


class _Drawing:
    """Draws racks of a plan with the verdicts of their hosts."""

    def __init__(self, plan: Plan, status: Mapping[str, str]) -> None:
        self.plan = plan
        self.status = status
        self.standing = hosts_by_rack(plan)
        self.power = {entry.rack: entry for entry in plan.power}
        self.colours = {engine: index % CHIP_COLOURS for index, engine in enumerate(plan.cluster.engines)}

    def rack(self, rack: Rack) -> tuple[str, int]:
        """The drawing of a rack at the origin, and its height."""
        feeds = listed(f"{name} {watts / 1000:g} kW" for name, watts in rack.feed_watts.items())
        about = escape(_fitting(f"feeds {feeds} · ToR {listed(rack.tor)}", RACK_WIDTH - 4))
        y = 4
        inner: list[str] = []
        for row in rows(self.plan, rack, self.standing):
            height = self._height(row)
            inner.append(self._row(row, y, height))
            y += height
        body = (
            f'<text class="gfe-title" x="2" y="14">{escape(rack.name)}</text>'
            f'<text class="gfe-dim gfe-small" x="{RACK_WIDTH - 2}" y="14" text-anchor="end">'
            f"row {escape(rack.row)} · {self.power[rack.name].draw_watts / 1000:.3g} kW</text>"
            f'<text class="gfe-dim gfe-small" x="2" y="30">{about}</text>'
            f'<g transform="translate(0,{HEAD})"><rect class="gfe-frame" x="0.5" y="0.5" width="{RACK_WIDTH - 1}" '
            f'height="{y + 3}" rx="4"/>{"".join(inner)}</g>'
        )
        return body, HEAD + y + 4

    def _height(self, row: Row) -> int:
        units = row.top - row.bottom + 1
        if row.host is None:
            return UNIT if units == 1 else UNIT + 6
        planned = self.plan.hosts.get(row.host.name)
        lines = 1 + len(planned.members) if planned else 1
        return max(UNIT * units, LINE * lines + 8)

    def _row(self, row: Row, y: int, height: int) -> str:
        units = f"{row.bottom}" if row.bottom == row.top else f"{row.bottom}–{row.top}"
        number = f'<text class="gfe-dim gfe-small" x="34" y="{y + 15}" text-anchor="end">{units}</text>'
        if row.host is None:
            note = "" if row.top == row.bottom else f"{row.top - row.bottom + 1} units free"
            return f'{number}<text class="gfe-dim gfe-small" x="46" y="{y + 15}">{note}</text>'
        planned = self.plan.hosts.get(row.host.name)
        if planned is None:
            box = f'x="40.5" y="{y + 1.5}" width="{RACK_WIDTH - 46}" height="{height - 3}" rx="3"'
            name = f'<text class="gfe-dim" x="54" y="{y + 15}">{escape(row.host.name)}</text>'
            return f'{number}<rect class="gfe-other" {box}/>{name}'
        return number + self._host(planned, y, height)

    def _host(self, planned: HostPlan, y: int, height: int) -> str:
        verdict = self.status.get(planned.host.name, "none")
        verdict = verdict if verdict in SIGNS else "none"
        held = [f"{member.engine}: {member_word(member.slot)}" for member in planned.members]
        about = f"{planned.host.name} ({planned.host.address}), pool {planned.pool}, verdict: {verdict}"
        right = RACK_WIDTH - 12
        chips = "".join(
            self._chip(member.engine, text, y + 3 + LINE * index)
            for index, (member, text) in enumerate(zip(planned.members, held, strict=True), start=1)
        )
        return (
            f"<g><title>{escape(chr(10).join([about, *held]), quote=False)}</title>"
            f'<rect class="gfe-host" x="40.5" y="{y + 1.5}" width="{RACK_WIDTH - 46}" height="{height - 3}" rx="3"/>'
            f'<rect class="gfe-{verdict}" x="40.5" y="{y + 1.5}" width="5" height="{height - 3}" rx="2"/>'
            f'<text class="gfe-name" x="54" y="{y + 15}">{escape(planned.host.name)}</text>'
            f'<text class="gfe-dim gfe-small" x="{right - 16}" y="{y + 15}" text-anchor="end">'
            f"{escape(planned.pool)}</text>"
            f'<text class="gfe-{verdict}" x="{right}" y="{y + 15}" text-anchor="end">{SIGNS[verdict]}</text>{chips}</g>'
        )

    def _chip(self, engine: str, text: str, y: int) -> str:
        room = RACK_WIDTH - 64
        shown = _fitting(text, room - 12)
        width = min(room, len(shown) * CHARACTER + 12)
        return (
            f'<rect x="54" y="{y}" width="{width:.0f}" height="15" rx="7" '
            f'style="fill:var(--gfe-c{self.colours[engine]})"/>'
            f'<text class="gfe-chip" x="60" y="{y + 11}">{escape(shown)}</text>'
        )


def _fitting(text: str, room: float) -> str:
    """The text, cut where the room ends."""
    most = int(room / CHARACTER)
    return text if len(text) <= most else text[: most - 1] + "…"
