"""What an etcd engine promises. Drills leave the engine as they found it: whole, and without the keys they wrote."""

from __future__ import annotations

import json
import re
import time
import uuid
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from greenfield.engines.etcd import CLIENT_PORT, PEER_PORT
from greenfield.verify import scripts
from greenfield.verify.certificates import Certificate, site_authority
from greenfield.verify.etcd import Etcd

DRILL_SECONDS = 6.0
"""How long a writer runs at least around a loss."""

QUIET_SECONDS = 1.5
"""How long it writes before the loss."""


@pytest.fixture
def etcd(engine):
    """The engine under test, as etcd."""
    return Etcd(engine)


@pytest.fixture
def prefix(etcd):
    """A key prefix of this check alone; what is below it goes away afterwards."""
    name = f"/greenfield/verify/{uuid.uuid4().hex}/"
    yield name
    etcd.forget(etcd.engine.members[0], name)


@pytest.mark.control("ETCD-001")
def test_members_are_the_planned_ones(etcd):
    listed = json.loads(etcd.ctl(etcd.engine.members[0], "member list -w json"))["members"]
    found = {member["name"]: member["peerURLs"] for member in listed}
    assert found == {member.name: [f"https://{member.address}:{PEER_PORT}"] for member in etcd.engine.members}
    learners = [member["name"] for member in listed if member.get("isLearner")]
    assert not learners, f"still learning: {', '.join(learners)}"


@pytest.mark.control("ETCD-002")
def test_endpoints_are_healthy(etcd):
    health = json.loads(etcd.ctl(etcd.engine.members[0], "endpoint health -w json"))
    assert len(health) == len(etcd.engine.members)
    sick = [f"{item['endpoint']}: {item.get('error', '')}" for item in health if not item["health"]]
    assert not sick, "; ".join(sick)


@pytest.mark.control("ETCD-003")
def test_members_follow_one_leader(etcd, control, measured):
    statuses = etcd.statuses()
    etcd.leader()
    terms = {status["raftTerm"] for status in statuses.values()}
    assert len(terms) == 1, f"members are in terms {sorted(terms)}"
    lag = max(status["raftIndex"] - status["raftAppliedIndex"] for status in statuses.values())
    measured("apply_lag_entries", lag)
    assert lag <= control.thresholds["lag"], f"a member is {lag} entries behind"


@pytest.mark.control("ETCD-004")
def test_a_write_is_read_everywhere(etcd, prefix):
    first, *others = etcd.engine.members
    value = uuid.uuid4().hex
    etcd.ctl(first, f"put {prefix}one {value}", at=(first,))
    for member in others:
        read = etcd.ctl(member, f"get {prefix}one --print-value-only", at=(member,))
        assert read == value, f"{member.name} has {read!r}"


@pytest.mark.control("ETCD-005")
def test_members_hold_the_same(etcd):
    first = etcd.engine.members[0]
    revision = min(status["header"]["revision"] for status in etcd.statuses().values())
    hashes = json.loads(etcd.ctl(first, f"endpoint hashkv --rev={revision} -w json"))
    found = {item["Endpoint"]: item["HashKV"]["hash"] for item in hashes}
    assert len(found) == len(etcd.engine.members)
    assert len(set(found.values())) == 1, f"members differ at revision {revision}: {found}"


def _write_through_a_loss(etcd, victim, prefix, most_seconds):
    """Write while a member is lost; the writer runs on another member's host and begins at the victim."""
    witness = next(member for member in etcd.engine.members if member != victim)
    order = [victim, *(member for member in etcd.engine.members if member != victim)]
    settings = etcd.writer(prefix, DRILL_SECONDS, most_seconds, order)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(scripts.run, witness.on, "etcd_writer", settings, timeout=most_seconds + 10)
        try:
            time.sleep(QUIET_SECONDS)
            etcd.kill(victim)
            wait([writing], most_seconds + 20)
        finally:
            back = etcd.bring_back(victim)
    return witness, writing.result(), back


@pytest.mark.control("ETCD-006")
@pytest.mark.needs("another-member")
def test_loss_of_the_leader_heals(etcd, prefix, control, measured):
    bound = control.thresholds["recovery"]
    leader = etcd.leader()
    witness, written, back = _write_through_a_loss(etcd, leader, prefix, bound + DRILL_SECONDS)
    lost = etcd.acknowledged_and_lost(witness, prefix, written)
    measured("failover_seconds", written["longest_gap_seconds"])
    measured("acknowledged_writes", written["acknowledged"])
    measured("lost_writes", len(lost))
    measured("whole_again_seconds", back)
    assert not lost, f"{len(lost)} of {written['acknowledged']} acknowledged writes are lost"
    assert written["longest_gap_seconds"] <= bound, f"no write for {written['longest_gap_seconds']} s"
    assert written["acknowledged"] >= control.thresholds["writes"], f"only {written['acknowledged']} writes"
    assert etcd.leader() != leader, "the lost leader leads again, so none took over"


@pytest.mark.control("ETCD-007")
@pytest.mark.needs("another-member")
def test_loss_of_a_follower_interrupts_nobody(etcd, prefix, control, measured):
    leader = etcd.leader()
    follower = next(member for member in etcd.engine.members if member != leader)
    witness, written, _ = _write_through_a_loss(etcd, follower, prefix, 2 * DRILL_SECONDS)
    lost = etcd.acknowledged_and_lost(witness, prefix, written)
    measured("longest_gap_seconds", written["longest_gap_seconds"])
    measured("acknowledged_writes", written["acknowledged"])
    assert not lost, f"{len(lost)} of {written['acknowledged']} acknowledged writes are lost"
    assert written["longest_gap_seconds"] <= control.thresholds["gap"], (
        f"no write for {written['longest_gap_seconds']} s"
    )
    assert written["acknowledged"] >= control.thresholds["writes"]


def _strangers(etcd, port, request):
    """What strangers get at a port of each member, tried from another member's host."""
    for member in etcd.engine.members:
        settings = {
            "address": member.address,
            "port": port,
            "authority": f"{etcd.engine.pki}/ca.crt",
            "request": request,
        }
        yield member, scripts.run(member.on, "tls_probe", settings, timeout=20)


@pytest.mark.control("ETCD-008")
def test_strangers_are_no_clients(etcd):
    for member, found in _strangers(etcd, CLIENT_PORT, "GET /version HTTP/1.1\r\nHost: etcd\r\n\r\n"):
        _assert_refused(member, found)


@pytest.mark.control("ETCD-009")
def test_strangers_are_no_peers(etcd):
    for member, found in _strangers(etcd, PEER_PORT, "GET /members HTTP/1.1\r\nHost: etcd\r\n\r\n"):
        _assert_refused(member, found)


def _assert_refused(member, found):
    # Go's TLS server tells a plain-text client so in HTTP before it hangs up; that is a refusal too.
    plain = found["plain"]
    told = plain["result"] == "answered" and "400 Bad Request" in plain["detail"]
    assert found["tls"]["result"] == "refused", f"{member.name}, TLS without a certificate: {found['tls']}"
    assert plain["result"] == "refused" or told, f"{member.name}, plain text: {plain}"


@pytest.mark.control("ETCD-010")
def test_certificates_are_the_engines_own(etcd, measured):
    left = []
    for member in etcd.engine.members:
        pki = etcd.engine.pki
        certificate = Certificate.read(member.on, f"{pki}/member.crt", f"{pki}/ca.crt")
        left.append(certificate.left_seconds)
        assert certificate.chained, f"{member.name}: does not chain to the engine's authority"
        assert certificate.authority != site_authority(member.on), f"{member.name}: trusts whoever the site has signed"
        assert {member.host, f"{member.host}.{etcd.engine.domain}", "localhost"} <= certificate.names, member.name
        assert {member.address, "127.0.0.1"} <= certificate.addresses, member.name
        assert certificate.left_seconds >= etcd.engine.renew_before_seconds, f"{member.name}: ends {certificate.ends}"
    measured("certificate_left_seconds", min(left))


@pytest.mark.control("ETCD-011")
def test_members_run_unprivileged(etcd):
    for member in etcd.engine.members:
        shown = member.on.check_output(f"systemctl show -P MainPID {etcd.engine.unit}")
        user = member.on.check_output(f"ps -o user= -p {shown}")
        owner, mode = member.on.check_output(f"stat -c '%U %a' {etcd.engine.data}").split()
        assert user == owner == "etcd", f"{member.name}: runs as {user}, data of {owner}"
        assert int(mode, 8) & 0o077 == 0, f"{member.name}: data directory has mode {mode}"


@pytest.mark.control("ETCD-012")
def test_members_run_one_release(etcd):
    versions = {name: status["version"] for name, status in etcd.statuses().items()}
    assert len(set(versions.values())) == 1, versions
    (version,) = set(versions.values())
    assert version.startswith(f"{etcd.engine.spec.version}."), f"{version}, planned {etcd.engine.spec.version}"


@pytest.mark.control("ETCD-013")
def test_quota_has_room(etcd, control, measured):
    quota = int(etcd.engine.spec.options["quota_bytes"])
    used = 0.0
    for name, status in etcd.statuses().items():
        assert status["dbSizeQuota"] == quota, f"{name}: quota {status['dbSizeQuota']}, planned {quota}"
        used = max(used, status["dbSize"] / quota)
    measured("quota_used_ratio", used)
    assert used <= control.thresholds["used"], f"{used:.0%} of the quota is used"
    assert etcd.ctl(etcd.engine.members[0], "alarm list") == ""


@pytest.mark.control("ETCD-014")
def test_writes_are_fast(etcd, prefix, control, measured):
    bound = etcd.engine.spec.slo.commit_p99_seconds or control.thresholds["p99"]
    leader = etcd.leader()
    settings = {**etcd.writer(prefix, 0.0, 30.0, [leader]), "count": control.thresholds["writes"]}
    written = scripts.run(leader.on, "etcd_writer", settings, timeout=45)
    assert written["acknowledged"] >= control.thresholds["writes"], f"only {written['acknowledged']} in 30 s"
    measured("commit_p50_seconds", written["p50_seconds"])
    measured("commit_p99_seconds", written["p99_seconds"])
    assert written["p99_seconds"] <= bound, (
        f"p99 {written['p99_seconds'] * 1000:.1f} ms, promised {bound * 1000:.0f} ms"
    )


@pytest.mark.control("ETCD-015")
def test_upkeep_is_scheduled(etcd):
    protection = etcd.engine.spec.data_protection
    unit = etcd.engine.unit.removesuffix(".service")
    for member in etcd.engine.members:
        for job in ("snapshot", "defragment"):
            state = member.on.check_output(f"systemctl is-active {unit}-{job}.timer || true")
            assert state == "active", f"{member.name}: the timer of {job} is {state}"
            last = member.on.check_output(f"systemctl show -P Result {unit}-{job}.service")
            assert last == "success", f"{member.name}: the last {job} ended with {last}"
        timers = member.on.check_output(f"systemctl cat {unit}-snapshot.timer")
        every = re.search(r"^OnUnitActiveSec=(\d+)s$", timers, re.MULTILINE)
        assert every, f"{member.name}: snapshots have no period"
        if protection:
            assert int(every.group(1)) <= protection.rpo_seconds, f"{member.name}: a snapshot every {every.group(1)} s"


@pytest.mark.control("ETCD-016")
def test_data_lies_on_the_data_disk(etcd):
    for member in etcd.engine.members:
        mount = member.on.check_output(f"findmnt -n -o TARGET -T {etcd.engine.data}")
        assert mount == "/data", f"{member.name}: {etcd.engine.data} lies on {mount}"


@pytest.mark.control("ETCD-017")
def test_history_is_compacted(etcd):
    for member in etcd.engine.members:
        pid = member.on.check_output(f"systemctl show -P MainPID {etcd.engine.unit}")
        settings = member.on.check_output(f"tr '\\0' '\\n' < /proc/{pid}/environ | grep ^ETCD_AUTO_COMPACTION || true")
        found = dict(line.split("=", 1) for line in settings.splitlines())
        assert found.get("ETCD_AUTO_COMPACTION_MODE") in ("periodic", "revision"), (
            f"{member.name}: {found or 'not set'}"
        )
        assert found.get("ETCD_AUTO_COMPACTION_RETENTION", "0") != "0", f"{member.name}: nothing is compacted"


@pytest.mark.control("ETCD-018")
def test_members_start_by_themselves(etcd):
    for member in etcd.engine.members:
        unit = etcd.engine.unit
        enabled = member.on.check_output(f"systemctl is-enabled {unit} || true")
        restart = member.on.check_output(f"systemctl show -P Restart {unit}")
        assert enabled == "enabled", f"{member.name}: {unit} is {enabled}"
        assert restart in ("always", "on-failure"), f"{member.name}: Restart={restart}"
