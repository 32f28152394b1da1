"""Saves a snapshot of a running etcd member, restores it into a scratch place on this host and serves it on loopback.

Prints how long it took and what the restored store holds. The scratch place and the process are gone afterwards,
whatever happens. The scratch member has the engine's own certificates and account, so nobody else reads it meanwhile.
"""

import hashlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

COMMAND_SECONDS = 600


def run(argv: "list[str]", **environment: str) -> str:
    """Output of a command that must succeed; what is no text (a stored object may be) stays as it is."""
    done = subprocess.run(
        argv, env={**os.environ, **environment}, capture_output=True, encoding="utf-8", errors="surrogateescape",
        timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        sys.exit(f"{argv[0]} {argv[1]}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def own(folder: str, account: pwd.struct_passwd) -> None:
    """Hand everything below a folder to the engine's account."""
    for path in [Path(folder), *Path(folder).rglob("*")]:
        os.chown(path, account.pw_uid, account.pw_gid)


def content(ctl: str, endpoint: str, prefix: str, revision: int = 0) -> "tuple[str, int]":
    """Digest of the keys and values below a prefix, and how many keys there are in all."""
    at = ["--rev", str(revision)] if revision else []
    text = run([ctl, "get", prefix, "--prefix", *at], ETCDCTL_ENDPOINTS=endpoint)
    counted = run([ctl, "get", "", "--prefix", "--count-only", "-w", "fields", *at], ETCDCTL_ENDPOINTS=endpoint)
    (count,) = re.findall(r'^"Count" : (\d+)$', counted, re.MULTILINE)
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest(), int(count)


def serve(
    settings: "dict[str, Any]", folder: str, account: pwd.struct_passwd, port: int, peer: int
) -> "subprocess.Popen[bytes]":
    """Start the restored member on loopback; ``pair`` is what its certificate and key are called."""
    pki, pair = settings["pki"], settings.get("pair", "member")
    with Path(folder, "log").open("w") as log:
        return subprocess.Popen(
            [
                settings.get("etcd", f"{settings['bin']}/etcd"), "--name=scratch", f"--data-dir={folder}/data",
                "--log-level=error",
                f"--listen-client-urls=https://127.0.0.1:{port}", f"--advertise-client-urls=https://127.0.0.1:{port}",
                f"--listen-peer-urls=http://127.0.0.1:{peer}", f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
                f"--initial-cluster=scratch=http://127.0.0.1:{peer}", "--client-cert-auth",
                f"--trusted-ca-file={pki}/ca.crt", f"--cert-file={pki}/{pair}.crt", f"--key-file={pki}/{pair}.key",
            ],
            user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd=folder, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip


def wait_until_it_answers(
    ctl: str, endpoint: str, process: "subprocess.Popen[bytes]", folder: str, deadline_seconds: float
) -> None:
    """Wait for the scratch member."""
    deadline = time.monotonic() + deadline_seconds
    while True:
        done = subprocess.run(
            [ctl, "endpoint", "health", "--command-timeout=1s"],
            env={**os.environ, "ETCDCTL_ENDPOINTS": endpoint}, capture_output=True, text=True, timeout=10, check=False,
        )  # fmt: skip
        if done.returncode == 0:
            return
        if process.poll() is not None or time.monotonic() > deadline:
            log = Path(folder, "log").read_text()
            sys.exit(f"the restored member does not serve: {(log or done.stderr).strip()[-400:]}")
        time.sleep(0.1)


def drill(settings: "dict[str, Any]", folder: str) -> "dict[str, Any]":
    """Snapshot, restore, serve, compare."""
    ctl, account = settings["ctl"], pwd.getpwnam(settings["account"])
    began = time.monotonic()
    run([ctl, "snapshot", "save", f"{folder}/snapshot.db"], ETCDCTL_ENDPOINTS=settings["endpoint"])
    saved = time.monotonic()
    status = json.loads(
        run([f"{settings['bin']}/etcdutl", "snapshot", "status", f"{folder}/snapshot.db", "-w", "json"])
    )
    port, peer = free_port(), free_port()
    run(
        [
            f"{settings['bin']}/etcdutl", "snapshot", "restore", f"{folder}/snapshot.db", f"--data-dir={folder}/data",
            "--name=scratch", f"--initial-cluster=scratch=http://127.0.0.1:{peer}",
            f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        ]
    )  # fmt: skip
    own(folder, account)
    process = serve(settings, folder, account, port, peer)
    try:
        endpoint = f"https://127.0.0.1:{port}"
        wait_until_it_answers(ctl, endpoint, process, folder, settings["most_seconds"])
        serving = time.monotonic()
        restored, restored_keys = content(ctl, endpoint, settings["prefix"])
        live, live_keys = content(ctl, settings["endpoint"], settings["prefix"], status["revision"])
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)
    return {
        "snapshot_seconds": round(saved - began, 3), "restore_seconds": round(serving - saved, 3),
        "seconds": round(serving - began, 3), "snapshot_bytes": status["totalSize"], "revision": status["revision"],
        "restored": {"digest": restored, "keys": restored_keys}, "live": {"digest": live, "keys": live_keys},
    }  # fmt: skip


def main() -> None:
    """Entry point."""
    settings = json.loads(sys.argv[1])
    os.environ.update(settings.get("environment", {}))
    folder = tempfile.mkdtemp(prefix=".greenfield-drill-", dir=settings["place"])
    try:
        json.dump(drill(settings, folder), sys.stdout)
    finally:
        shutil.rmtree(folder)


main()
