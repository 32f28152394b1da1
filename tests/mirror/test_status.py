"""``greenfield mirror status``: what is locked, and whether the mirror holds it."""

from __future__ import annotations

from mirrored import Site

from greenfield.artifacts import load_lock

PROVES = ("mirror/status",)
ORDER = 30


def test_status_shows_every_part_and_the_key(site: Site) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    shown = site.greenfield("mirror", "status", str(site.spec))
    assert shown.returncode == 0, shown.stderr
    rows = {line.split()[0]: line.split()[1:3] for line in shown.stdout.splitlines()}
    for name, artifact in lock.artifacts.items():
        assert rows[name] == [str(len(artifact.packages)), str(len(artifact.files))]
    assert lock.fingerprint in shown.stdout
    assert "all as locked" in shown.stdout


def test_status_of_a_damaged_mirror_names_the_file(site: Site) -> None:
    lock = load_lock(site.spec)
    assert lock is not None
    victim = site.folder / lock.files[0].file
    whole = victim.read_bytes()
    victim.unlink()
    try:
        shown = site.greenfield("mirror", "status", str(site.spec))
    finally:
        victim.write_bytes(whole)
        victim.chmod(0o644)
    assert shown.returncode == 1
    assert f"{victim} is missing" in shown.stderr
