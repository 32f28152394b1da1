"""A site of its own for benchmarks on the lab: its spec, its lab, and what its roles are run with."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from bench.process import Measured, run
from greenfield.artifacts import load_lock
from greenfield.artifacts.of_spec import sync_spec
from greenfield.configure import Connection, Job, JobResult, Target
from greenfield.configure import run as configure
from greenfield.engines import ENGINES
from greenfield.lab.lab import Lab
from greenfield.plan import HOST_LAYER, certificate_subjects, engine_common, host_variables, make_plan
from greenfield.plan.desired import host_layer_common
from greenfield.plan.plan import HOST_ROLES
from greenfield.provider.x509 import Pair, issue, make_authority
from greenfield.spec import load

REPO = Path(__file__).resolve().parent.parent
NUMBER, SMALL_NUMBER = 82, 83
"""Second byte of the addresses, and of the MAC addresses as digits: 10.82.0.0/16 and 10.83.0.0/16."""
LIFETIME_SECONDS = 86400


@dataclass(frozen=True, slots=True)
class Layer:
    """Roles, the hosts they belong on, and the variables that all of them share."""

    roles: tuple[str, ...]
    targets: tuple[Target, ...]
    common: dict[str, Any]


class BenchSite:
    """The example's nine hosts under another name and network; everything it writes is below ``folder``.

    With ``small`` it has only the three hosts of etcd, and nothing but etcd on them.
    """

    def __init__(self, folder: Path, say: Callable[[str], None], *, small: bool = False) -> None:
        self.folder, self.say, self.small = folder, say, small
        self.spec = folder / "spec"
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "XDG_STATE_HOME": str(folder / "state"),
            "GREENFIELD_MIRROR_DIR": str(folder / "mirror"),
        }
        # The lab and configure run in this process and look for their places there.
        os.environ.update({key: self.environment[key] for key in ("XDG_STATE_HOME", "GREENFIELD_MIRROR_DIR")})
        self._copy_example()
        self.cluster, self.site = load([self.spec]).cluster()
        self.plan = make_plan(self.site, self.cluster)
        self.lab = Lab(self.site)

    def _copy_example(self) -> None:
        self.spec.mkdir(parents=True)
        name, number = ("bench-small", SMALL_NUMBER) if self.small else ("bench", NUMBER)
        for file in ("site.yaml", "hosts.csv", "cluster.yaml"):
            text = (REPO / "examples" / "lab" / file).read_text()
            text = text.replace("10.77.", f"10.{number}.").replace("02:77:", f"02:{number}:")
            text = text.replace("{name: lab}", f"{{name: {name}}}").replace("site: lab", f"site: {name}")
            (self.spec / file).write_text(text)
        if self.small:
            self._shrink()

    def _shrink(self) -> None:
        rows = (self.spec / "hosts.csv").read_text().splitlines()
        (self.spec / "hosts.csv").write_text("".join(f"{row}\n" for row in rows if "-h1," in row or row == rows[0]))
        cluster = yaml.safe_load((self.spec / "cluster.yaml").read_text())
        del cluster["spec"]["nodePools"]["data"], cluster["spec"]["engines"]["sessions"]
        (self.spec / "cluster.yaml").write_text(yaml.safe_dump(cluster, sort_keys=False))

    def prepare(self) -> None:
        """Fill the mirror and boot the hosts, bare."""
        sync_spec(self.spec, progress=self.say)
        self.reset()

    def edit(self, old: str, new: str) -> None:
        """Change the cluster's spec.

        Raises:
            ValueError: the text to change is not there exactly once.
        """
        path = self.spec / "cluster.yaml"
        text = path.read_text()
        if text.count(old) != 1:
            raise ValueError(f"{old!r} stands {text.count(old)} times in {path}")
        path.write_text(text.replace(old, new))

    def greenfield(self, *arguments: str) -> Measured:
        """Run the command line."""
        command = [str(Path(sys.executable).parent / "greenfield"), *arguments]
        return run(command, environment=self.environment, folder=self.folder)

    def up(self, *arguments: str) -> Measured:
        """``greenfield up`` without questions."""
        return self.greenfield("up", str(self.spec), "--yes", *arguments)

    def logins(self) -> int:
        """How many SSH logins all hosts together have seen."""
        command = "journalctl -u ssh -q --no-pager | grep -c 'Accepted publickey' || true"
        return sum(int(self.lab.run(host, command).stdout.strip() or 0) for host in self.site.hosts)

    def reset(self) -> None:
        """Make all hosts bare again."""
        self.lab.down()
        self.lab.up()

    def layers(self, engine: str) -> tuple[Layer, Layer]:
        """The host layer on all hosts, and an engine on its own, with certificates of an authority made now."""
        now = int(time.time())
        authority = make_authority("bench", LIFETIME_SECONDS, datetime.fromtimestamp(now, UTC))
        lock = load_lock(self.spec)
        assert lock is not None, "the mirror was filled before"
        kind = ENGINES[self.cluster.engines[engine].kind]
        names = kind.artifacts(self.cluster.engines[engine].version)
        files = [file for name in names for file in lock.files_of(name, self.site.mirror.url)]
        facts = {"baseline_apt_key": lock.apt_key, "baseline_artifacts": lock.digest_of(["host"])}
        host_common = host_layer_common(self.plan, {**facts, "pki_authority": authority.certificate})
        own = {f"{kind.role}_authority": authority.certificate, f"{kind.role}_files": files}
        return (
            Layer(HOST_ROLES, self._targets(HOST_LAYER, "pki", authority, now), host_common),
            Layer(
                (kind.role,),
                self._targets(engine, kind.role, authority, now),
                engine_common(self.plan, engine, own),
            ),
        )

    def _targets(self, layer: str, prefix: str, authority: Pair, now: int) -> tuple[Target, ...]:
        found = []
        for cell in self.plan.cells:
            subjects = certificate_subjects(self.plan, cell) if cell.layer == layer else {}
            for host, subject in subjects.items():
                pair = issue(authority, asdict(subject), now, LIFETIME_SECONDS)
                own = {f"{prefix}_certificate": pair.certificate, f"{prefix}_private_key": pair.private_key}
                variables = {**host_variables(self.plan, cell, host), **own}
                found.append(Target(host, self.site.hosts[host].address, variables))
        return tuple(found)

    @property
    def connection(self) -> Connection:
        """How hosts are reached."""
        access = self.site.access
        return Connection(access.user, access.known_hosts, access.identity_file, access.port)

    def converge(self, layer: Layer) -> JobResult:
        """Run a layer's roles on its hosts, as a delivery does."""
        job = Job(f"bench {layer.roles[0]}", layer.roles, layer.targets, self.connection, layer.common)
        return configure(job)


def executions(layers: Sequence[JobResult]) -> str:
    """Module executions a host, layer by layer."""
    return ", ".join(f"{result.executions / len(result.hosts):.0f}" for result in layers)


def counted(output: str, pattern: str) -> int:
    """How many lines of an output begin like this."""
    return len(re.findall(rf"^{pattern}", output, flags=re.MULTILINE))
