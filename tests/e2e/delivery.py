"""A user's seat: a spec folder, the command line, and the lab under it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from example import write_example
from original import LOCK, Original
from patience import patience

from greenfield.lab.lab import Lab
from greenfield.provider.x509 import Pair, issue
from greenfield.spec import load

BIN = Path(sys.executable).parent

Figure = Callable[[str, object], None]
"""pytest's ``record_property``: what a reader wants to know, in snake case with its unit."""


@dataclass(frozen=True, slots=True)
class Run:
    """What came of a command: its exit code, standard output and error in one text, and how long it took."""

    returncode: int
    stdout: str
    seconds: float


class Delivery:
    """One site of its own, with its state apart from the user's."""

    def __init__(
        self, folder: Path, example: str, site: str, network: int, prepare: Callable[[Delivery], None] | None = None
    ) -> None:
        """Take the spec in a folder, or write it there: the example under another name, changed by ``prepare``."""
        self.folder = folder
        self.spec = folder / "spec"
        self.cluster_file = self.spec / "cluster.yaml"
        self.original = Original(self.spec, folder / "original")
        if not self.spec.exists():
            write_example(self.spec, site, network, example)
            if prepare:
                prepare(self)
        self.site = load([self.spec]).sites[site]
        self.lab = Lab(self.site)
        self.mirror = folder / "mirror"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "XDG_STATE_HOME": str(folder / "state"),
            "GREENFIELD_MIRROR_DIR": str(self.mirror),
        }

    def greenfield(self, *arguments: str, environment: Mapping[str, str] | None = None, seconds: float = 600) -> Run:
        """Run the command line to its end."""
        began = time.monotonic()
        done = subprocess.run(
            [str(BIN / "greenfield"), *arguments],
            env={**self.environment, **(environment or {})},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=patience(seconds),
            check=False,
        )
        return Run(done.returncode, done.stdout, time.monotonic() - began)

    def run(self, host: str, command: str | Sequence[str], *, seconds: float = 60) -> subprocess.CompletedProcess[str]:
        """Run something as root inside a host, not over the network."""
        return self.lab.run(host, command, timeout_seconds=patience(seconds))

    def up(self, *arguments: str, environment: Mapping[str, str] | None = None, preview: bool = False) -> Run:
        """``greenfield up`` on the spec; without its preview unless asked for, as that is most of a small change."""
        how = "--yes" if preview else "--skip-preview"
        result = self.greenfield("up", str(self.spec), how, *arguments, environment=environment)
        if result.returncode == 0:
            self._note(self.original.digest())
        return result

    def start_up(self, name: str) -> tuple[subprocess.Popen[bytes], Path]:
        """``greenfield up``, left running in a session of its own, and the log ``name`` that its output goes to.

        It heeds an interrupt, also when these tests run as a background job, which a shell starts without that.
        """
        log = self.folder / f"{name}.log"
        self._note("a run that was not waited for")
        process = subprocess.Popen(
            ["env", "--default-signal=INT,TERM", str(BIN / "greenfield"), "up", str(self.spec), "--skip-preview"],
            env=self.environment,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=log.open("wb"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        return process, log

    def sync(self) -> None:
        """Have the mirror hold what the spec asks for."""
        synced = self.greenfield("mirror", "sync", str(self.spec), seconds=1800)
        assert synced.returncode == 0, synced.stdout[-6000:]

    def restore_spec(self) -> None:
        """The spec as it was, and the mirror that it asks for."""
        if LOCK in self.original.restore():
            self.sync()

    def have_delivered(self) -> None:
        """Deliver the spec, unless that was done on these hosts and nothing came after it."""
        if self._noted() != self.original.digest():
            self.lab.clear()
            self._up_again()

    def settle(self, *, doubt: bool) -> None:
        """Leave the hosts as delivered: no fault, the spec as it was, and that delivered; bare hosts stay bare.

        Where there is doubt about the hosts themselves, they are looked at.
        """
        self.lab.clear()
        self.restore_spec()
        if self._noted() and (doubt or self._noted() != self.original.digest()):
            self._up_again(*(["--refresh"] if doubt else []))

    def _up_again(self, *arguments: str) -> None:
        result = self.up(*arguments)
        assert result.returncode == 0, result.stdout[-6000:]

    def _note(self, what: str) -> None:
        """Keep what was delivered last on the hosts of this lab, as the digest of its spec."""
        (self.folder / "deployed").write_text(f"{self.lab.born}\n{what}")

    def _noted(self) -> str:
        """What was noted last, of this very lab; empty where its hosts are bare."""
        note = self.folder / "deployed"
        born, _, what = note.read_text().partition("\n") if note.exists() else ("", "", "")
        return what if born and born == self.lab.born else ""

    @staticmethod
    def wait_for(log: Path, words: str, seconds: float) -> None:
        """Until a run has said these words, a regular expression."""
        deadline = time.monotonic() + patience(seconds)
        while not re.search(words, log.read_text(errors="replace")):
            assert time.monotonic() < deadline, f"{words!r} was not said:\n{log.read_text(errors='replace')[-4000:]}"
            time.sleep(0.2)

    @staticmethod
    def kill_pulumi(process: subprocess.Popen[bytes]) -> None:
        """kill -9 of the Pulumi CLI that a ``greenfield up`` runs, as an operator's closed laptop would."""
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        assert children, "greenfield up runs no pulumi"
        for child in children:
            subprocess.run(["kill", "-9", child], check=True)
        process.wait(patience(60))

    def verify(self, *arguments: str) -> Run:
        """``greenfield verify`` on the spec."""
        return self.greenfield("verify", str(self.spec), *arguments)

    def edit(self, old: str, new: str) -> None:
        """Change the cluster's spec; the text to change must be there once."""
        text = self.cluster_file.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the spec"
        self.cluster_file.write_text(text.replace(old, new))

    def set_memory(self, mebibytes: int) -> int:
        """Change what a Redis member may hold; returns what it was."""
        text = self.cluster_file.read_text()
        (was,) = re.findall(r"memory: (\d+)MiB", text)
        self.cluster_file.write_text(text.replace(f"memory: {was}MiB", f"memory: {mebibytes}MiB"))
        return int(was)

    def memory(self, host: str) -> int:
        """What the Redis member on a host may hold, MiB."""
        said = self.run(host, "redis-cli-sessions config get maxmemory").stdout
        return int(re.findall(r"\d+", said)[-1]) // 2**20

    def state(self) -> str:
        """The exported stack, as text."""
        result = self.greenfield("pulumi", str(self.spec), "stack", "export")
        assert result.returncode == 0, result.stdout
        return result.stdout

    def age_certificate(self, cell: str, host: str, issued: int) -> None:
        """Make it as if a host's certificate had been issued at a moment long ago: on the host, and in the state.

        The certificate is the very one that the plugin would have issued then, made with the authority of the stack.
        """
        shown = self.greenfield("pulumi", str(self.spec), "stack", "export", "--show-secrets")
        outputs = {r["urn"].rsplit("::", 1)[-1]: r.get("outputs", {}) for r in _resources(shown.stdout)}
        authority = outputs[f"orders-{self.site.name}-authority"]
        pair = issue(
            Pair(authority["certificate"], json.loads(authority["privateKey"]["plaintext"])),
            json.loads(outputs[cell]["hosts"][host])["subject"],
            issued,
            outputs[cell]["lifetimeSeconds"],
        )
        for name, text in (("host.crt", pair.certificate), ("host.key", pair.private_key)):
            written = self.run(host, f"cat > /etc/greenfield/pki/{name} <<'END'\n{text}END")
            assert written.returncode == 0, written.stderr
        state = json.loads(self.state())
        for resource in state["deployment"]["resources"]:
            if resource["urn"].endswith(f"::{cell}"):
                resource["outputs"]["issued"][host] = issued
        file = self.folder / "aged.json"
        file.write_text(json.dumps(state))
        imported = self.greenfield("pulumi", str(self.spec), "stack", "import", "--file", str(file))
        assert imported.returncode == 0, imported.stdout

    def processes(self) -> set[tuple[int, str]]:
        """What runs on the workstation because of a ``greenfield`` of this seat: number and command line."""
        mark, found = f"XDG_STATE_HOME={self.environment['XDG_STATE_HOME']}", set()
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if mark in (place / "environ").read_text(errors="replace").split("\0"):
                    found.add((int(place.name), (place / "cmdline").read_text().replace("\0", " ")))
        return found

    def logins(self) -> int:
        """How many SSH logins all hosts together have seen."""
        counts = (
            self.run(host, "journalctl -u ssh -q --no-pager | grep -c 'Accepted publickey' || true").stdout
            for host in self.site.hosts
        )
        return sum(int(count.strip() or 0) for count in counts)


def said_all(result: Run, *words: str) -> None:
    """A run has said all of these, regular expressions."""
    for word in words:
        assert re.search(word, result.stdout), f"{word!r} is not in:\n{result.stdout[-4000:]}"


def _resources(exported: str) -> list[dict[str, Any]]:
    return list(json.loads(exported)["deployment"]["resources"])
