"""``python -m bench``: measures, and writes the tables of docs/performance.md.

    python -m bench [--only large|preview|lab|plain|kubernetes|growth] [--small]
    python -m bench --only kubernetes [--nodes 2000] [--pods 20000] [--spec FOLDER]
    python -m bench --only growth [--sizes 3,6,12]

Needs root for the lab. Nothing is kept: the lab is taken down and files of the run are removed, whatever happens.
"""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from bench import growth, kubernetes_scale, lab, large, page, preview
from bench.machine import Conditions
from bench.process import BenchError

Part = Callable[[Path, Callable[[str], None]], str]

PARTS: Mapping[str, Part] = {
    "large": large.measure,
    "preview": preview.measure,
    "lab": lab.measure,
    "plain": lab.measure_plain,
    "kubernetes": kubernetes_scale.measure,
    "growth": growth.measure,
}


def main() -> int:
    """Run the parts that were asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=PARTS, action="append", help="a part (repeatable); all by default")
    parser.add_argument(
        "--small", action="store_true", help="the plain way on three hosts instead of nine; 100 nodes and 1,000 pods"
    )
    parser.add_argument("--nodes", type=_count, help="fake nodes of the kubernetes part")
    parser.add_argument("--pods", type=_count, help="pods on them")
    parser.add_argument("--spec", type=Path, help="a delivered lab cluster for the kubernetes part; its own by default")
    parser.add_argument("--sizes", type=_sizes, default=growth.HOSTS, help="hosts of the growth part: 3,6,12")
    arguments = parser.parse_args()
    parts = _parts(arguments)
    # Ended by a supervisor, we clean up as after Ctrl-C; also where a shell started us with Ctrl-C ignored.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.default_int_handler)
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
        except KeyboardInterrupt:
            print(f"interrupted: {part}; what it made is gone", file=sys.stderr)
            return 130
        content = f"{start.sentence(Conditions.now())}\n\n{found}"
        page.write(part, content)
        print(content, flush=True)
    return 0


def _parts(arguments: argparse.Namespace) -> dict[str, Part]:
    """The parts, of the size that was asked for."""
    small = arguments.small
    nodes = arguments.nodes or (kubernetes_scale.SMALL_NODES if small else kubernetes_scale.NODES)
    pods = arguments.pods or (kubernetes_scale.SMALL_PODS if small else kubernetes_scale.PODS)
    options = kubernetes_scale.Options(nodes, pods, arguments.spec)
    return {
        **PARTS,
        "plain": lab.measure_small if small else lab.measure_plain,
        "kubernetes": partial(kubernetes_scale.measure, options=options),
        "growth": partial(growth.measure, sizes=arguments.sizes),
    }


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    """Numbers of hosts, each enough for a control plane and two workers."""
    sizes = tuple(_count(each) for each in text.split(","))
    if min(sizes) < growth.FEWEST:
        raise argparse.ArgumentTypeError(f"{growth.FEWEST} hosts or more")
    return sizes


if __name__ == "__main__":
    sys.exit(main())
