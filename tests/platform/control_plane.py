"""A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager, without any node.

What needs a kubelet (a pod that runs) never comes to be here, which is what the tests of deadlines want.
"""

from __future__ import annotations

import base64
import ctypes
import json
import secrets
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from patience import patience

from greenfield.artifacts import toolchain
from greenfield.provider.x509 import Pair, issue, make_authority

START_SECONDS = 120.0
"""A shared two-core machine needs up to half a minute; usually it is five seconds."""

SERVICES = "10.96.0.0/24"


@dataclass(slots=True)
class ControlPlane:
    """Running processes, how to reach them, and where they write.

    ``authority`` signs the server's certificate and those of clients, as an engine's authority does.
    """

    folder: Path
    port: int
    token: str
    authority: Pair
    processes: list[subprocess.Popen[bytes]]

    @property
    def server(self) -> str:
        """URL of the API server."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> str:
        """An administrator's kubeconfig, as JSON (which is YAML)."""
        authority = base64.b64encode(self.authority.certificate.encode()).decode()
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [
                    {"name": "c", "cluster": {"server": self.server, "certificate-authority-data": authority}}
                ],
                "users": [{"name": "admin", "user": {"token": self.token}}],
                "contexts": [{"name": "admin", "context": {"cluster": "c", "user": "admin"}}],
                "current-context": "admin",
            }
        )

    def ask(self, path: str, method: str = "GET", body: Any = None, content: str = "application/json") -> Any:
        """One request as administrator, past the plugin; ``None`` when there is nothing at the path."""
        context = ssl.create_default_context(cadata=self.authority.certificate)
        request = urllib.request.Request(
            f"{self.server}{path}",
            json.dumps(body).encode() if body is not None else None,
            {"Authorization": f"Bearer {self.token}", "Content-Type": content},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=30, context=context) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise AssertionError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def wait_until_up(self) -> None:
        """Until the server serves and its controllers run (they make the default namespace's account)."""
        until = time.monotonic() + patience(START_SECONDS)
        last = ""
        while time.monotonic() < until:
            for process in self.processes:
                assert process.poll() is None, f"{process.args[0]} ended: {self.log(process)}"
            try:
                if self.ask("/api/v1/namespaces/default/serviceaccounts/default"):
                    return
            except (OSError, AssertionError) as error:
                last = str(error)
            time.sleep(0.2)
        raise AssertionError(f"the control plane is not up after {patience(START_SECONDS):.0f} s: {last}\n{self.log()}")

    def wait_for(self, path: str, seconds: float = 60) -> Any:
        """What lies at a path, once something does."""
        until = time.monotonic() + patience(seconds)
        while (found := self.ask(path)) is None:
            assert time.monotonic() < until, f"nothing came to be at {path}"
            time.sleep(0.2)
        return found

    def stop_server(self) -> None:
        """End the API server at once, as a host that loses power does."""
        self._server.kill()
        self._server.wait(60)

    def start_server(self) -> None:
        """Start it again, on what it had."""
        former = self._server
        self.processes.remove(former)
        _start(self, [str(each) for each in former.args])
        self.wait_until_up()

    @property
    def _server(self) -> subprocess.Popen[bytes]:
        return next(each for each in self.processes if Path(each.args[0]).name == "kube-apiserver")

    def log(self, process: subprocess.Popen[bytes] | None = None) -> str:
        """The last words of a process, or of all."""
        names = [Path(process.args[0]).name] if process else [path.stem for path in self.folder.glob("*.log")]
        return "\n".join((self.folder / f"{name}.log").read_text()[-1500:] for name in names)


@contextmanager
def control_plane(folder: Path) -> Iterator[ControlPlane]:
    """Start one below a folder; whatever happens, its processes end with the block (or with this process)."""
    etcd = toolchain.build("etcd")
    kubernetes = toolchain.build("kubernetes-1.35")
    folder.mkdir(parents=True, exist_ok=True)
    client, peer, port, manager = _ports(4)
    authority = make_authority("a test's authority", 86400, datetime.now(UTC))
    plane = ControlPlane(folder, port, secrets.token_hex(16), authority, [])
    _keys(plane)
    try:
        _start(plane, [f"{etcd}/etcd", *_etcd(folder, client, peer)])
        _start(plane, [f"{kubernetes}/kube-apiserver", *_apiserver(plane, client)])
        kubeconfig = folder / "admin.kubeconfig"
        kubeconfig.write_text(plane.kubeconfig)
        _start(plane, [f"{kubernetes}/kube-controller-manager", *_controllers(folder, kubeconfig, manager)])
        plane.wait_until_up()
        yield plane
    finally:
        for process in reversed(plane.processes):
            process.terminate()
        for process in plane.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _etcd(folder: Path, client: int, peer: int) -> list[str]:
    listen, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    return [
        *("--data-dir", str(folder / "etcd"), "--unsafe-no-fsync", "--name", "etcd"),
        *("--listen-client-urls", listen, "--advertise-client-urls", listen),
        *("--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers, "--initial-cluster", f"etcd={peers}"),
    ]


def _apiserver(plane: ControlPlane, client: int) -> list[str]:
    folder = plane.folder
    return [
        f"--etcd-servers=http://127.0.0.1:{client}",
        f"--secure-port={plane.port}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        # Endpoints on loopback are refused, and nobody needs them here.
        "--endpoint-reconciler-type=none",
        f"--tls-cert-file={folder / 'server.crt'}",
        f"--tls-private-key-file={folder / 'server.key'}",
        f"--client-ca-file={folder / 'ca.crt'}",
        f"--service-cluster-ip-range={SERVICES}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={folder / 'accounts.pub'}",
        f"--service-account-signing-key-file={folder / 'accounts.key'}",
    ]


def _controllers(folder: Path, kubeconfig: Path, port: int) -> list[str]:
    return [
        f"--kubeconfig={kubeconfig}",
        f"--secure-port={port}",
        "--bind-address=127.0.0.1",
        f"--cert-dir={folder / 'certs-of-controllers'}",
        "--leader-elect=false",
        f"--service-account-private-key-file={folder / 'accounts.key'}",
        "--use-service-account-credentials=false",
    ]


def _start(plane: ControlPlane, command: list[str]) -> None:
    with (plane.folder / f"{Path(command[0]).name}.log").open("wb") as log:
        settings: dict[str, Any] = {"stdout": log, "stderr": log, "stdin": subprocess.DEVNULL, "cwd": plane.folder}
        process = subprocess.Popen(command, preexec_fn=_die_with_parent, **settings)  # noqa: PLW1509 (no threads yet)
    plane.processes.append(process)


def _die_with_parent() -> None:
    """A test run that is killed leaves no server behind."""
    set_parent_death_signal = 1
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def _keys(plane: ControlPlane) -> None:
    key = rsa.generate_private_key(65537, 2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    subject = {"common_name": "server", "dns": ["localhost"], "addresses": ["127.0.0.1"], "usages": ["server"]}
    server = issue(plane.authority, subject, int(time.time()), 86400)
    files = {
        "accounts.key": private,
        "accounts.pub": public,
        "ca.crt": plane.authority.certificate.encode(),
        "server.crt": server.certificate.encode(),
        "server.key": server.private_key.encode(),
    }
    for name, content in files.items():
        (plane.folder / name).write_bytes(content)
    tokens = plane.folder / "tokens.csv"
    tokens.touch(mode=0o600)
    tokens.write_text(f'{plane.token},admin,admin,"system:masters"\n')


def _ports(count: int) -> list[int]:
    """Ports that are free now, held together so that they differ."""
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    found = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return found
