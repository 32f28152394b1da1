"""A Kubernetes cluster for benchmarks: ``examples/kubernetes`` on a lab of its own, or one that the user delivered."""

from __future__ import annotations

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from bench.process import BenchError, Measured, run
from bench.site import REPO
from greenfield.artifacts.of_spec import sync_spec
from greenfield.errors import GreenfieldError
from greenfield.lab.lab import Lab
from greenfield.plan import make_plan
from greenfield.spec import load

EXAMPLE = REPO / "examples" / "kubernetes"
RACKS = 3
RUN_SECONDS = 3600.0

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Shape:
    """A cluster made of the example.

    Attributes:
        name: of the site.
        number: second byte of the addresses, and of the MAC addresses as digits.
        control: hosts of the control plane.
        workers: other hosts.
        cluster: more options of the control plane.
        memory: of each host.
        disk: of each host.
    """

    name: str
    number: int
    control: int
    workers: int
    cluster: Mapping[str, str]
    memory: str = "3GiB"
    disk: str = "4GiB"

    @classmethod
    def of(cls, hosts: int, name: str, number: int) -> Shape:
        """The shape of a number of hosts: a control plane that survives a host's loss from four on."""
        control = 3 if hosts > RACKS else 1
        return cls(name, number, control, hosts - control, {})

    @property
    def hosts(self) -> int:
        """All of them."""
        return self.control + self.workers

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.hosts} hosts ({self.control} of the control plane, {self.workers} workers)"


def write_spec(folder: Path, shape: Shape) -> None:
    """The example with other hosts, under another name and in another network."""
    folder.mkdir(parents=True)
    for file in ("site.yaml", "platform.yaml", "names.yaml"):
        text = (EXAMPLE / file).read_text().replace("10.85.", f"10.{shape.number}.")
        (folder / file).write_text(text.replace("{name: kube}", f"{{name: {shape.name}}}"))
    shutil.copytree(EXAMPLE / "charts", folder / "charts")
    site = yaml.safe_load((folder / "site.yaml").read_text())
    hardware = site["spec"]["hardware"]["small"]
    hardware["memory"] = shape.memory
    hardware["disks"]["data"]["size"] = shape.disk
    (folder / "site.yaml").write_text(yaml.safe_dump(site, sort_keys=False))
    cluster = yaml.safe_load((EXAMPLE / "cluster.yaml").read_text())
    (folder / "cluster.yaml").write_text(yaml.safe_dump(_sized(cluster, shape), sort_keys=False))
    with (EXAMPLE / "hosts.csv").open(newline="") as stream:
        columns = next(csv.reader(stream))
    with (folder / "hosts.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(_host(index, shape) for index in range(shape.hosts))


def _sized(cluster: dict[str, Any], shape: Shape) -> dict[str, Any]:
    spec = cluster["spec"]
    spec["site"] = shape.name
    pools, plane = spec["nodePools"], spec["engines"]["platform"]
    for name, count in (("control", shape.control), ("workers", shape.workers)):
        pools[name]["count"] = count
        pools[name]["spread"]["atMost"] = -(-count // RACKS)
    plane |= {"members": shape.control, **shape.cluster}
    spec["engines"]["nodes"]["nodes"] = shape.workers
    if shape.control == 1:
        plane["acceptLoss"] = ["host", "rack", "tor"]
    return cluster


def _host(index: int, shape: Shape) -> dict[str, Any]:
    rack, place = index % RACKS + 1, index // RACKS + 1
    return {
        "name": f"r{rack}-h{place}",
        "rack": f"r{rack}",
        "unit": place,
        "hardware": "small",
        "serial": f"GF{rack}{place:02d}",
        "address": f"10.{shape.number}.{rack}.{10 + place}",
        "mac": f"02:{shape.number}:00:00:{rack:02x}:{10 + place:02x}",
        "asset": f"A-{rack}{place:02d}",
    }


class KubernetesSite:
    """A spec with one Kubernetes control plane and a platform on it, and the lab under it."""

    def __init__(self, spec: Path, folder: Path, environment: Mapping[str, str]) -> None:
        """Read a spec.

        Raises:
            BenchError: it is wrong, or has no platform on a Kubernetes engine.
        """
        self.spec, self.folder, self.environment = spec, folder, environment
        try:
            loaded = load([spec])
            self.cluster, self.site = loaded.cluster()
            self.plan = make_plan(self.site, self.cluster)
        except GreenfieldError as error:
            raise BenchError(error.message) from error
        found = [each for each in loaded.platforms.values() if each.cluster == self.cluster.name]
        if not found:
            raise BenchError(f"{spec} has no Platform, whose kubeconfig is what the cluster is reached by")
        self.platform = found[0]
        self.members = [member.host for member in self.plan.members_of(self.platform.engine)]
        self.lab = Lab(self.site)

    @classmethod
    def fresh(cls, folder: Path, shape: Shape) -> KubernetesSite:
        """A site of its own; its spec, state and mirror lie below ``folder``."""
        environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULUMI_")},
            "XDG_STATE_HOME": str(folder / f"state-{shape.hosts}"),
            "GREENFIELD_MIRROR_DIR": str(folder / "mirror"),
        }
        # The lab runs in this process and looks for its places there.
        os.environ.update({key: environment[key] for key in ("XDG_STATE_HOME", "GREENFIELD_MIRROR_DIR")})
        spec = folder / f"spec-{shape.hosts}"
        write_spec(spec, shape)
        return cls(spec, folder, environment)

    def prepare(self, say: Say) -> None:
        """Fill the mirror and boot the hosts, bare."""
        try:
            sync_spec(self.spec, progress=say)
            self.lab.down()
            self.lab.up()
        except GreenfieldError as error:
            raise BenchError(error.message) from error

    def greenfield(self, *arguments: str) -> Measured:
        """Run the command line."""
        command = [str(Path(sys.executable).parent / "greenfield"), *arguments]
        return run(command, environment=self.environment, folder=self.folder, timeout_seconds=RUN_SECONDS)

    def up(self) -> Measured:
        """``greenfield up`` without questions."""
        return self.greenfield("up", str(self.spec), "--yes")

    def kubeconfig(self) -> dict[str, Any]:
        """The platform's administrator's.

        Raises:
            BenchError: the cluster was not delivered from this spec by this user.
        """
        program = str(Path(sys.executable).parent / "greenfield")
        words = [program, "pulumi", str(self.spec), "stack", "output", "kubeconfigs", "--show-secrets", "--json"]
        done = subprocess.run(words, env=dict(self.environment), capture_output=True, text=True, check=False)
        missing = f"{self.spec} is not delivered here; first: greenfield up {self.spec}"
        try:
            text = json.loads(done.stdout)[self.platform.name]
        except (ValueError, KeyError, TypeError):
            raise BenchError(f"{missing} ({done.stderr.strip()[-300:]})") from None
        if not isinstance(text, str) or not text.startswith("{"):
            raise BenchError(missing)
        found: dict[str, Any] = json.loads(text)
        return found
