"""The wheel, built and installed where nothing of the checkout can be seen."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

REPO = Path(__file__).resolve().parents[2]
PROGRAM = REPO / "greenfield" / "cli" / "initial" / "__main__.py.j2"
"""The ten lines, as ``greenfield init`` writes them."""


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with Greenfield from its wheel. ``state`` is where its runs keep their state."""

    python: Path
    state: Path

    def environment(self, **more: str) -> dict[str, str]:
        """What a user's shell has with the environment active and Pulumi on PATH."""
        from greenfield.artifacts.toolchain import path_prefix

        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PULUMI_", "PYTHON"))}
        backend = self.state / "pulumi"
        backend.mkdir(parents=True, exist_ok=True)
        return {
            **kept,
            "PATH": os.pathsep.join([str(self.python.parent), path_prefix(), "/usr/sbin:/usr/bin:/sbin:/bin"]),
            "XDG_STATE_HOME": str(self.state),
            "PULUMI_BACKEND_URL": backend.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of the wheel's test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            **more,
        }

    def run(self, *command: str, folder: Path, timeout: float = 300, **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a folder; standard output and error in one text."""
        return subprocess.run(
            command,
            cwd=folder,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )


def build(folder: Path) -> Path:
    """Build the wheel of the checkout into a folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    result = subprocess.run(command, cwd=REPO, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


def install(wheel: Path, folder: Path) -> Installed:
    """Install a wheel into an environment that sees this one's dependencies, but not its editable Greenfield.

    A ``.pth`` file that only adds a folder does not run the ``.pth`` files in that folder, the editable one among them.
    """
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    _run(
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(python),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        str(wheel),
    )
    own = Path(_run(str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip())
    (own / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    for tool in ("ansible", "ansible-playbook"):
        (python.parent / tool).symlink_to(Path(sys.executable).parent / tool)
    return Installed(python, folder / "state")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    return build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Greenfield from the wheel."""
    return install(wheel, tmp_path_factory.mktemp("installed"))


def write_program(folder: Path, project: str) -> None:
    """The ten lines and their Pulumi.yaml, beside a spec."""
    (folder / "__main__.py").write_text(PROGRAM.read_text())
    (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")


def names(wheel: Path) -> set[str]:
    """Every path in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def _run(*command: str) -> str:
    result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
