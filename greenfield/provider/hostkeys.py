"""Host keys: what hosts show now, beside what was pinned at enrolment."""

from __future__ import annotations

import asyncio
import socket
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from greenfield.errors import ProviderError

ANSWER_SECONDS = 10
KEY_TYPE = "ed25519"


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one host: it is ``silent``, ``unknown`` (no pinned key) or shows a ``changed`` key."""

    kind: Literal["silent", "unknown", "changed"]
    text: str


async def scan(hosts: Mapping[str, str], port: int) -> dict[str, str]:
    """The key that each host shows, by address, as ``type base64``; a host that does not answer is missing.

    Raises:
        ProviderError: ssh-keyscan is not installed.
    """
    with tempfile.NamedTemporaryFile("w", prefix="greenfield-scan-") as file:
        file.write("\n".join(hosts.values()) + "\n")
        file.flush()
        try:
            process = await asyncio.create_subprocess_exec(
                *("ssh-keyscan", "-T", str(ANSWER_SECONDS), "-t", KEY_TYPE, "-p", str(port), "-f", file.name),
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
        except FileNotFoundError:
            raise ProviderError("ssh-keyscan is not installed", fix="apt-get install openssh-client") from None
        output, _ = await process.communicate()
    return dict(_entries(output.decode()))


def pinned(known_hosts: Path) -> dict[str, set[str]]:
    """Pinned keys by address or name; a missing file pins nothing."""
    keys: dict[str, set[str]] = {}
    text = known_hosts.read_text() if known_hosts.exists() else ""
    for names, key in _entries(text):
        for name in names.split(","):
            keys.setdefault(name, set()).add(key)
    return keys


def pattern(address: str, port: int) -> str:
    """How known_hosts writes an address (sshd(8), "SSH_KNOWN_HOSTS FILE FORMAT")."""
    return address if port == 22 else f"[{address}]:{port}"


async def compare(hosts: Mapping[str, str], port: int, known_hosts: Path) -> dict[str, Finding]:
    """What is wrong, by host name; nothing wrong is an empty answer."""
    shown, known = await scan(hosts, port), pinned(known_hosts)
    findings: dict[str, Finding] = {}
    silent: list[str] = []
    for name, address in hosts.items():
        key, expected = shown.get(pattern(address, port)), known.get(pattern(address, port), set())
        if key is None:
            silent.append(name)
        elif not expected:
            findings[name] = Finding("unknown", f"({address}) has no pinned host key in {known_hosts}")
        elif key not in expected:
            findings[name] = Finding(
                "changed", f"({address}) shows another host key than the one pinned in {known_hosts}"
            )
    reasons = await asyncio.gather(*(asyncio.to_thread(_reason, hosts[name], port) for name in silent))
    for name, reason in zip(silent, reasons, strict=True):
        findings[name] = Finding("silent", f"did not answer on port {port} within {ANSWER_SECONDS} s ({reason})")
    return findings


def _reason(address: str, port: int) -> str:
    try:
        with socket.create_connection((address, port), timeout=3) as connection:
            connection.settimeout(3)
            return (
                "it accepts connections but no SSH server answers" if not connection.recv(4) else "no usable host key"
            )
    except TimeoutError:
        return "timed out"
    except OSError as error:
        return (error.strerror or str(error)).lower()


def _entries(text: str) -> list[tuple[str, str]]:
    entries = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 3 and not line.startswith(("#", "@")):
            entries.append((fields[0], f"{fields[1]} {fields[2]}"))
    return entries


def write(known_hosts: Path, keys: Mapping[str, set[str]]) -> None:
    """Write pinned keys, sorted so that a review sees only what changed; whole or not at all."""
    lines = [f"{name} {key}" for name in sorted(keys) for key in sorted(keys[name])]
    known_hosts.parent.mkdir(parents=True, exist_ok=True)
    draft = known_hosts.with_name(f".{known_hosts.name}.new")
    draft.write_text("\n".join(lines) + "\n")
    draft.replace(known_hosts)
