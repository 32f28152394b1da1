"""``python -m bench``: measures, and writes the tables of docs/performance.md.

    python -m bench [--only large|preview|lab|plain] [--small]

Needs root for the lab. Nothing is kept: the lab is taken down and files of the run are removed, whatever happens.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from bench import lab, large, page, preview
from bench.machine import Conditions
from bench.process import BenchError

PARTS: Mapping[str, Callable[[Path, Callable[[str], None]], str]] = {
    "large": large.measure,
    "preview": preview.measure,
    "lab": lab.measure,
    "plain": lab.measure_plain,
}


def main() -> int:
    """Run the parts that were asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part (repeatable); all by default")
    parser.add_argument("--small", action="store_true", help="the plain way on three hosts instead of nine")
    arguments = parser.parse_args()
    parts = {**PARTS, "plain": lab.measure_small} if arguments.small else PARTS
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{time.monotonic() - began:6.0f} s  {line}", file=sys.stderr, flush=True)

    for part in arguments.only or PARTS:
        start = Conditions.now()
        say(f"{part} (load average {start.load:.1f})")
        try:
            with tempfile.TemporaryDirectory(prefix=f"greenfield-bench-{part}-") as folder:
                found = parts[part](Path(folder), say)
        except BenchError as error:
            print(f"error: {part}: {error}", file=sys.stderr)
            return 1
        content = f"{start.sentence(Conditions.now())}\n\n{found}"
        page.write(part, content)
        print(content, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
