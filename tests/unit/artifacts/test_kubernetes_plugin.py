"""Which Kubernetes plugin is used: an installed one before one is built."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from greenfield.artifacts import kubernetes_plugin
from greenfield.artifacts.kubernetes_plugin import PROGRAM
from greenfield.artifacts.recipe import ToolchainError

VERSION = "4.25.0"
BUILT = Path("/built")

Built = list[str]


@pytest.fixture
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Built:
    """Builds that were asked for; nothing is installed anywhere."""
    asked: Built = []

    def build(name: str, *, progress: Callable[[str], None] | None = None) -> Path:
        asked.append(name)
        return BUILT

    monkeypatch.setattr(kubernetes_plugin, "build", build)
    monkeypatch.setattr(kubernetes_plugin.metadata, "version", lambda name: VERSION)
    monkeypatch.setenv("HOME", str(tmp_path / "user"))
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'first'}:{tmp_path / 'bin'}")
    return asked


def _install(folder: Path, text: str = "#!/bin/sh\n") -> Path:
    folder.mkdir(parents=True)
    (folder / PROGRAM).write_text(text)
    (folder / PROGRAM).chmod(0o755)
    return folder


def test_it_is_built_where_none_is_installed(built: Built) -> None:
    assert kubernetes_plugin.folder() == BUILT
    assert built == ["pulumi-kubernetes"]


def test_one_on_path_goes_first(built: Built, tmp_path: Path) -> None:
    _install(tmp_path / "home" / "plugins" / f"resource-kubernetes-v{VERSION}")
    on_path = _install(tmp_path / "bin")
    assert (kubernetes_plugin.folder(), built) == (on_path, [])


def test_the_script_of_an_earlier_version_is_none(built: Built, tmp_path: Path) -> None:
    _install(tmp_path / "first", "#!/x/python\nfrom greenfield.kubernetes_provider.main import main\n")
    assert kubernetes_plugin.folder() == BUILT
    on_path = _install(tmp_path / "bin")
    assert kubernetes_plugin.folder() == on_path


def test_of_installed_ones_that_of_the_packages_version_goes_first_and_older_ones_are_left(
    built: Built, tmp_path: Path
) -> None:
    theirs, own = tmp_path / "user" / ".pulumi" / "plugins", tmp_path / "home" / "plugins"
    _install(own / "resource-kubernetes-v3.30.0")
    _install(own / "resource-kubernetes-v4.9.1")
    _install(own / "resource-kubernetes-v5.0.0")
    assert kubernetes_plugin.folder() == BUILT
    _install(own / "resource-kubernetes-v4.26.1")
    newest = _install(own / "resource-kubernetes-v4.34.2")
    assert kubernetes_plugin.folder() == newest
    exact = _install(theirs / f"resource-kubernetes-v{VERSION}")
    assert kubernetes_plugin.folder() == exact
    assert built == ["pulumi-kubernetes"]


def test_where_it_can_not_be_built_the_error_says_how_it_is_carried_in(
    built: Built, monkeypatch: pytest.MonkeyPatch
) -> None:
    def build(name: str, *, progress: Callable[[str], None] | None = None) -> Path:
        raise ToolchainError("no modules", fix="set GOPROXY")

    monkeypatch.setattr(kubernetes_plugin, "build", build)
    with pytest.raises(ToolchainError) as caught:
        kubernetes_plugin.folder()
    assert caught.value.fix.startswith("set GOPROXY; or carry the plugin in: greenfield mirror add plugin/kubernetes-4")
