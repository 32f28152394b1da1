"""Runs kubeadm on a member of a control plane, and knows what it did before."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import time
import urllib.error
import urllib.request

from ansible_collections.greenfield.host.plugins.module_utils.files import read, replace

CONFIG = "/etc/kubernetes"
MANIFESTS = os.path.join(CONFIG, "manifests")
MANIFEST = os.path.join(MANIFESTS, "kube-apiserver.yaml")
FLAGS = "/var/lib/kubelet/kubeadm-flags.env"
NOTE = "/var/lib/greenfield/kubeadm.applied"
"""Digest of the configuration that the static pods were last made from."""

PROBE_SECONDS = 3.0
RESTORE_SECONDS = 600
LAST_LINES = 12
NOISE = re.compile(r"\[WARNING|W\d{4} |To see the stack trace")


class KubeadmError(Exception):
    """kubeadm failed; the message is the end of what it said."""


class Kubeadm:
    """kubeadm with the configuration that the role laid down."""

    def __init__(self, binaries, config=CONFIG):
        self.binaries = binaries
        self.config = config

    def run(self, *words, seconds, program="kubeadm", **more):
        """Run kubeadm, or a program of its company; its output. Raises KubeadmError."""
        environment = {**os.environ, "PATH": f"{self.binaries}:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", **more}
        return call([os.path.join(self.binaries, program), *words], seconds, environment)

    def init(self, *words, seconds, **environment):
        """``kubeadm init``, or phases of it."""
        # kubeadm wants this file although an administrator's serves as well; it must not stay.
        needed = os.path.join(self.config, "super-admin.conf")
        shutil.copy2(os.path.join(self.config, "admin.conf"), needed)
        try:
            return self.run("init", *words, "--config", self.path("init"), seconds=seconds, **environment)
        finally:
            os.unlink(needed)

    def upgrade(self, *words, seconds):
        """``kubeadm upgrade``."""
        # kubeadm keeps a copy of a file that it would have made, had the kubelet's flags been its own.
        if not os.path.exists(FLAGS):
            lay(FLAGS, b'KUBELET_KUBEADM_ARGS=""\n')
        return self.run("upgrade", *words, "--config", self.path("upgrade"), seconds=seconds)

    def apply(self, seconds=60):
        """Lay down the cluster's own objects (rights, metrics), owned by the delivery."""
        how = ("--server-side", "--force-conflicts", "--field-manager=greenfield")
        where = (f"--kubeconfig={self.config}/admin.conf", "-f", f"{self.config}/cluster")
        return self.run("apply", *how, *where, seconds=seconds, program="kubectl")

    def path(self, name):
        """Path of one of its configuration files."""
        return os.path.join(self.config, "kubeadm", f"{name}.yaml")

    def digest(self):
        """Digest of what the static pods and the cluster's own objects are made from."""
        seen = hashlib.sha256()
        for folder in ("cluster", "kubeadm", "policy"):
            for name in sorted(os.listdir(os.path.join(self.config, folder))):
                seen.update(name.encode() + b"\0" + read(os.path.join(self.config, folder, name)))
        return seen.hexdigest()

    def applied(self):
        """The digest that was applied last; empty where none was."""
        return (read(NOTE) or b"").decode().strip()

    def note(self):
        """Keep that the configuration is applied."""
        lay(NOTE, f"{self.digest()}\n".encode())

    def release(self):
        """Release of this member's API server by its manifest, e.g. ``1.35.4``; empty where there is none."""
        found = re.search(r"image: \S*kube-apiserver:v(\S+)", (read(MANIFEST) or b"").decode())
        return found.group(1) if found else ""


def call(command, seconds=60, environment=None, check=True):
    """Run a program; its output. Raises KubeadmError."""
    what = f"{os.path.basename(command[0])} {command[1]}"
    try:
        done = subprocess.run(command, check=False, env=environment, capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired as error:
        raise KubeadmError(f"{what} did not end within {seconds} s: {_end(error.stdout)}") from error
    if check and done.returncode:
        raise KubeadmError(f"{what} failed: {_end(done.stderr or done.stdout)}")
    return done.stdout


def lay(path, content):
    """Write a file that only root reads, whole or not at all."""
    replace(path, content, (0o600, os.geteuid(), os.getegid()))


def _end(text):
    if isinstance(text, bytes):
        text = text.decode(errors="replace")
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    lines = [line for line in lines if not NOISE.match(line)] or lines
    return " / ".join(lines[-LAST_LINES:]) or "it said nothing"


def unready(address, port, authority):
    """Why the API server of a member is not ready, in words; empty when it is."""
    context = ssl.create_default_context(cafile=authority)
    try:
        url = f"https://{address}:{port}/readyz"
        with urllib.request.urlopen(url, timeout=PROBE_SECONDS, context=context) as answer:
            return "" if answer.status == 200 else f"{address}: HTTP {answer.status}"
    except urllib.error.HTTPError as error:
        lines = error.read().decode(errors="replace").splitlines()
        bad = [line for line in lines if line.startswith("[-]")]
        return f"{address} is not ready: {', '.join(bad) or error.code}"
    except OSError as error:
        return f"{address} did not answer: {getattr(error, 'reason', error)}"


def forget_etcd_member(binaries, pki, name, addresses):
    """Remove a stale member of the stacked etcd by its name; whether there was one. Raises KubeadmError."""
    environment = {
        "PATH": os.environ.get("PATH", ""),
        "ETCDCTL_ENDPOINTS": ",".join(f"https://{address}:2379" for address in addresses),
        "ETCDCTL_CACERT": os.path.join(pki, "etcd", "ca.crt"),
        "ETCDCTL_CERT": os.path.join(pki, "etcd", "healthcheck-client.crt"),
        "ETCDCTL_KEY": os.path.join(pki, "etcd", "healthcheck-client.key"),
        "ETCDCTL_COMMAND_TIMEOUT": "8s",
    }
    member = [os.path.join(binaries, "etcdctl"), "member"]
    for line in call([*member, "list"], 30, environment).splitlines():
        fields = [field.strip() for field in line.split(",")]
        if len(fields) > 2 and fields[2] == name:
            call([*member, "remove", fields[0]], 30, environment)
            return True
    return False


def set_aside(folder):
    """Move the data of a member that is no longer one out of the way; whether there was some."""
    if not os.path.isdir(folder) or not os.listdir(folder):
        return False
    os.rename(folder, f"{folder}.lost-{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}")
    return True


def restore(binaries, snapshot, folder, name, address):
    """Lay down the data of a new etcd of one member from a snapshot. Raises KubeadmError.

    Revisions go on far above the snapshot's, because clients of Kubernetes remember some that it never saw (etcd.io,
    "Disaster recovery": restoring with revision bump).
    """
    peer = f"https://{address}:2380"
    command = [os.path.join(binaries, "etcdutl"), "snapshot", "restore", snapshot, "--data-dir", folder, "--name", name]
    command += ["--initial-cluster", f"{name}={peer}", "--initial-advertise-peer-urls", peer]
    call([*command, "--bump-revision", "1000000000", "--mark-compacted"], RESTORE_SECONDS)
    os.chmod(folder, 0o700)


def listens(address, port):
    """Whether something takes connections there."""
    try:
        with socket.create_connection((address, port), timeout=PROBE_SECONDS):
            return True
    except OSError:
        return False
