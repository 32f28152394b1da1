"""Pinned host keys, and what hosts show."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from greenfield.provider import hostkeys

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIexample"
OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIanother"


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of this machine that nobody listens on, held so that nobody else takes it."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


def _shown(monkeypatch: pytest.MonkeyPatch, keys: dict[str, str]) -> None:
    async def scan(hosts: object, port: int) -> dict[str, str]:
        return keys

    monkeypatch.setattr(hostkeys, "scan", scan)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "known_hosts"
    keys = {"10.0.0.2": {KEY}, "10.0.0.1": {OTHER, KEY}}
    hostkeys.write(file, keys)
    assert hostkeys.pinned(file) == keys
    lines = file.read_text().splitlines()
    assert lines == sorted(lines)
    assert [path.name for path in file.parent.iterdir()] == ["known_hosts"]


def test_lines_of_known_hosts_are_understood(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    file.write_text(
        f"# pinned\n\nr1-h1,10.0.0.1 {KEY} a comment\n@revoked 10.0.0.9 {OTHER}\n[10.0.0.2]:2222 {OTHER}\nbroken line\n"
    )
    assert hostkeys.pinned(file) == {"r1-h1": {KEY}, "10.0.0.1": {KEY}, "[10.0.0.2]:2222": {OTHER}}


def test_a_missing_file_pins_nothing(tmp_path: Path) -> None:
    assert hostkeys.pinned(tmp_path / "none") == {}


@pytest.mark.parametrize(("port", "pattern"), [(22, "10.0.0.1"), (2222, "[10.0.0.1]:2222")])
def test_an_address_is_written_as_ssh_does(port: int, pattern: str) -> None:
    assert hostkeys.pattern("10.0.0.1", port) == pattern


def test_findings_tell_unknown_from_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "known_hosts"
    hostkeys.write(file, {"10.0.0.1": {KEY}, "10.0.0.2": {OTHER}})
    _shown(monkeypatch, {"10.0.0.1": KEY, "10.0.0.2": KEY, "10.0.0.3": KEY})
    hosts = {"h1": "10.0.0.1", "h2": "10.0.0.2", "h3": "10.0.0.3"}
    findings = asyncio.run(hostkeys.compare(hosts, 22, file))
    assert {name: finding.kind for name, finding in findings.items()} == {"h2": "changed", "h3": "unknown"}
    assert "10.0.0.2" in findings["h2"].text


def test_a_silent_host_is_told_with_the_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, closed_port: int
) -> None:
    _shown(monkeypatch, {})
    findings = asyncio.run(hostkeys.compare({"h1": "127.0.0.1"}, closed_port, tmp_path / "none"))
    assert findings["h1"].kind == "silent"
    assert f"did not answer on port {closed_port}" in findings["h1"].text
    assert "refused" in findings["h1"].text


def test_a_scan_of_a_closed_port_finds_no_key(closed_port: int) -> None:
    assert asyncio.run(hostkeys.scan({"h1": "127.0.0.1"}, closed_port)) == {}


def test_a_missing_tool_is_told_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from greenfield.errors import ProviderError

    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(ProviderError) as caught:
        asyncio.run(hostkeys.scan({"h1": "127.0.0.1"}, 22))
    assert "openssh-client" in caught.value.fix
