"""The toolchain: keys, atomicity, locking, errors and the choice of an installed Pulumi, with stand-ins for Go."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from greenfield import content
from greenfield.artifacts import go_build, toolchain

Script = Callable[[str, str], Path]

GO = """#!/bin/sh
[ "$1" = version ] && { echo "go version ${GO_PRETENDS:-go1.26.0} linux/amd64"; exit; }
echo "$@" >> "$GO_LOG"
[ "$1" = mod ] && exit
[ "$1" = list ] && { echo "$GO_MODULE"; exit; }
while [ "$1" != -o ]; do
    [ "$1" = -overlay ] && { cat "$2"; echo; } >> "$GO_LOG"
    shift
done
sleep "${GO_SLEEPS:-0}"
echo "go: downloading example.com/x v1"
[ -n "$GO_FAILS" ] && { echo "x.go:1: undefined: y"; exit 1; }
folder=$2; shift 2
for package; do
    case "${package##*/}" in v[0-9]*) package=${package%/*};; esac
    echo built > "$folder${package##*/}"
done
"""


@pytest.fixture
def bin_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of PATH besides the system's, empty."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    monkeypatch.setenv("GREENFIELD_CACHE_DIR", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def script(bin_dir: Path) -> Script:
    """Writes an executable into the folder on PATH."""

    def write(name: str, text: str) -> Path:
        path = bin_dir / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    return write


@pytest.fixture
def go_log(script: Script, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for Go that records its calls."""
    module = tmp_path / "module"
    for copy in toolchain.recipe("pulumi-language-python").copies:
        (module / copy).parent.mkdir(parents=True, exist_ok=True)
        (module / copy).write_text("#!/bin/sh\n")
        (module / copy).chmod(0o444)
    log = tmp_path / "go.log"
    monkeypatch.setenv("GO_LOG", str(log))
    monkeypatch.setenv("GO_MODULE", str(module))
    script("go", GO)
    return log


def test_every_folder_of_tools_has_a_recipe_whose_packages_its_tools_go_imports() -> None:
    assert toolchain.names() == sorted(path.name for path in content.tools().iterdir() if path.is_dir())
    for name in toolchain.names():
        recipe, folder = toolchain.recipe(name), content.tools() / name
        if (folder / "main.go").exists():
            assert list(recipe.binaries.values()) == [(folder / "go.mod").read_text().splitlines()[0].split()[1]]
            assert "package main" in (folder / "main.go").read_text()
            continue
        imported = set(re.findall(r'_ "(\S+)"', (folder / "tools.go").read_text()))
        assert set(recipe.binaries.values()) == imported


def test_the_version_is_the_one_that_go_mod_pins_and_reaches_the_flags() -> None:
    pulumi = toolchain.recipe("pulumi")
    assert re.fullmatch(r"v3\.\d+\.\d+", pulumi.version)
    assert pulumi.ldflags.endswith(f"version.Version={pulumi.version}")


def test_the_key_changes_with_the_compiler_and_with_each_pinning_file(tmp_path: Path) -> None:
    files = ("go.mod", "go.sum", "build.json")
    for file in files:
        (tmp_path / file).write_text("a")
    tool = toolchain.Recipe("t", tmp_path, "m", "v1", {}, "", ())
    keys = [tool.key("go1.26"), tool.key("go1.27")]
    for file in files:
        (tmp_path / file).write_text("b")
        keys.append(tool.key("go1.26"))
    assert len(set(keys)) == len(keys)


def test_a_program_of_our_own_is_keyed_by_its_source_too(tmp_path: Path) -> None:
    for file in ("go.mod", "go.sum", "build.json"):
        (tmp_path / file).write_text("a")
    tool = toolchain.Recipe("t", tmp_path, "", "v1", {}, "", ())
    keys = {tool.key("go1.26")}
    for text in ("package main", "package  main"):
        (tmp_path / "main.go").write_text(text)
        keys.add(tool.key("go1.26"))
    assert len(keys) == 3


def test_parts_in_c_are_built_with_gcc_and_keyed_by_its_version(
    go_log: Path, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script("gcc", "#!/bin/sh\necho gcc ${GCC_PRETENDS:-12}\n")
    first = toolchain.build("flannel")
    assert "-tags netgo,osusergo" in go_log.read_text()
    monkeypatch.setenv("GCC_PRETENDS", "13")
    assert toolchain.build("flannel") != first


def test_what_main_go_embeds_is_read_in_the_module_and_copied_nowhere(go_log: Path) -> None:
    place, folder = toolchain.build("pulumi-kubernetes"), content.tools() / "pulumi-kubernetes"
    assert [path.name for path in place.iterdir()] == ["pulumi-resource-kubernetes"]
    laid_over = json.loads(next(line for line in go_log.read_text().splitlines() if line.startswith("{")))["Replace"]
    module = go_log.parent / "module" / "cmd" / "pulumi-resource-kubernetes"
    embedded = re.findall(r"//go:embed (\S+)", (folder / "main.go").read_text())
    assert laid_over == {str((folder / name).resolve()): str(module / name) for name in embedded}
    assert not [name for name in embedded if (folder / name).exists()]


def test_the_kubernetes_plugin_is_of_the_release_of_its_python_package() -> None:
    """Pulumi complains of a plugin that is older than the package."""
    locked = re.search(r"^pulumi-kubernetes==(\S+)", (content.tools().parent / "requirements.lock").read_text(), re.M)
    assert locked
    assert toolchain.recipe("pulumi-kubernetes").ldflags.endswith(f"/version.Version={locked[1]}")


def test_a_build_makes_every_binary_and_copy_once(go_log: Path) -> None:
    place = toolchain.build("pulumi-language-python")
    assert sorted(path.name for path in place.iterdir()) == [
        "pulumi-analyzer-policy-python",
        "pulumi-language-python",
        "pulumi-language-python-exec",
        "pulumi-resource-pulumi-python",
    ]
    assert all(os.access(path, os.X_OK) for path in place.iterdir() if path.name != "pulumi-language-python")
    calls = go_log.read_text()
    assert toolchain.build("pulumi-language-python") == place
    assert go_log.read_text() == calls
    assert [path.name for path in place.parents[1].iterdir() if "lock" not in path.name] == [place.parent.name]


def test_another_compiler_builds_anew(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = toolchain.build("etcd")
    monkeypatch.setenv("GO_PRETENDS", "go1.27.0")
    assert toolchain.build("etcd") != first


def test_builders_at_the_same_time_build_once(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_SLEEPS", "0.3")
    places: list[Path] = []
    threads = [threading.Thread(target=lambda: places.append(toolchain.build("pulumi"))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(places) == 3
    assert len(set(places)) == 1
    assert len(go_log.read_text().splitlines()) == 1


def test_a_failed_build_says_what_go_said_and_leaves_nothing(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_FAILS", "1")
    with pytest.raises(toolchain.ToolchainError, match=r"etcd v3\.\S+: .*(?s:.*)x\.go:1: undefined: y"):
        toolchain.build("etcd")
    assert [path.name for path in toolchain.cache_dir().iterdir()] == [".etcd.lock"]
    monkeypatch.delenv("GO_FAILS")
    assert (toolchain.build("etcd") / "etcdctl").read_text() == "built\n"


def test_progress_names_the_tool_its_version_and_the_time(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_SLEEPS", "0.5")
    monkeypatch.setattr(go_build, "PROGRESS_SECONDS", 0.1)
    lines: list[str] = []
    toolchain.build("pulumi", progress=lines.append)
    assert len(lines) > 2
    assert all(re.match(r"building pulumi v3\.\d+\.\d+: \d+ s, ", line) for line in lines)


def test_a_build_that_does_not_end_is_ended(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_SLEEPS", "60")
    monkeypatch.setattr(go_build, "PROGRESS_SECONDS", 0.1)
    monkeypatch.setattr(go_build, "BUILD_DEADLINE_SECONDS", 0.2)
    with pytest.raises(toolchain.ToolchainError, match="not done after"):
        toolchain.build("pulumi")


def test_without_go_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(toolchain.ToolchainError, match="Go is not on PATH") as caught:
        toolchain.build("etcd")
    assert "https://go.dev" in caught.value.fix


def test_tools_on_demand_are_built_only_by_name(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "names", lambda: ["etcd", "kwok"])
    monkeypatch.setattr(sys, "argv", ["toolchain", "build"])
    assert toolchain._main() == 0
    assert [path.name.rpartition("-")[0] for path in toolchain.cache_dir().glob("[!.]*")] == ["etcd"]
    monkeypatch.setattr(sys, "argv", ["toolchain", "build", "kwok"])
    assert toolchain._main() == 0
    assert "sigs.k8s.io/kwok/cmd/kwok" in go_log.read_text()


def test_several_are_built_two_at_a_time(go_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GO_SLEEPS", "1.5")
    began = time.monotonic()
    places = toolchain._build_all(["pause", "etcd", "helm", "registry"], lambda line: None)
    assert time.monotonic() - began < 4 * 1.5
    assert [[file.name for file in sorted(place.iterdir())] for place in places] == [
        ["pause"], ["etcd", "etcdctl", "etcdutl"], ["helm"], ["registry"]
    ]  # fmt: skip


def test_one_that_fails_ends_the_other(go_log: Path, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toolchain, "given_up", ended := threading.Event())
    monkeypatch.setattr(go_build, "given_up", ended)
    monkeypatch.setattr(go_build, "PROGRESS_SECONDS", 0.1)
    script("go", GO.replace('sleep "', 'case $PWD in */pulumi) sleep 60;; */etcd) exit 3;; esac; sleep "'))
    began = time.monotonic()
    with pytest.raises(toolchain.ToolchainError, match="failed with code 3"):
        toolchain._build_all(["pulumi", "etcd", "registry"], lambda line: None)
    assert time.monotonic() - began < 20
    assert not [path for path in toolchain.cache_dir().iterdir() if not path.name.endswith(".lock")]


def test_an_unknown_tool_names_the_known_ones() -> None:
    with pytest.raises(toolchain.ToolchainError) as caught:
        toolchain.build("ectd")
    assert "etcd" in caught.value.fix


@pytest.mark.parametrize(
    ("version", "host", "taken"),
    [("v3.258.0", True, True), ("3.200.1", True, True), ("v3.199.0", True, False), ("v4.0.0", True, True),
     ("v3.258.0", False, False), ("what?", True, False)],
)  # fmt: skip
def test_an_installed_pulumi_is_taken_when_recent_with_its_language_host(
    version: str, host: bool, taken: bool, *, script: Script, bin_dir: Path, go_log: Path
) -> None:
    script("pulumi", f"#!/bin/sh\necho {version}\n")
    if host:
        script("pulumi-language-python", "#!/bin/sh\n")
    folders = toolchain.path_prefix().split(os.pathsep)
    if taken:
        assert folders == [str(bin_dir)]
        assert not go_log.exists()
    else:
        assert len(folders) == 1
        built = [toolchain.build(name) for name in toolchain.PULUMI]
        assert {file.name for folder in built for file in folder.iterdir()} == {
            f.name for f in Path(folders[0]).iterdir()
        }


def test_it_runs_as_a_script_without_the_packages_of_the_environment() -> None:
    path = Path(toolchain.__file__)
    ran = subprocess.run(
        [sys.executable, "-I", "-S", path, "build", "--help"],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "COLUMNS": "400"},
    )
    assert ran.returncode == 0, ran.stderr
    assert "pulumi, pulumi-kubernetes, pulumi-language-python" in ran.stdout
