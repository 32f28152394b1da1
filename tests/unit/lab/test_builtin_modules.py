"""The list of built-in modules says what the kernel says of itself, and nothing else."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from greenfield.lab import modules


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kernel without anything."""
    monkeypatch.setattr(modules, "CONFIG", tmp_path / "config.gz")
    monkeypatch.setattr(modules, "LOADED", tmp_path / "module")
    monkeypatch.setattr(modules, "FILE_SYSTEMS", tmp_path / "filesystems")
    (tmp_path / "filesystems").write_text("")
    return tmp_path


def test_a_kernel_that_says_nothing_has_nothing(kernel: Path) -> None:
    assert modules.present() == []
    assert modules.builtin_text() == ""


def test_an_option_counts_only_when_it_is_built_in(kernel: Path) -> None:
    text = "CONFIG_BRIDGE_NETFILTER=y\nCONFIG_VXLAN=m\n# CONFIG_IP_VS is not set\n"
    (kernel / "config.gz").write_bytes(gzip.compress(text.encode()))
    assert modules.present() == ["br_netfilter"]


def test_what_is_loaded_or_a_known_file_system_counts(kernel: Path) -> None:
    (kernel / "module" / "vxlan").mkdir(parents=True)
    (kernel / "filesystems").write_text("nodev\toverlay\n\txfs\nnodev\tproc\n")
    assert modules.present() == ["overlay", "vxlan", "xfs"]
    assert modules.builtin_text() == "kernel/overlay.ko\nkernel/vxlan.ko\nkernel/xfs.ko\n"
