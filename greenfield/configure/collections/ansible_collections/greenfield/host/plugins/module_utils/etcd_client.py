"""Calls etcdctl with a member's certificates and reads its answers."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor

FORMED = "/greenfield/formed"
"""The key that says that all members were healthy together once."""

POLL_SECONDS = 0.3


class EtcdError(Exception):
    """etcd refused or did not answer; the message is etcdctl's."""


class Etcd:
    """One engine as seen from one member's host.

    ``identity`` is what the role tells: cluster, token, member, members, client_port, peer_port.
    """

    def __init__(self, identity, binaries):
        self.cluster = identity["cluster"]
        self.token = identity.get("token", "")
        self.member = identity["member"]
        self.members = {member["name"]: member["address"] for member in identity["members"]}
        self.client_port = int(identity["client_port"])
        self.peer_port = int(identity["peer_port"])
        self.binaries = binaries
        self.config = os.path.join("/etc/etcd", self.cluster)
        self.data = os.path.join("/data", self.cluster)

    def client_url(self, name):
        """Where clients reach a member."""
        return f"https://{self.members[name]}:{self.client_port}"

    def peer_url(self, name):
        """Where members reach a member."""
        return f"https://{self.members[name]}:{self.peer_port}"

    def others(self):
        """Names of the other members."""
        return [name for name in self.members if name != self.member]

    def has_data(self):
        """Whether this member has a write-ahead log, without which it has no memory of the cluster."""
        folder = os.path.join(self.data, "member", "wal")
        return os.path.isdir(folder) and any(name.endswith(".wal") for name in os.listdir(folder))

    def call(self, *words, names, seconds=4.0, partial=False):
        """Run etcdctl against members and return its JSON.

        ``partial`` takes what came even when the exit code says that some member failed. Raises EtcdError.
        """
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "ETCDCTL_ENDPOINTS": ",".join(self.client_url(name) for name in names),
            "ETCDCTL_CACERT": os.path.join(self.config, "pki", "ca.crt"),
            "ETCDCTL_CERT": os.path.join(self.config, "pki", "member.crt"),
            "ETCDCTL_KEY": os.path.join(self.config, "pki", "member.key"),
            "ETCDCTL_DIAL_TIMEOUT": "2s",
            "ETCDCTL_COMMAND_TIMEOUT": f"{seconds}s",
        }
        command = [os.path.join(self.binaries, "etcdctl"), *words, "-w", "json"]
        try:
            done = subprocess.run(
                command, check=False, env=environment, capture_output=True, text=True, timeout=seconds + 5
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise EtcdError(f"etcdctl {' '.join(words)}: {error}") from error
        if done.returncode and not partial:
            raise EtcdError(f"etcdctl {' '.join(words)}: {_last_words(done.stderr or done.stdout)}")
        try:
            return json.loads(done.stdout or "null")
        except ValueError as error:
            raise EtcdError(f"etcdctl {' '.join(words)}: {_last_words(done.stderr or done.stdout)}") from error

    def insist(self, *words, names, deadline):
        """Call until it succeeds: etcd refuses a change of members while one has just come or gone.

        Raises EtcdError at the deadline (monotonic clock) with the last refusal.
        """
        while True:
            try:
                return self.call(*words, names=names)
            except EtcdError as error:
                if time.monotonic() > deadline:
                    raise EtcdError(
                        f"{error}. Fix: see to the health of the other members and run the delivery again"
                    ) from error
                time.sleep(POLL_SECONDS)

    def listening(self, names):
        """Those of the members whose client port accepts a connection; costs nothing where nobody listens."""

        def accepts(name):
            try:
                with socket.create_connection((self.members[name], self.client_port), timeout=1.0):
                    return True
            except OSError:
                return False

        with ThreadPoolExecutor(max_workers=max(1, len(names))) as pool:
            return [name for name, answer in zip(names, pool.map(accepts, names), strict=True) if answer]

    def healthy(self, names):
        """Name to error, empty for a member that commits a proposal and has no alarm."""
        listening = self.listening(names)
        found = dict.fromkeys(names, "does not accept connections")
        if listening:
            answers = self.call("endpoint", "health", names=listening, partial=True) or []
            by_url = {answer["endpoint"]: answer for answer in answers}
            for name in listening:
                answer = by_url.get(self.client_url(name), {"health": False, "error": "did not answer"})
                found[name] = "" if answer["health"] else (answer.get("error") or "is unhealthy")
        return found

    def statuses(self, names):
        """Name to status of the members that answer."""
        answers = self.call("endpoint", "status", names=names, partial=True) or []
        by_url = {answer["Endpoint"]: answer["Status"] for answer in answers}
        return {name: by_url[self.client_url(name)] for name in names if self.client_url(name) in by_url}

    def member_list(self, names):
        """The cluster's own list of members (linearizable: it proves a quorum), with the cluster's id."""
        answer = self.call("member", "list", names=names)
        return answer["header"]["cluster_id"], answer["members"]

    def read(self, key, names, *, consistency="l"):
        """Whether a key is there; with ``consistency="s"`` a member tells from its own store, quorum or not."""
        answer = self.call("get", key, "--keys-only", f"--consistency={consistency}", names=names)
        return bool(answer.get("kvs"))


def _last_words(text):
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    if not lines:
        return "no answer"
    try:
        return str(json.loads(lines[-1]).get("error") or lines[-1])
    except (ValueError, AttributeError):
        return lines[-1][-300:]
