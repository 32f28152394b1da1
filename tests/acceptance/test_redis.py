"""What a Redis Cluster promises. Drills leave it as they found it: whole, the same primaries, without their keys."""

from __future__ import annotations

import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from greenfield.engines.redis import PORT
from greenfield.verify import scripts
from greenfield.verify.certificates import Certificate, site_authority
from greenfield.verify.redis import SLOTS, Redis

DRILL_SECONDS = 8.0
"""How long a writer runs at least around a loss."""

QUIET_SECONDS = 1.5
"""How long it writes before the loss."""

FORBIDDEN = ("CONFIG GET maxmemory", "FLUSHALL", "SHUTDOWN", "ACL LIST", "DEBUG SLEEP 0", "CLUSTER RESET", "MONITOR")
"""Commands that the application's user must not run."""


@pytest.fixture
def redis(engine):
    """The engine under test, as a Redis Cluster."""
    return Redis(engine)


@pytest.mark.control("RED-001")
def test_every_slot_is_served(redis):
    for member in redis.engine.members:
        state = dict(line.split(":", 1) for line in redis.cli(member, "CLUSTER INFO").splitlines() if ":" in line)
        assert state["cluster_state"] == "ok", f"{member.name}: the cluster is {state['cluster_state']}"
        assert int(state["cluster_slots_ok"]) == SLOTS, f"{member.name}: {state['cluster_slots_ok']} slots are served"


@pytest.mark.control("RED-002")
def test_members_are_the_planned_ones(redis):
    planned = {member.address for member in redis.engine.members}
    for member in redis.engine.members:
        nodes = redis.nodes(member)
        assert {node.address for node in nodes} == planned, f"{member.name} knows {sorted(n.address for n in nodes)}"
        lost = [node.address for node in nodes if node.is_lost]
        assert not lost, f"{member.name} misses {', '.join(lost)}"


@pytest.mark.control("RED-003")
def test_replicas_stand_in_other_racks(redis):
    nodes = redis.nodes()
    for primary in redis.primaries():
        copies = [node for node in nodes if node.primary == primary.address]
        assert len(copies) == redis.engine.spec.options["replicas"], f"{primary.address} has {len(copies)} replicas"
        racks = [redis.engine.member_at(node.address).rack for node in (primary, *copies)]
        assert len(set(racks)) == len(racks), f"the shard of {primary.address} stands in racks {', '.join(racks)}"


@pytest.mark.control("RED-004")
def test_replicas_are_in_step(redis, control, measured):
    slowest, replicas = 0, 0
    for member in redis.engine.members:
        state = redis.info(member, "replication")
        if state["role"] != "slave":
            continue
        replicas += 1
        assert state["master_link_status"] == "up", f"{member.name}: link {state['master_link_status']}"
        slowest = max(slowest, int(state["master_last_io_seconds_ago"]))
    planned = len(redis.engine.members) - redis.engine.spec.options["shards"]
    assert replicas == planned, f"{replicas} replicas, planned {planned}"
    measured("replica_silence_seconds", slowest)
    # A primary pings its replicas every 10 s, so silence up to that is no lag; bytes behind are.
    assert slowest <= 10 + control.thresholds["lag"]


@pytest.mark.control("RED-005")
def test_a_write_is_read_everywhere(redis):
    first, *others = redis.engine.members
    key, value = f"greenfield-verify-{uuid.uuid4().hex}", uuid.uuid4().hex
    redis.cli(first, f"-c SET {key} {value} EX 300")
    try:
        for member in others:
            assert redis.cli(member, f"-c GET {key}") == value, f"{member.name} reads something else"
        slot = int(redis.cli(first, f"CLUSTER KEYSLOT {key}"))
        nodes = redis.nodes()
        owner = next(node for node in nodes if any(low <= slot <= high for low, high in node.slots))
        for copy in (node for node in nodes if node.primary == owner.address):
            assert _read_on_copy(redis, redis.engine.member_at(copy.address), key, value)
    finally:
        redis.cli(first, f"-c DEL {key}")


def _read_on_copy(redis, member, key, value):
    """Whether a replica has a value; it may take a moment, and says what it last had when it takes too long."""
    deadline = time.monotonic() + 5
    while True:
        found = member.on.check_output(f"printf 'READONLY\\nGET {key}\\n' | {redis.command}").split()
        if found[-1:] == [value]:
            return True
        assert time.monotonic() < deadline, f"{member.name} has {found} after 5 s"
        time.sleep(0.1)


@pytest.mark.control("RED-006")
def test_loss_of_a_primary_heals(redis, control, measured):
    redis.until_whole(QUIET_SECONDS * 10)
    node = redis.primaries()[0]
    victim = redis.engine.member_at(node.address)
    witness = next(m for m in redis.engine.members if m.group != victim.group and m.rack != victim.rack)
    prefix = f"{redis.tag_of(witness, node)}greenfield-verify-{uuid.uuid4().hex}-"
    order = [victim.address, *(m.address for m in redis.engine.members if m != victim)]
    bound = control.thresholds["recovery"]
    most = bound + DRILL_SECONDS
    tried = 1
    try:
        with ThreadPoolExecutor(1) as pool:
            writing = pool.submit(redis.work, witness, "write", prefix, order, seconds=DRILL_SECONDS, most_seconds=most)
            try:
                time.sleep(QUIET_SECONDS)
                redis.kill(victim)
                wait([writing], most + 20)
            finally:
                back = redis.bring_back(victim)
        written = writing.result()
        tried = written["tried"]
        missing = set(redis.work(witness, "held", prefix, order, tried=tried)["missing"])
    finally:
        redis.work(witness, "forget", prefix, order, tried=tried)
        redis.make_primary(victim)
    lost = missing - set(written["unacknowledged"])
    rate = written["acknowledged_before_gap"] / max(written["gap_began_at"], 0.001)
    window = len(lost) / rate if rate else 0.0
    measured("failover_seconds", written["longest_gap_seconds"])
    measured("acknowledged_writes", written["acknowledged"])
    measured("lost_writes", len(lost))
    measured("lost_window_seconds", window)
    measured("whole_again_seconds", back)
    assert written["longest_gap_seconds"] <= bound, f"no write for {written['longest_gap_seconds']} s"
    assert window <= control.thresholds["lost"], f"{len(lost)} acknowledged writes ({window:.2f} s) are lost"
    assert written["acknowledged"] >= control.thresholds["writes"], f"only {written['acknowledged']} writes"


def _stranger(redis, member):
    settings = {
        "address": member.address,
        "port": PORT,
        "authority": f"{redis.engine.pki}/ca.crt",
        "request": "INFO server\r\n",
    }
    return scripts.run(member.on, "tls_probe", settings, timeout=20)


@pytest.mark.control("RED-007")
def test_plain_text_is_refused(redis):
    for member in redis.engine.members:
        found = _stranger(redis, member)["plain"]
        assert found["result"] == "refused", f"{member.name}: {found}"


@pytest.mark.control("RED-008")
def test_nobody_gets_in_without_a_password(redis):
    for member in redis.engine.members:
        found = _stranger(redis, member)["tls"]
        refused = found["result"] == "refused" or found["detail"].startswith(("-NOAUTH", "-NOPERM"))
        assert refused, f"{member.name}: {found}"
        assert "off" in redis.cli(member, "ACL GETUSER default").split(), f"{member.name}: the default user is on"


@pytest.mark.control("RED-009")
def test_the_application_is_no_administrator(redis):
    for member in redis.engine.members:
        assert redis.cli(member, "ACL DRYRUN app SET key value") == "OK", f"{member.name}: app can't write"
        may = [words for words in FORBIDDEN if redis.cli(member, f"ACL DRYRUN app {words}") == "OK"]
        assert not may, f"{member.name}: app may {', '.join(may)}"


@pytest.mark.control("RED-010")
def test_certificates_are_the_engines_own(redis, measured):
    left = []
    for member in redis.engine.members:
        pki = redis.engine.pki
        certificate = Certificate.read(member.on, f"{pki}/member.crt", f"{pki}/ca.crt")
        left.append(certificate.left_seconds)
        assert certificate.chained, f"{member.name}: does not chain to the engine's authority"
        assert certificate.authority != site_authority(member.on), f"{member.name}: trusts whoever the site has signed"
        assert {member.host, f"{member.host}.{redis.engine.domain}", "localhost"} <= certificate.names, member.name
        assert {member.address, "127.0.0.1"} <= certificate.addresses, member.name
        assert certificate.left_seconds >= redis.engine.renew_before_seconds, f"{member.name}: ends {certificate.ends}"
    measured("certificate_left_seconds", min(left))


@pytest.mark.control("RED-011")
def test_writes_are_logged(redis):
    planned = str(redis.engine.spec.options["append_fsync"])
    for member in redis.engine.members:
        state = redis.info(member, "persistence")
        assert state["aof_enabled"] == "1", f"{member.name}: no append-only file"
        assert state["aof_last_write_status"] == "ok", f"{member.name}: the last write to the log failed"
        assert state["rdb_last_bgsave_status"] == "ok", f"{member.name}: the last save failed"
        found = redis.setting(member, "appendfsync")
        assert found == planned, f"{member.name}: appendfsync {found}, planned {planned}"
        timer = redis.engine.unit.removesuffix(".service") + "-backup.timer"
        active = member.on.check_output(f"systemctl is-active {timer} || true")
        assert active == "active", f"{member.name}: {timer} is {active}"


@pytest.mark.control("RED-012")
def test_memory_is_bounded(redis):
    options = redis.engine.spec.options
    for member in redis.engine.members:
        limit, policy = int(redis.setting(member, "maxmemory")), redis.setting(member, "maxmemory-policy")
        assert limit == options["memory_bytes"], f"{member.name}: maxmemory {limit}"
        assert policy == options["memory_policy"], f"{member.name}: policy {policy}"
        evicted = int(redis.info(member, "stats")["evicted_keys"])
        assert policy != "noeviction" or evicted == 0, f"{member.name}: {evicted} keys were evicted"


@pytest.mark.control("RED-013")
def test_members_run_unprivileged(redis):
    for member in redis.engine.members:
        shown = member.on.check_output(f"systemctl show -P MainPID {redis.engine.unit}")
        user = member.on.check_output(f"ps -o user= -p {shown}")
        owner, mode = member.on.check_output(f"stat -c '%U %a' {redis.engine.data}").split()
        assert user == owner == "redis", f"{member.name}: runs as {user}, data of {owner}"
        assert int(mode, 8) & 0o077 == 0, f"{member.name}: data directory has mode {mode}"


@pytest.mark.control("RED-014")
def test_members_run_one_release(redis):
    versions = {member.name: redis.info(member, "server")["redis_version"] for member in redis.engine.members}
    assert len(set(versions.values())) == 1, versions
    (version,) = set(versions.values())
    assert version.startswith(f"{redis.engine.spec.version}."), f"{version}, planned {redis.engine.spec.version}"


@pytest.mark.control("RED-015")
def test_data_lies_on_the_data_disk(redis):
    for member in redis.engine.members:
        mount = member.on.check_output(f"findmnt -n -o TARGET -T {redis.engine.data}")
        assert mount == "/data", f"{member.name}: {redis.engine.data} lies on {mount}"
        found = redis.setting(member, "dir")
        assert found == redis.engine.data, f"{member.name}: dir {found}"


@pytest.mark.control("RED-016")
def test_node_timeout_is_planned(redis):
    planned = round(redis.engine.spec.options["node_timeout_seconds"] * 1000)
    for member in redis.engine.members:
        found = int(redis.setting(member, "cluster-node-timeout"))
        assert found == planned, f"{member.name}: {found} ms, planned {planned} ms"


@pytest.mark.control("RED-017")
def test_requests_are_fast(redis, control, measured):
    node = redis.primaries()[0]
    member = redis.engine.member_at(node.address)
    prefix = f"{redis.tag_of(member, node)}greenfield-verify-{uuid.uuid4().hex}-"
    wanted = control.thresholds["requests"]
    written = redis.work(member, "write", prefix, [member.address], seconds=0.0, count=wanted, most_seconds=30.0)
    redis.work(member, "forget", prefix, [member.address], tried=written["tried"])
    measured("write_p50_seconds", written["p50_seconds"])
    measured("write_p99_seconds", written["p99_seconds"])
    assert written["acknowledged"] >= wanted, f"only {written['acknowledged']} writes in 30 s"
    assert written["p99_seconds"] <= control.thresholds["p99"], f"p99 {written['p99_seconds'] * 1000:.1f} ms"


@pytest.mark.control("RED-018")
def test_members_start_by_themselves(redis):
    for member in redis.engine.members:
        unit = redis.engine.unit
        enabled = member.on.check_output(f"systemctl is-enabled {unit} || true")
        restart = member.on.check_output(f"systemctl show -P Restart {unit}")
        assert enabled == "enabled", f"{member.name}: {unit} is {enabled}"
        assert restart in ("always", "on-failure"), f"{member.name}: Restart={restart}"
