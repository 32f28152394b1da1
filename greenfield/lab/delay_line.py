"""A cable with a length: carries frames between two TAP links, each some milliseconds late.

Run as a program inside the spine's namespace, because this kernel may lack netem: ``delay_line.py LINK LINK MS``.
It makes both links, and they are gone when it ends. Imports nothing but the standard library.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TAP = 0x0002
IFF_NO_PI = 0x1000
QUEUE_BYTES = 64 << 20
"""Most that is on its way at once; what comes beyond is lost, as on a full link."""


def carry(left: str, right: str, delay_seconds: float) -> None:
    """Carry frames both ways for ever."""
    ends = (_tap(left), _tap(right))
    underway: tuple[deque[tuple[float, bytes]], deque[tuple[float, bytes]]] = (deque(), deque())
    held = [0, 0]
    while True:
        now = time.monotonic()
        for way, frames in enumerate(underway):
            while frames and frames[0][0] <= now:
                frame = frames.popleft()[1]
                held[way] -= len(frame)
                with contextlib.suppress(OSError):  # the far end is down: the frame is lost
                    os.write(ends[1 - way], frame)
        due = min((frames[0][0] for frames in underway if frames), default=None)
        ready = select.select(ends, (), (), None if due is None else max(0.0, due - time.monotonic()))[0]
        for end in ready:
            way = ends.index(end)
            frame = os.read(end, 65536)
            if held[way] + len(frame) <= QUEUE_BYTES:
                held[way] += len(frame)
                underway[way].append((time.monotonic() + delay_seconds, frame))


def _tap(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH", name.encode(), IFF_TAP | IFF_NO_PI))
    return device


if __name__ == "__main__":
    carry(sys.argv[1], sys.argv[2], float(sys.argv[3]) / 1000)
