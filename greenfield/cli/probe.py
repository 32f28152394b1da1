"""``greenfield probe``: asks a service all through changes, and keeps the numbers for the acceptance report."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from greenfield.cli.app import app, err, out
from greenfield.errors import VerifyError

if TYPE_CHECKING:
    from greenfield.model.site import Host, Site
    from greenfield.verify.availability import Availability
    from greenfield.verify.availability_probe import AvailabilityProbe
    from greenfield.verify.availability_records import AvailabilityRecords

LEAST_EVERY_SECONDS = 0.05
"""More often would be a load test."""

MOST_SECONDS = 60.0
"""Of a pause and of waiting for one answer."""


@app.command()
def probe(
    spec: Annotated[Path, typer.Argument(help="Folder or file of the spec.")],
    name: Annotated[str, typer.Argument(help="Of the probe; its record replaces an older one of that name.")] = "",
    *,
    host: Annotated[str, typer.Option("--from", help="Host of the site that asks.", metavar="HOST")] = "",
    url: Annotated[str, typer.Option(help="Page to ask for; 2xx and 3xx are good answers.")] = "",
    tcp: Annotated[str, typer.Option(help="Port to connect to instead.", metavar="ADDRESS:PORT")] = "",
    every: Annotated[str, typer.Option(help="Pause between two questions.")] = "0.2s",
    timeout: Annotated[str, typer.Option(help="When an answer is too late.")] = "1s",
    duration: Annotated[str, typer.Option("--for", help="How long; until Ctrl-C by default.", metavar="TIME")] = "",
    cluster: Annotated[str, typer.Option(help="Which cluster, when the spec has several.")] = "",
    show: Annotated[bool, typer.Option("--list", help="Show the records instead.")] = False,
    forget: Annotated[str, typer.Option(help="Remove the record of this probe instead.", metavar="NAME")] = "",
) -> None:
    """Ask a service of a cluster all the time while the cluster changes, and keep what came back.

    One host of the site asks, without root; nothing is left on it.
    The record says how often the service was asked and failed, the longest
    time without a good answer, and for how long nobody was watching (the
    connection to the host was broken). The acceptance report shows it.

    Start it before a change, end it with Ctrl-C after, then judge:

      [bold]greenfield probe examples/kubernetes web --from r1-h1 --url http://10.112.7.9:8080/health[/bold]

      [bold]greenfield up examples/kubernetes --yes[/bold]  (in another terminal)

      [bold]greenfield verify examples/kubernetes[/bold]

    More examples:

      [bold]greenfield probe examples/lab config --from r2-h1 --tcp 10.80.11.11:2379 --every 1s --for 30m[/bold]

      [bold]greenfield probe examples/lab --list[/bold]
    """
    from greenfield.spec import load
    from greenfield.verify.availability_records import AvailabilityRecords

    chosen, site = load([spec]).cluster(cluster or None)
    records = AvailabilityRecords(site.name, chosen.name)
    if show or forget:
        if name or host or url or tcp or (show and forget):
            raise VerifyError("--list and --forget ask nothing", fix="use one of them, and only with the spec")
        if forget:
            records.forget(forget)
            out.print(f"forgot {forget}", markup=False)
        else:
            _list(records)
        return
    if not name:
        raise VerifyError("the probe has no name", fix=f"greenfield probe {spec} NAME --from HOST --url URL")
    question = _question(name, _host(site, host).name, _target(url, tcp), every, timeout)
    seconds = _seconds("--for", duration, 1.0, float("inf")) if duration else None
    with records.hold(name):
        _run(question, site, records, seconds)


def _host(site: Site, name: str) -> Host:
    from greenfield.spec.explain import hint

    if not name:
        raise VerifyError("which host shall ask?", fix=f"--from HOST, one of: {', '.join(list(site.hosts)[:12])}")
    if name not in site.hosts:
        raise VerifyError(f'--from "{name}" is no host of site {site.name}', fix=hint(name, list(site.hosts)))
    return site.hosts[name]


def _target(url: str, tcp: str) -> str:
    """The target as records write it: a URL, or ``tcp://ADDRESS:PORT``."""
    if bool(url) == bool(tcp):
        raise VerifyError(
            "both --url and --tcp are here" if url else "what shall be asked?",
            fix="one of --url http://10.112.7.9:8080/health and --tcp 10.112.7.9:5432",
        )
    example = "http://10.112.7.9:8080/health" if url else "10.112.7.9:5432"
    option, value = ("--url", url) if url else ("--tcp", tcp)
    wrong = VerifyError(f'{option} "{value}" is no {"URL" if url else "ADDRESS:PORT"}', fix=f"write it like {example}")
    if re.search(r"[^\x21-\x7e]", value):
        raise wrong
    try:
        parts = urlsplit(url or f"tcp://{tcp}")
        port = parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in ("http", "https", "tcp") or not parts.hostname or (url and parts.scheme == "tcp"):
        raise wrong
    if tcp and (not port or parts.path or parts.query or parts.fragment):
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise VerifyError(f"{option} holds a user or a password", fix="ask for a page that anybody may read")
    return url or f"tcp://{tcp}"


def _question(name: str, host: str, target: str, every: str, timeout: str) -> Availability:
    from greenfield.verify.availability import Availability

    return Availability(
        name=name,
        target=target,
        host=host,
        every_seconds=_seconds("--every", every, LEAST_EVERY_SECONDS, MOST_SECONDS),
        timeout_seconds=_seconds("--timeout", timeout, LEAST_EVERY_SECONDS, MOST_SECONDS),
    )


def _seconds(option: str, text: str, least: float, most: float) -> float:
    from greenfield.model.quantity import DURATION, QuantityError, parse

    try:
        value = float(parse(text, DURATION))
    except QuantityError as error:
        raise VerifyError(f"{option}: {error.message}", fix=error.fix) from None
    if not least <= value <= most:
        bound = f"at least {least:g}s" if value < least else f"at most {most:g}s"
        raise VerifyError(f"{option} {text} is too {'short' if value < least else 'long'}", fix=bound)
    return value


def _run(question: Availability, site: Site, records: AvailabilityRecords, seconds: float | None) -> None:
    from greenfield.report.summary import asked
    from greenfield.verify.availability_probe import AvailabilityProbe

    with err.status(f"connecting to {question.host}") as status:
        begun = False

        def show(record: Availability) -> None:
            nonlocal begun
            if not begun:
                begun = True
                err.print(
                    f"{record.host} asks {record.target} every {record.every_seconds:g} s; Ctrl-C ends it\n"
                    f"record: {records.path(record.name)}",
                    markup=False,
                )
            status.update(f"{record.name}: {asked(record)}")

        def say(sentence: str) -> None:
            err.print(sentence, markup=False, style="yellow")

        host = site.hosts[question.host]
        asking = AvailabilityProbe(question, host, site.access, records, show, say)
        with _stopping(asking):
            try:
                record = asking.run(seconds)
            except OSError as error:
                fix = "make the folder writable, or set XDG_STATE_HOME"
                raise VerifyError(f"{error.filename or records.folder}: {error.strerror}", fix=fix) from error
    out.print(asked(record), markup=False)


@contextmanager
def _stopping(asking: AvailabilityProbe) -> Iterator[None]:
    """The first signal ends the probe in good order, a second one at once. What our caller ignores stays ignored."""
    before: dict[signal.Signals, Any] = {}

    def stop(number: int, _frame: object) -> None:
        signal.signal(number, before[signal.Signals(number)])
        asking.stop()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        handler = signal.getsignal(number)
        if handler is not signal.SIG_IGN:
            before[number] = handler
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _list(records: AvailabilityRecords) -> None:
    from greenfield.report.summary import asked

    found = records.read_all()
    if not found:
        out.print(f"no probe of {records.cluster} on {records.site} has a record", markup=False)
    for record in found:
        running = records.is_running(record.name)
        state = "running" if running else "ended" if record.ended else "broken off"
        out.print(f"{record.name}  {record.target} from {record.host}  {state}, last asked {record.last}", markup=False)
        out.print(f"  {asked(record)}", markup=False)
        for error, count in sorted(record.errors.items(), key=lambda item: -item[1]):
            out.print(f"  {count:,} × {error}", markup=False)
