"""Runs on a node: asks something from inside a pod's network, or listens there. One setting, in JSON; prints JSON."""

from __future__ import annotations

import ctypes
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

CLONE_NEWNET = 0x40000000


def enter(address: str) -> None:
    """Go into the network namespace that has the address.

    Raises:
        SystemExit: no pod of this node has it.
    """
    for place in Path("/run/netns").iterdir():
        shown = subprocess.run(
            ["ip", "-n", place.name, "-4", "-o", "addr"], capture_output=True, text=True, check=False
        )
        if f" {address}/" in shown.stdout:
            with place.open() as namespace:
                if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
                    raise SystemExit(f"setns: {os.strerror(ctypes.get_errno())}")
            return
    raise SystemExit(f"no pod on this node has the address {address}")


def connect(target: str, port: int, seconds: float) -> dict[str, Any]:
    """Whether a TCP connection comes about and what is said there."""
    began = time.monotonic()
    try:
        with socket.create_connection((target, port), seconds) as stream:
            stream.settimeout(seconds)
            said = stream.recv(200).decode(errors="replace")
    except OSError as error:
        return {"open": False, "error": str(error), "seconds": round(time.monotonic() - began, 3)}
    return {"open": True, "said": said, "seconds": round(time.monotonic() - began, 3)}


def after_name(message: bytes, position: int) -> int:
    """Where a name in a DNS message ends: in an empty part, or in a pointer (RFC 1035, 4.1.4)."""
    while (size := message[position]) and size < 0xC0:
        position += 1 + size
    return position + (2 if size else 1)


def resolve(server: str, name: str, seconds: float) -> dict[str, Any]:
    """The IPv4 addresses of a name, asked of a DNS server."""
    number = int.from_bytes(os.urandom(2), "big")
    query = struct.pack(">HHHHHH", number, 0x0100, 1, 0, 0, 0)
    query += b"".join(bytes([len(part)]) + part.encode() for part in name.strip(".").split(".")) + b"\0\0\1\0\1"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.settimeout(seconds)
        try:
            asker.sendto(query, (server, 53))
            answer = asker.recv(4096)
        except OSError as error:
            return {"addresses": [], "error": str(error)}
    code, count, position = answer[3] & 15, struct.unpack(">H", answer[6:8])[0], len(query)
    found = []
    for _ in range(count):
        position = after_name(answer, position)
        kind, _, _, size = struct.unpack(">HHIH", answer[position : position + 10])
        position += 10
        if kind == 1:
            found.append(socket.inet_ntoa(answer[position : position + 4]))
        position += size
    return {"addresses": found, "code": code}


def listen(port: int, words: str, seconds: float, end: str = "") -> dict[str, Any]:
    """Say words to whoever connects, for so many seconds or until the file ``end`` is there; how many did connect."""
    seen = 0
    with socket.create_server(("", port)) as server:
        deadline = time.monotonic() + seconds
        server.settimeout(0.3)
        while time.monotonic() < deadline:
            if end and Path(end).exists():
                Path(end).unlink()
                break
            try:
                stream, _ = server.accept()
            except TimeoutError:
                continue
            with stream:
                stream.sendall(words.encode())
            seen += 1
    return {"served": seen}


def meet(port: int, words: str, targets: list[str], seconds: float) -> dict[str, Any]:
    """Serve for so many seconds and meanwhile connect to others who do so too: what each said, and who was silent."""
    serving = threading.Thread(target=listen, args=(port, words, seconds), daemon=True)
    serving.start()
    heard: dict[str, str] = {}
    deadline = time.monotonic() + seconds
    while len(heard) < len(targets) and time.monotonic() < deadline:
        for target in targets:
            if target not in heard and (found := connect(target, port, 1.0))["open"]:
                heard[target] = found["said"]
        time.sleep(0.1)
    serving.join()
    return {"heard": heard, "silent": [target for target in targets if target not in heard]}


def main() -> None:
    """Entry point."""
    settings = json.loads(sys.argv[1])
    enter(settings["pod"])
    seconds = float(settings.get("seconds", 5.0))
    if settings["do"] == "meet":
        result = meet(settings["port"], settings["words"], settings["targets"], seconds)
    elif settings["do"] == "listen":
        result = listen(settings["port"], settings["words"], seconds, f"/run/greenfield-verify-{settings['pod']}")
    elif settings["do"] == "resolve":
        result = resolve(settings["server"], settings["name"], seconds)
    else:
        result = connect(settings["target"], settings["port"], seconds)
    json.dump(result, sys.stdout)


if __name__ == "__main__":
    main()
