"""An official plugin that is carried in is used before one is built."""

from __future__ import annotations

import hashlib
import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from greenfield.artifacts import kubernetes_plugin
from greenfield.artifacts.pulumi_plugin import install
from greenfield.errors import ArtifactError

PROGRAM = b"#!/bin/sh\necho official\n"


def _archive(folder: Path, name: str = "pulumi-resource-kubernetes") -> tuple[Path, str]:
    path = folder / "plugin.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for member, content in (("README.md", b"read me"), (name, PROGRAM)):
            info = tarfile.TarInfo(member)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def test_what_is_carried_in_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    archive, digest = _archive(tmp_path)
    for _again in range(2):
        program = install("kubernetes-4.34.2", archive, digest.upper())
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"official\n"
    assert kubernetes_plugin.folder() == program.parent
    assert [path.name for path in program.parent.iterdir()] == [program.name], "nothing else of the archive"
    assert [path.name for path in program.parent.parent.iterdir()] == ["resource-kubernetes-v4.34.2"]


def test_the_program_itself_can_be_carried_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a workstation that reaches module proxies has built."""
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    built = tmp_path / "built"
    built.write_bytes(Path("/bin/true").read_bytes())
    program = install("kubernetes-4.25.0", built, hashlib.sha256(built.read_bytes()).hexdigest())
    assert (program.parent.name, program.name) == ("resource-kubernetes-v4.25.0", "pulumi-resource-kubernetes")
    assert subprocess.run([program], check=True).returncode == 0


@pytest.mark.parametrize(
    ("name", "program", "digest", "words"),
    [
        ("kubernetes", "pulumi-resource-kubernetes", "", "no plugin and version"),
        ("../x-1.0.0", "pulumi-resource-kubernetes", "", "no plugin and version"),
        ("kubernetes-4.34.2", "pulumi-resource-kubernetes", "0" * 64, "you said 000"),
        ("kubernetes-4.34.2", "something-else", "", "holds no pulumi-resource-kubernetes"),
    ],
)
def test_what_is_none_is_refused_and_nothing_installed(
    name: str, program: str, digest: str, words: str, *, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    archive, own = _archive(tmp_path, program)
    with pytest.raises(ArtifactError, match=words):
        install(name, archive, digest or own)
    assert not list((tmp_path / "home").rglob("pulumi-resource-*"))
