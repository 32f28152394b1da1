"""The role `redis`: shards that serve over TLS, fail over, and take back a member that lost its data."""

from __future__ import annotations

import socket
import ssl
import sys

import pytest
from engine_steps import Engine, eventually
from scenario import assert_unchanged, succeeded

from greenfield import content

sys.path.insert(0, str(content.collections()))

from ansible_collections.greenfield.host.plugins.module_utils.redis_wire import Redis, RedisError

PROVES = ("redis/role",)
ORDER = 60

PORT = 6379
KEYS = [f"scenario:{number}" for number in range(60)]


class Client:
    """A client that follows redirections, as cluster clients do."""

    def __init__(self, engine, authority, user):
        self.access = {"authority": str(authority), "passwords": engine.layer.common["redis_passwords"]}
        self.engine, self.user = engine, user
        self.addresses = list(engine.addresses.values())

    def at(self, member):
        """A connection to one member."""
        return Redis(self.engine.addresses[member], PORT, self.access, user=self.user)

    def call(self, *words):
        """Ask any member that answers, then the one it names."""
        error = RedisError("no member answers")
        for address in self.addresses:
            try:
                return self._follow(address, words)
            except RedisError as caught:
                error = caught
        raise error

    def _follow(self, address, words, hops=3):
        with Redis(address, PORT, self.access, user=self.user) as redis:
            try:
                return redis.call(*words)
            except RedisError as error:
                if not hops or not str(error).startswith("MOVED"):
                    raise
                moved = str(error).split()[2].rpartition(":")[0]
        return self._follow(moved, words, hops - 1)


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("redis", form=True)


@pytest.fixture(scope="module")
def engine(converged, scenario):
    return Engine(scenario, "redis")


@pytest.fixture(scope="module")
def authority(engine, tmp_path_factory):
    path = tmp_path_factory.mktemp("redis") / "ca.crt"
    path.write_text(engine.layer.common["redis_authority"])
    return path


@pytest.fixture(scope="module")
def app(engine, authority):
    return Client(engine, authority, "app")


@pytest.fixture(scope="module")
def admin(engine, authority):
    return Client(engine, authority, "admin")


def primaries(engine):
    return engine.one("shard-1-a", entry="health").facts["primaries"]


def other_of(engine, member):
    return next(name for name in engine.hosts if name[:-1] == member[:-1] and name != member)


def pid(engine, lab, member):
    return lab.run(engine.hosts[member], f"systemctl show -p MainPID --value {engine.unit}").stdout.strip()


def write_all(app, value):
    for key in KEYS:
        assert app.call("SET", key, value) == "OK"


def key_of(admin, member):
    """A key whose slot the member owns."""
    with admin.at(member) as redis:
        ranges = [
            (first, last)
            for first, last, (_, _, owner, *_), *_ in redis.call("CLUSTER", "SLOTS")
            if owner == redis.call("CLUSTER", "MYID")
        ]
        return next(
            key for key in KEYS if any(first <= redis.call("CLUSTER", "KEYSLOT", key) <= last for first, last in ranges)
        )


def test_few_executions(converged):
    # Six tasks a host, and the check of the arguments once.
    assert converged.again.executions <= 6 * len(converged.layer.targets)


def test_shards_are_spread_and_replicated(engine, plan):
    members = engine.layer.common["redis_members"]
    for shard in {member["group"] for member in members}:
        racks = [plan.site.hosts[member["host"]].rack for member in members if member["group"] == shard]
        assert len(set(racks)) == len(racks) == 2


def test_writes_are_read_from_the_replica(engine, app, admin):
    write_all(app, "first")
    assert {app.call("GET", key) for key in KEYS} == {"first"}
    primary = primaries(engine)["shard-1"]
    key = key_of(admin, primary)
    with app.at(primary) as redis:
        redis.call("SET", key, "on-the-primary")
    with app.at(other_of(engine, primary)) as redis:
        redis.call("READONLY")
        eventually(
            lambda: redis.call("GET", key) == "on-the-primary" or None,
            seconds=5,
            what="the write is not on the replica",
        )


def test_users_may_do_what_they_need_and_no_more(engine, authority):
    for user, words in (
        ("app", ("FLUSHALL",)),
        ("app", ("CONFIG", "GET", "*")),
        ("app", ("CLUSTER", "FAILOVER")),
        ("metrics", ("GET", KEYS[0])),
        ("metrics", ("CONFIG", "GET", "masterauth")),
        ("replication", ("INFO",)),
    ):
        with Client(engine, authority, user).at("shard-1-a") as redis, pytest.raises(RedisError, match="NOPERM"):
            redis.call(*words)
    with Client(engine, authority, "metrics").at("shard-1-a") as redis:
        assert "redis_version" in redis.call("INFO", "server")
    wrong = {"authority": str(authority), "passwords": {"default": ""}}
    with pytest.raises(RedisError, match="WRONGPASS"):
        Redis(engine.addresses["shard-1-a"], PORT, wrong, user="default")


def test_nothing_is_said_without_tls(engine):
    with socket.create_connection((engine.addresses["shard-1-a"], PORT), timeout=5) as plain:
        plain.sendall(b"PING\r\n")
        try:
            assert b"PONG" not in plain.recv(100)
        except ConnectionResetError as error:
            assert error.errno


def test_passwords_are_in_no_process_argument_and_no_unit(engine, lab):
    secret = engine.layer.common["redis_passwords"]["admin"]
    host = engine.hosts["shard-1-a"]
    seen = lab.run(
        host, f"cat /proc/[0-9]*/cmdline | tr '\\0' ' '; systemctl cat '{engine.unit}'; journalctl -o cat"
    ).stdout
    assert "redis-server" in seen
    assert secret not in seen


def test_memory_changes_without_a_restart(engine, lab, admin):
    before = {member: pid(engine, lab, member) for member in engine.hosts}
    larger = engine.layer.common["redis_memory_bytes"] + 2**24
    assert not any(host.facts["restart"] for host in engine.run(check=True, redis_memory_bytes=larger).hosts.values())
    succeeded(engine.run(redis_memory_bytes=larger))
    for member, host in engine.hosts.items():
        with admin.at(member) as redis:
            assert redis.call("CONFIG", "GET", "maxmemory")[1] == str(larger)
        assert f"maxmemory {larger}" in lab.run(host, f"cat /etc/redis/{engine.name}/redis.conf").stdout
    assert before == {member: pid(engine, lab, member) for member in engine.hosts}
    succeeded(engine.run())


def test_a_new_certificate_is_served_without_a_restart(engine, lab, scenario, app):
    before = pid(engine, lab, "shard-1-b")
    layer, certificate = engine.renewed("shard-1-b")
    assert not succeeded(scenario.run("redis", layer, check=True)).hosts[engine.hosts["shard-1-b"]].facts["restart"]
    succeeded(scenario.run("redis", layer))
    with app.at("shard-1-b") as redis:
        assert redis.certificate() == ssl.PEM_cert_to_DER_cert(certificate)
    assert pid(engine, lab, "shard-1-b") == before


def test_a_backup_is_taken_and_verified(engine, lab):
    host = engine.hosts["shard-1-a"]
    unit = f"greenfield-redis-{engine.name}-backup"
    assert lab.run(host, f"systemctl is-active {unit}.timer").stdout.strip() == "active"
    before = lab.run(host, f"ls /data/{engine.name}-backups").stdout.split()
    assert lab.run(host, f"systemctl start {unit}.service").returncode == 0
    (new,) = set(lab.run(host, f"ls /data/{engine.name}-backups").stdout.split()) - set(before)
    assert lab.run(host, f"redis-check-rdb /data/{engine.name}-backups/{new}").returncode == 0
    # The same age limit as for all: what is older than kept goes, the newest stays.
    lab.run(
        host, f"touch -d '30 days ago' /data/{engine.name}-backups/*.rdb && sleep 1; systemctl start {unit}.service"
    )
    assert len(lab.run(host, f"ls /data/{engine.name}-backups").stdout.split()) == 1


def test_drain_hands_over_without_losing_a_write(engine, app, admin):
    primary = primaries(engine)["shard-2"]
    key = key_of(admin, primary)
    app.call("SET", key, "before-the-drain")
    assert engine.one(primary, entry="drain").facts["heir"] == other_of(engine, primary)
    assert primaries(engine)["shard-2"] == other_of(engine, primary)
    assert app.call("GET", key) == "before-the-drain"
    assert engine.one(primary, entry="drain").status == "ok"


def test_a_setting_of_the_start_restarts_a_primary_after_it_handed_over(engine, app, admin, lab):
    primary = primaries(engine)["shard-2"]
    key, before = key_of(admin, primary), pid(engine, lab, primary)
    app.call("SET", key, "before-the-restart")
    assert engine.one(primary, check=True, redis_io_threads=2).facts["restart"]
    assert pid(engine, lab, primary) == before
    engine.one(primary, redis_io_threads=2)
    assert pid(engine, lab, primary) != before
    assert primaries(engine)["shard-2"] == other_of(engine, primary)
    assert app.call("GET", key) == "before-the-restart"
    engine.one(primary)


def test_a_killed_primary_is_replaced_and_returns_as_replica(engine, app, admin, lab):
    primary = primaries(engine)["shard-1"]
    heir, host, key = other_of(engine, primary), engine.hosts[primary], key_of(admin, primary)
    app.call("SET", key, "before-the-kill")
    lab.run(host, f"systemctl kill -s KILL {engine.unit}; systemctl stop {engine.unit}")

    def served():
        try:
            return app.call("SET", key, "after-the-kill")
        except RedisError:
            return None

    _, seconds = eventually(served, seconds=30, what=f"{heir} did not take over")
    print(f"redis failover: {seconds:.1f} s")
    message = engine.run(heir, entry="health", redis_health_deadline_seconds=0).hosts[engine.hosts[heir]].message
    assert f"{primary} does not answer" in message
    engine.one(primary)
    assert primaries(engine)["shard-1"] == heir
    assert app.call("GET", key) == "after-the-kill"


def test_a_primary_that_lost_its_data_does_not_empty_its_replica(engine, app, admin, lab):
    write_all(app, "before-the-loss")
    primary = primaries(engine)["shard-3"]
    host = engine.hosts[primary]
    lab.run(host, f"systemctl stop {engine.unit}; rm -rf /data/{engine.name}/*")
    assert lab.run(host, f"systemctl start {engine.unit}").returncode != 0
    # The role waits for the failover, starts it empty, and has it follow its heir.
    assert engine.one(primary).facts["decision"] == "start empty"
    assert primaries(engine)["shard-3"] == other_of(engine, primary)
    assert {app.call("GET", key) for key in KEYS} == {"before-the-loss"}
    assert_unchanged(succeeded(engine.run(primary)), "a run after the repair")
    assert engine.one(primary, entry="form").status == "ok"


def test_form_mends_a_member_that_forgot_the_cluster(engine, admin):
    replica = other_of(engine, primaries(engine)["shard-2"])
    with admin.at(replica) as redis:
        redis.call("CLUSTER", "RESET", "HARD")
    assert engine.one("shard-1-a", entry="form").status == "changed"
    assert engine.one("shard-1-a", entry="form").status == "ok"


def test_a_member_that_owns_slots_may_not_leave(engine):
    primary = primaries(engine)["shard-1"]
    refused = engine.run(primary, entry="remove").hosts[engine.hosts[primary]]
    assert "can't leave" in refused.message
    engine.one("shard-1-a", entry="health")


def test_a_retired_engine_comes_back_with_its_data(engine, app):
    write_all(app, "kept")
    succeeded(engine.run(entry="remove", redis_retire=True))
    with pytest.raises(RedisError):
        app.call("GET", KEYS[0])
    succeeded(engine.run())
    engine.one("shard-1-a", entry="form")
    assert {app.call("GET", key) for key in KEYS} == {"kept"}
