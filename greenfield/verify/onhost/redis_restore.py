"""Has a Redis member save its data, loads the copy into a scratch server on this host and compares.

The scratch server listens on a unix socket in a folder of its own, which only root and the engine's account may enter.
Both are gone afterwards, whatever happens.
"""

import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from greenfield.verify.onhost.resp import Connection, ReplyError, over_tls, over_unix

POLL_SECONDS = 0.1


def info(connection: Connection, section: str) -> "dict[str, str]":
    """A section of INFO."""
    lines = str(connection.call("INFO", section)).splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def save(connection: Connection, deadline: float) -> None:
    """Have the server write its RDB file now, and wait until it has."""
    while info(connection, "persistence")["rdb_bgsave_in_progress"] == "1":
        wait("the save before this one", deadline)
    before = int(connection.call("LASTSAVE"))
    while time.time() < before + 1:  # LASTSAVE counts whole seconds
        wait("a new second", deadline)
    connection.call("BGSAVE", "SCHEDULE")
    while int(connection.call("LASTSAVE")) <= before:
        state = info(connection, "persistence")
        if state["rdb_last_bgsave_status"] != "ok":
            sys.exit("the save failed; the journal of the server says why")
        wait(f"the save, {state['rdb_current_bgsave_time_sec']} s so far", deadline)


def wait(what: str, deadline: float) -> None:
    """Let a little time pass, unless there is none left."""
    if time.monotonic() > deadline:
        sys.exit(f"no time left while waiting for {what}")
    time.sleep(POLL_SECONDS)


def serve(folder: str, account: pwd.struct_passwd) -> "subprocess.Popen[bytes]":
    """Start a server that loads the copy."""
    with Path(folder, "log").open("w") as log:
        return subprocess.Popen(
            [
                "redis-server", "--port", "0", "--unixsocket", f"{folder}/socket", "--unixsocketperm", "700",
                "--dir", folder, "--dbfilename", "dump.rdb", "--save", "", "--appendonly", "no",
            ],
            user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd=folder, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def loaded(folder: str, process: "subprocess.Popen[bytes]", deadline: float) -> Connection:
    """A connection to the scratch server once it has loaded the copy."""
    while True:
        try:
            connection = over_unix(f"{folder}/socket")
            connection.call("DBSIZE")
            return connection
        except (OSError, ReplyError) as error:
            if process.poll() is not None:
                sys.exit(f"the copy can't be loaded: {Path(folder, 'log').read_text().strip()[-400:]}")
            wait(f"the scratch server ({error})", deadline)


def drill(settings: "dict[str, Any]", folder: str) -> "dict[str, Any]":
    """Save, copy, load, compare."""
    account = pwd.getpwnam(settings["account"])
    began = time.monotonic()
    deadline = began + settings["most_seconds"]
    live = over_tls(settings["config"], settings["address"], settings["port"])
    live.stream.settimeout(10)
    sizes = [int(live.call("DBSIZE"))]
    save(live, deadline)
    sizes.append(int(live.call("DBSIZE")))
    shutil.copyfile(Path(settings["data"], "dump.rdb"), Path(folder, "dump.rdb"))
    for path in (Path(folder), Path(folder, "dump.rdb")):
        os.chown(path, account.pw_uid, account.pw_gid)
    saved = time.monotonic()
    process = serve(folder, account)
    try:
        scratch = loaded(folder, process, deadline)
        serving = time.monotonic()
        numbers = range(1, settings["keys"] + 1)
        values = scratch.call("MGET", *(f"{settings['prefix']}{number:08d}" for number in numbers))
        keys = int(scratch.call("DBSIZE"))
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    return {
        "snapshot_seconds": round(saved - began, 3),
        "restore_seconds": round(serving - saved, 3),
        "seconds": round(serving - began, 3),
        "snapshot_bytes": Path(folder, "dump.rdb").stat().st_size,
        "right": sum(value == str(number) for number, value in zip(numbers, values, strict=True)),
        "keys": keys,
        "live_keys": [min(sizes), max(sizes)],
    }


def main() -> None:
    """Entry point."""
    settings = json.loads(sys.argv[1])
    folder = tempfile.mkdtemp(prefix=".greenfield-drill-", dir=settings["place"])
    try:
        json.dump(drill(settings, folder), sys.stdout)
    finally:
        shutil.rmtree(folder)


main()
