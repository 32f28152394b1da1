#!/usr/bin/python
"""Brings a running Redis server to its settings without a restart wherever it can."""

from __future__ import annotations

DOCUMENTATION = r"""
module: redis_settings
short_description: Applies settings, users and certificates to a running Redis server
description:
  - Compares what runs with what is wanted, so a run that was ended between writing a file and applying it is made good
    by the next one. Settings that the server takes while it runs are set; for the others a restart is asked for.
options:
  identity:
    description: cluster, member, members (name and address each), port.
    type: dict
    required: true
  settings:
    description: Directive to value, as CONFIG GET tells them.
    type: dict
    required: true
  passwords:
    description: User to password.
    type: dict
    required: true
  changed_paths:
    description: Files that this run changed.
    type: list
    elements: str
    default: []
author: The Greenfield contributors
"""

EXAMPLES = r"""
- name: Settings of the running Redis server
  greenfield.host.redis_settings:
    identity: "{{ redis_identity }}"
    settings: "{{ redis_settings }}"
    passwords: "{{ redis_passwords }}"
"""

RETURN = r"""
applied:
  description: What was (or in check mode would be) applied to the running server.
  type: list
  returned: always
restart:
  description: What only a restart brings; empty when none is needed.
  type: list
  returned: always
"""

import ssl

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.greenfield.host.plugins.module_utils import files as host_files
from ansible_collections.greenfield.host.plugins.module_utils.redis_wire import Redis, RedisError

DYNAMIC = {
    "maxmemory",
    "maxmemory-policy",
    "appendfsync",
    "cluster-node-timeout",
    "cluster-require-full-coverage",
    "cluster-allow-replica-migration",
    "cluster-announce-ip",
    "maxclients",
    "repl-backlog-size",
    "repl-diskless-sync-delay",
    "save",
    "slowlog-log-slower-than",
    "latency-monitor-threshold",
    "timeout",
    "tcp-keepalive",
    "masteruser",
    "masterauth",
}
"""What CONFIG SET takes on a running server of version 7.0."""


class Settings:
    """Compares and applies."""

    def __init__(self, module):
        self.module = module
        self.parameters = module.params
        identity = module.params["identity"]
        self.config = f"/etc/redis/{identity['cluster']}"
        self.unit = f"/etc/systemd/system/greenfield-redis-{identity['cluster']}.service"
        self.address = next(m["address"] for m in identity["members"] if m["name"] == identity["member"])
        self.port = int(identity["port"])
        # The own server may still show a certificate past its end, which is what this run mends.
        self.access = {
            "authority": f"{self.config}/pki/ca.crt",
            "passwords": module.params["passwords"],
            "any_time": True,
        }
        self.applied, self.restart = [], []

    def run(self):
        """Apply what can be applied; say what can't."""
        changed = self.parameters["changed_paths"]
        if self.module.check_mode:
            # Outside of check mode the units were brought to these files before.
            self.restart += [path for path in (self.unit, f"{self.config}/pki/ca.crt") if path in changed]
        try:
            with Redis(self.address, self.port, self.access) as redis:
                self._settings(redis)
                self._certificate(redis)
                self._version(redis)
                # Last, because reading the users anew ends this connection.
                self._users(redis, f"{self.config}/users.acl" in changed)
        except RedisError as error:
            if not self.module.check_mode:
                self.module.fail_json(msg=f"the server at {self.address}:{self.port}: {error}")
            self.restart = []
        return {"changed": bool(self.applied or self.restart), "applied": self.applied, "restart": self.restart}

    def _apply(self, redis, what, *words):
        self.applied.append(what)
        if not self.module.check_mode:
            redis.call(*words)

    def _settings(self, redis):
        reply = redis.call("CONFIG", "GET", "*")
        running = dict(zip(reply[::2], reply[1::2], strict=True))
        secrets = {"masteruser": "replication", "masterauth": self.parameters["passwords"]["replication"]}
        for key, value in {**self.parameters["settings"], **secrets}.items():
            if running.get(key) == str(value):
                continue
            if key not in DYNAMIC:
                self.restart.append(f"{key} {running.get(key)} -> {value}")
                continue
            what = key if key == "masterauth" else f"{key} {running.get(key)} -> {value}"
            self._apply(redis, what, "CONFIG", "SET", key, value)

    def _certificate(self, redis):
        """The server reads its certificate anew when it is set to the same path again."""
        path = f"{self.config}/pki/member.crt"
        wanted = (host_files.read(path) or b"").decode()
        first = wanted.partition("-----END CERTIFICATE-----")
        if path in self.parameters["changed_paths"] or (
            first[1] and ssl.PEM_cert_to_DER_cert(first[0] + first[1]) != redis.certificate()
        ):
            key = f"{self.config}/pki/member.key"
            self._apply(redis, "certificate", "CONFIG", "SET", "tls-cert-file", path, "tls-key-file", key)

    def _users(self, redis, changed):
        """Read the users anew when their file changed or one of them can't log in."""
        if not changed:
            try:
                for user in sorted(self.parameters["passwords"]):
                    Redis(self.address, self.port, self.access, user=user).close()
            except RedisError:
                changed = True
        if changed:
            self._apply(redis, "users", "ACL", "LOAD")

    def _version(self, redis):
        installed = self.module.run_command(["redis-server", "--version"])[1]
        running = redis.info("server")["redis_version"]
        if f"v={running} " not in installed:
            self.restart.append(f"version {running} -> {installed.strip()}")


def main():
    """Entry point."""
    module = AnsibleModule(
        argument_spec={
            "identity": {"type": "dict", "required": True},
            "settings": {"type": "dict", "required": True},
            "passwords": {"type": "dict", "required": True, "no_log": True},
            "changed_paths": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    result = Settings(module).run()
    facts = {"greenfield_result": {"restart": bool(result["restart"]), "restart_reasons": result["restart"]}}
    module.exit_json(**result, ansible_facts=facts)


if __name__ == "__main__":
    main()
