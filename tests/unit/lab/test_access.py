"""known_hosts holds exactly the lab's hosts and whatever else was in it."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from lab_site import TWO, site

from greenfield.errors import LabError
from greenfield.lab.access import ensure_identity, pin, unpin
from greenfield.model.site import Access, Site


@pytest.fixture
def pinned(tmp_path: Path) -> Site:
    access = Access("ops", str(tmp_path / "access" / "known_hosts"), str(tmp_path / "access" / "id"))
    return replace(site(TWO), access=access)


def test_pins_names_and_addresses_and_keeps_other_lines(pinned: Site) -> None:
    path = Path(pinned.access.known_hosts)
    path.parent.mkdir()
    path.write_text("example.org ssh-ed25519 OTHER\n# a remark\na,10.77.1.11 ssh-ed25519 OLD\n")
    pin(pinned, {"a": "ssh-ed25519 KEYA a comment\n", "b": "ssh-ed25519 KEYB\n"})
    assert path.read_text().splitlines() == [
        "example.org ssh-ed25519 OTHER",
        "# a remark",
        "a,a.lab.internal,10.77.1.11 ssh-ed25519 KEYA",
        "b,b.lab.internal,10.77.9.3 ssh-ed25519 KEYB",
    ]
    unpin(pinned)
    assert path.read_text() == "example.org ssh-ed25519 OTHER\n# a remark\n"


def test_another_port_is_part_of_the_name(pinned: Site) -> None:
    moved = replace(pinned, access=replace(pinned.access, port=2222))
    pin(moved, {"a": "ssh-ed25519 KEYA"})
    line = Path(pinned.access.known_hosts).read_text()
    assert line == "[a]:2222,[a.lab.internal]:2222,[10.77.1.11]:2222 ssh-ed25519 KEYA\n"


def test_the_identity_is_made_once(pinned: Site) -> None:
    first = ensure_identity(pinned)
    assert first.private_key.stat().st_mode & 0o777 == 0o600
    assert first.public_key.startswith("ssh-ed25519 ")
    assert ensure_identity(pinned) == first


def test_a_site_without_identity_is_refused(pinned: Site) -> None:
    with pytest.raises(LabError, match=r"no access\.identityFile(?s:.*)add identityFile"):
        ensure_identity(replace(pinned, access=replace(pinned.access, identity_file="")))


def test_what_root_writes_belongs_to_the_owner_of_the_place(pinned: Site, tmp_path: Path) -> None:
    owner = (4711, 4712) if os.geteuid() == 0 else (os.getuid(), os.getgid())
    os.chown(tmp_path, *owner)
    ensure_identity(pinned)
    pin(pinned, {"a": "ssh-ed25519 KEYA"})
    written = [*(tmp_path / "access").iterdir(), tmp_path / "access"]
    assert {path.name for path in written} == {"access", "id", "id.pub", "known_hosts"}
    assert {(path.stat().st_uid, path.stat().st_gid) for path in written} == {owner}
