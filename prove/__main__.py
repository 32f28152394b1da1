"""``python -m prove``: what ``make test`` and ``make prove`` run (docs/testing.md)."""

from __future__ import annotations

import argparse
import signal
import sys
import time
from datetime import UTC, datetime

from prove import change, proving, support, testing
from prove.book import Book
from prove.event import ProveError, choose
from prove.place import alone, labs_down


def main() -> int:
    """Returns the exit code: 0 passed, 1 failed, 2 could not begin, 130 interrupted."""
    parser = argparse.ArgumentParser(prog="prove", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("test", help="the fixed part and what is drawn beyond it: make test")
    run = verbs.add_parser("run", help="events by name, or all that is not proved on this tree: make prove")
    run.add_argument("names", nargs="*", metavar="KIND[/EVENT]", help="also a seat's folder, or a test module")
    run.add_argument("--stale", action="store_true", help="what is most due: changed, then oldest")
    run.add_argument("--for", dest="span", default="", metavar="TIME", help="take no more than fits: 90s, 60m, 2h")
    run.add_argument("--times", type=int, default=1, help="repeat each event")
    run.add_argument("--again", action="store_true", help="also what is proved on this tree")
    run.add_argument("--go-on", action="store_true", help="after a failure, instead of leaving its lab for a look")
    run.add_argument("--meter", action="store_true", help="say where the processor seconds went")
    listing = verbs.add_parser("list", help="events, how they stand, and how long they take")
    listing.add_argument("names", nargs="*", metavar="KIND[/EVENT]")
    verbs.add_parser("changed", help="what the changes since the last commit (or a given one) touch, and what to run")
    verbs.choices["changed"].add_argument("base", nargs="?", default="HEAD", help="compare with this commit")
    verbs.add_parser("support", help="make docs/support.md from the records")
    verbs.add_parser("down", help="take down what a failure left standing")
    given = parser.parse_args()
    # Ended by a supervisor, it cleans up as after Ctrl-C; also where a shell started it with Ctrl-C ignored.
    for each in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(each, signal.default_int_handler)
    try:
        return _do(given)
    except ProveError as error:
        print(f"error: {error}" + (f"\n  fix: {error.fix}" if error.fix else ""), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what passed is kept", file=sys.stderr)
        return 130


def _do(given: argparse.Namespace) -> int:
    if given.verb == "test":
        return testing.run()
    if given.verb == "list":
        return _list(given.names)
    if given.verb == "support":
        support.write()
        return 0
    if given.verb == "changed":
        return change.tell(given.base)
    if given.verb == "down":
        with alone():
            return 0 if labs_down() else 1
    if given.times < 1:
        raise ProveError(f"--times {given.times}: not a number from 1")
    seconds = proving.span(given.span) if given.span else 0.0
    wish = proving.Wish(tuple(given.names), given.stale, seconds, given.times, given.again, given.go_on, given.meter)
    return proving.run(wish)


def _list(names: list[str]) -> int:
    book = Book()
    print(f"{'event':34}{'proved':>14}{'took':>8}  {'in':8}test")
    for each in book.standings(choose(book.events, names)):
        event = each.event
        age = "never" if each.age_days == float("inf") else f"{each.age_days:.1f} d ago"
        word = "changed" if each.changed and age != "never" else age
        where = "fixed" if event.fixed else "drawn" if event.seat.drawn else "prove"
        took = "" if age == "never" else f"{each.seconds:.0f} s"
        print(f"{event.name:34}{word:>14}{took:>8}  {where:8}{event.module}")
        for other in event.proves[1:]:
            print(f"  {other}")
    print(f"{len(book.events)} events at {datetime.now(UTC):%Y-%m-%d %H:%M} UTC ({time.tzname[0]})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
