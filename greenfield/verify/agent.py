"""Runs on a host, as root, for as long as acceptance lasts: reads commands from stdin, answers on stdout.

Shipped as text over the session's own connection and started with the host's Python, so it uses the standard library
only, and nothing of Greenfield. A message is a 4-byte big-endian length and that many bytes of JSON:

    request   {"id": 1, "command": "uname -r", "timeout": 30.0, "stdin": "", "env": {}}
    answer    {"id": 1, "rc": 0, "stdout": "...", "stderr": "...", "seconds": 0.004, "started": 1700000000.0}

stdout and stderr are base64. A command that outlives its timeout is killed with its whole process group and answers
with ``"timed_out": true``. End of input ends every command that still runs.
"""

import base64
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

WORKERS = 6
"""Commands that run at the same time on one host: a writer and what disturbs it, and a few probes."""

MAX_OUTPUT = 4 * 2**20
"""Bytes of output kept of one stream."""

write_lock = threading.Lock()
running: "set[subprocess.Popen[bytes]]" = set()


def answer(message: "dict[str, Any]") -> None:
    """Send one message."""
    data = json.dumps(message).encode()
    with write_lock:
        sys.stdout.buffer.write(struct.pack(">I", len(data)) + data)
        sys.stdout.buffer.flush()


def kill_group(process: "subprocess.Popen[bytes]") -> None:
    """End a command and everything it started."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def run(request: "dict[str, Any]") -> None:
    """Run one command to its end or its deadline, and answer."""
    started, clock = time.time(), time.monotonic()
    process = subprocess.Popen(
        ["/bin/sh", "-c", request["command"]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "LC_ALL": "C.UTF-8", **request.get("env", {})},
        cwd="/",
        start_new_session=True,
    )
    running.add(process)
    timed_out = False
    try:
        out, err = process.communicate(request.get("stdin", "").encode(), timeout=request["timeout"])
    except subprocess.TimeoutExpired:
        timed_out = True
        kill_group(process)
        out, err = process.communicate()
    running.discard(process)
    answer(
        {
            "id": request["id"],
            "rc": process.returncode,
            "stdout": base64.b64encode(out[:MAX_OUTPUT]).decode(),
            "stderr": base64.b64encode(err[:MAX_OUTPUT]).decode(),
            "started": started,
            "seconds": time.monotonic() - clock,
            "timed_out": timed_out,
        }
    )


def attempt(request: "dict[str, Any]") -> None:
    """Run one command; a command that can't even be started is an answer too."""
    try:
        run(request)
    except OSError as error:
        answer({"id": request["id"], "error": str(error)})


def main() -> None:
    """Serve until the input ends."""
    source = sys.stdin.buffer
    pool = ThreadPoolExecutor(WORKERS)
    answer({"id": 0, "ready": True, "host": os.uname().nodename, "uid": os.getuid()})
    while True:
        head = source.read(4)
        if len(head) < 4:
            break
        pool.submit(attempt, json.loads(source.read(struct.unpack(">I", head)[0])))
    for process in list(running):
        kill_group(process)
    os._exit(0)


main()
