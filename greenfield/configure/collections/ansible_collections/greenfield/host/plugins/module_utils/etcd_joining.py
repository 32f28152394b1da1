"""Prepares the first start of an etcd member, or of one that lost its data."""

from __future__ import annotations

import os

from ansible_collections.greenfield.host.plugins.module_utils import data_directory
from ansible_collections.greenfield.host.plugins.module_utils import files as host_files
from ansible_collections.greenfield.host.plugins.module_utils.etcd_client import FORMED, EtcdError
from ansible_collections.greenfield.host.plugins.module_utils.etcd_decision import View, decide


class Joining:
    """Asks the others, decides, and leaves the permit and the first configuration that the unit needs to start."""

    def __init__(self, etcd, deadline, *, check):
        """``deadline`` is on the monotonic clock; ``check`` changes nothing."""
        self.etcd = etcd
        self.deadline = deadline
        self.check = check

    def run(self, *, formed, changed_paths):
        """Return whether something changed and what was decided. Raises EtcdError when the member is refused."""
        made = []
        if not self.check:
            made = data_directory.ensure([self.etcd.data, f"{self.etcd.data}-snapshots"], "etcd")
        if self.etcd.has_data():
            return bool(made), {"restart": self._restart_follows(changed_paths), "decision": "keep"}
        if self.check and not os.path.exists(os.path.join(self.etcd.binaries, "etcdctl")):
            return True, {"restart": False, "decision": "new"}
        decision = decide(
            self._ask(),
            self.etcd.member,
            self.etcd.peer_url(self.etcd.member),
            len(self.etcd.members),
            formed or os.path.exists(self._path("started")),
        )
        if decision.kind == "refuse":
            raise EtcdError(decision.reason)
        facts = {"restart": False, "decision": decision.kind, "reason": decision.reason}
        if self.check:
            return True, facts
        data_directory.set_aside(self.etcd.data, ["member"], "lost")
        if decision.kind == "new":
            changed = self._permit("new", {name: self.etcd.peer_url(name) for name in self.etcd.members})
        else:
            changed = self._permit("existing", self._add_again(decision.remove))
        return changed or bool(made), facts

    def _path(self, name):
        return os.path.join(self.etcd.config, name)

    def _restart_follows(self, changed_paths):
        """Whether a file that is read only at the start changed, in this run or in an earlier one that was ended."""
        files = [
            self._path("etcd.env"),
            self._path("pki/ca.crt"),
            f"/etc/systemd/system/greenfield-etcd-{self.etcd.cluster}.service",
        ]
        if any(path in changed_paths for path in files):
            return True
        try:
            since = os.stat(self._path("last-start")).st_mtime
            return any(os.stat(path).st_ctime > since for path in files)
        except FileNotFoundError:
            return False

    def _ask(self):
        """What the other members say: those with a quorum first, then each for itself."""
        others = self.etcd.others()
        listening = self.etcd.listening(others)
        last_seen = ", ".join(
            f"{name} {'listens' if name in listening else 'does not accept connections'}" for name in others
        )
        if not listening:
            return View(None, False, 0, last_seen)
        try:
            _, entries = self.etcd.member_list(listening)
            formed = self.etcd.read(FORMED, listening)
            health = self.etcd.healthy(others)
        except EtcdError as error:
            return View(None, self._formed_without_quorum(listening), 0, f"{last_seen}; {error}")
        ill = [f"{name}: {trouble}" for name, trouble in health.items() if trouble]
        return View(entries, formed, len(health) - len(ill), "; ".join(ill) or "the others are healthy")

    def _formed_without_quorum(self, names):
        for name in names:
            try:
                if self.etcd.read(FORMED, [name], consistency="s"):
                    return True
            except EtcdError:
                continue
        return False

    def _permit(self, state, urls):
        initial = (
            f"ETCD_INITIAL_CLUSTER={','.join(f'{name}={url}' for name, url in sorted(urls.items()))}\n"
            f"ETCD_INITIAL_CLUSTER_STATE={state}\nETCD_INITIAL_CLUSTER_TOKEN={self.etcd.token}\n"
        ).encode()
        changed = False
        for name, content in (("initial.env", initial), ("permit", f"{state}\n".encode())):
            if host_files.read(self._path(name)) != content:
                host_files.replace(self._path(name), content)
                changed = True
        return changed

    def _add_again(self, gone):
        """Remove the old entries, add the member, and return the cluster's members as name to peer URL."""
        names = self.etcd.listening(self.etcd.others())
        for identifier in gone:
            self.etcd.insist("member", "remove", f"{identifier:x}", names=names, deadline=self.deadline)
        url = self.etcd.peer_url(self.etcd.member)
        added = self.etcd.insist(
            "member", "add", self.etcd.member, f"--peer-urls={url}", names=names, deadline=self.deadline
        )
        by_url = {self.etcd.peer_url(name): name for name in self.etcd.members}
        urls = {}
        for entry in added["members"]:
            for peer in entry["peerURLs"]:
                urls[entry.get("name") or by_url.get(peer, "")] = peer
        return urls
