"""The role `etcd`: three members that serve, hand over, survive a lost disk, and never become two clusters."""

from __future__ import annotations

import json
import ssl
import urllib.request

import pytest
from engine_steps import Engine, eventually
from scenario import assert_unchanged, succeeded

PROVES = ("etcd/role",)
ORDER = 50

KEY = "/scenario/value"


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("etcd", form=True)


@pytest.fixture(scope="module")
def engine(converged, scenario):
    return Engine(scenario, "etcd")


@pytest.fixture(scope="module")
def cluster_id(converged):
    return next(host.facts["cluster_id"] for name, host in converged.first.hosts.items() if name.startswith("form on"))


@pytest.fixture(scope="module")
def etcdctl(engine, lab):
    """``etcdctl("member-1", "get", KEY)`` asks that member alone, from its own host."""

    def call(member, *words):
        command = f"ETCDCTL_ENDPOINTS=https://{engine.addresses[member]}:2379 etcdctl-{engine.name} {' '.join(words)}"
        return lab.run(engine.hosts[member], command)

    return call


def leader_of(engine):
    return engine.one("member-1", entry="health").facts["leader"]


def pid(engine, lab, member):
    return lab.run(engine.hosts[member], f"systemctl show -p MainPID --value {engine.unit}").stdout.strip()


def lose_data(engine, lab, member):
    lab.run(engine.hosts[member], f"systemctl stop {engine.unit} && rm -r /data/{engine.name}/member")


def test_few_executions(converged):
    # Five tasks a host, and the check of the arguments once.
    assert converged.again.executions <= 5 * len(converged.layer.targets)


def test_a_write_on_one_member_is_read_on_the_others(engine, etcdctl):
    assert etcdctl("member-1", "put", KEY, "first").stdout.strip() == "OK"
    for member in engine.hosts:
        assert etcdctl(member, "get", KEY, "--print-value-only").stdout.strip() == "first"


def test_a_client_without_a_certificate_is_refused(engine, lab):
    """It only reads: TLS 1.3 refuses after the handshake, and a client that writes may see a reset instead."""
    address = engine.addresses["member-1"]
    script = (
        f"import socket, ssl; c = ssl.create_default_context(cafile='/etc/etcd/{engine.name}/pki/ca.crt'); "
        f"s = c.wrap_socket(socket.create_connection(('{address}', 2379), 5), server_hostname='{address}'); s.recv(1)"
    )
    done = lab.run(engine.hosts["member-1"], ["python3", "-c", script])
    assert done.returncode != 0
    assert "CERTIFICATE_REQUIRED" in done.stderr


def test_only_certificates_of_this_engine_are_peers(engine, scenario, lab):
    """A certificate of the same authority for another engine is turned away at the peer port, a member's is not."""
    host, address = engine.hosts["member-1"], engine.addresses["member-2"]
    own = f"/etc/etcd/{engine.name}/pki"
    other = scenario.layer("redis").targets[0].variables
    assert _peer_answers(lab, host, address, f"{own}/member.crt", f"{own}/member.key")
    pair = other["redis_certificate"] + other["redis_private_key"]
    lab.run(host, f"install -m 600 /dev/null /run/foreign.pem; cat > /run/foreign.pem <<'PEM'\n{pair}PEM")
    assert not _peer_answers(lab, host, address, "/run/foreign.pem", "/run/foreign.pem")


def _peer_answers(lab, host, address, certificate, key):
    script = (
        f"import ssl, urllib.request as u; c = ssl.create_default_context(cafile='/etc/greenfield/pki/ca.crt'); "
        f"c.load_cert_chain('{certificate}', '{key}'); "
        f"print(u.urlopen('https://{address}:2380/version', context=c, timeout=5).status)"
    )
    done = lab.run(host, ["python3", "-c", script])
    assert done.stdout.strip() == "200" or "Error" in done.stderr, done.stderr
    return done.stdout.strip() == "200"


def test_it_runs_as_its_own_user_on_the_data_disk(engine, lab):
    for host in engine.hosts.values():
        assert lab.run(host, f"stat -c '%U %a' /data/{engine.name}").stdout.strip() == "etcd 700"
        assert lab.run(host, f"findmnt -nT /data/{engine.name} -o TARGET").stdout.strip() == "/data"
        assert lab.run(host, "ps -o user= -C etcd").stdout.strip() == "etcd"


def test_metrics_have_their_own_port(engine):
    for address in engine.addresses.values():
        with urllib.request.urlopen(f"http://{address}:2381/metrics", timeout=10) as answer:
            assert b"etcd_server_has_leader 1" in answer.read()


def test_a_snapshot_is_taken_and_verified(engine, lab):
    host = engine.hosts["member-2"]
    unit = f"greenfield-etcd-{engine.name}-snapshot"
    assert lab.run(host, f"systemctl is-active {unit}.timer").stdout.strip() == "active"
    assert lab.run(host, f"systemctl start {unit}.service").returncode == 0
    newest = lab.run(host, f"ls -t /data/{engine.name}-snapshots | head -1").stdout.strip()
    status = lab.run(host, f"/opt/etcd/*/etcdutl snapshot status /data/{engine.name}-snapshots/{newest} -w json")
    assert json.loads(status.stdout)["totalKey"] >= 1
    # What is older than kept goes, the newest stays.
    lab.run(host, f"touch -d '30 days ago' /data/{engine.name}-snapshots/*.db && systemctl start {unit}.service")
    assert len(lab.run(host, f"ls /data/{engine.name}-snapshots/*.db").stdout.split()) == 1


def test_defragmentation_leaves_the_cluster_healthy(engine, lab):
    unit = f"greenfield-etcd-{engine.name}-defragment.service"
    assert lab.run(engine.hosts["member-3"], f"systemctl start {unit}").returncode == 0
    assert engine.one("member-1", entry="health").facts["leader"]


def test_defragmentation_waits_for_a_missing_member(engine, lab):
    """A member that is away raises its own alarm; the job that needs every member is done once it is back."""
    unit = f"greenfield-etcd-{engine.name}-defragment.service"
    waiting, away = engine.hosts["member-3"], engine.hosts["member-2"]
    assert lab.run(away, f"systemctl stop {engine.unit}").returncode == 0
    lab.run(waiting, f"journalctl --rotate; systemctl start --no-block {unit}")
    said = lab.run(
        waiting, f"timeout 30 sh -c 'until journalctl -n 20 -o cat -u {unit} | grep looking.again; do sleep 0.5; done'"
    )
    assert "defragment waits, looking again in 15 s" in said.stdout
    assert lab.run(waiting, f"systemctl is-active {unit}").stdout.strip() == "activating"
    assert lab.run(away, f"systemctl start {engine.unit}").returncode == 0
    done = lab.run(waiting, f"systemctl start {unit}; systemctl show -P Result {unit}")
    assert done.stdout.strip() == "success"


def test_a_changed_setting_restarts_one_member(engine, lab, converged):
    before = {member: pid(engine, lab, member) for member in engine.hosts}
    assert engine.one("member-3", check=True, etcd_heartbeat_ms=150).facts["restart"]
    assert pid(engine, lab, "member-3") == before["member-3"]
    engine.one("member-3", etcd_heartbeat_ms=150)
    after = {member: pid(engine, lab, member) for member in engine.hosts}
    assert {member for member in before if before[member] != after[member]} == {"member-3"}
    engine.one("member-1", entry="health")
    engine.one("member-3")


def test_a_new_certificate_is_served_without_a_restart(engine, lab, scenario):
    before = pid(engine, lab, "member-2")
    layer, certificate = engine.renewed("member-2")
    assert not succeeded(scenario.run("etcd", layer, check=True)).hosts[engine.hosts["member-2"]].facts["restart"]
    succeeded(scenario.run("etcd", layer))
    assert ssl.get_server_certificate((engine.addresses["member-2"], 2379)).strip() == certificate.strip()
    assert pid(engine, lab, "member-2") == before


def test_drain_hands_over_leadership(engine):
    leader = leader_of(engine)
    drained = engine.one(leader, entry="drain")
    assert drained.status == "changed"
    eventually(lambda: leader_of(engine) == drained.facts["leader"] or None, seconds=10, what="another leader")
    assert engine.one(leader, entry="drain").status == "ok"


def test_a_member_that_lost_its_data_is_replaced(engine, etcdctl, lab, cluster_id):
    etcdctl("member-1", "put", KEY, "before-the-loss")
    lose_data(engine, lab, "member-2")
    # By itself it does not come back: it would vote with a blank memory.
    assert lab.run(engine.hosts["member-2"], f"systemctl start {engine.unit}").returncode != 0
    unhealthy = engine.run("member-1", entry="health", etcd_health_deadline_seconds=0)
    assert "member-2 does not accept connections" in unhealthy.hosts[engine.hosts["member-1"]].message
    engine.one("member-1", entry="health", etcd_health_except=["member-2"])
    assert engine.one("member-2").facts["decision"] == "add"
    healthy = engine.one("member-1", entry="health").facts
    assert (healthy["cluster_id"], len(healthy["members"])) == (cluster_id, 3)
    assert etcdctl("member-2", "get", KEY, "--print-value-only").stdout.strip() == "before-the-loss"
    assert_unchanged(succeeded(engine.run("member-2")), "a run after the replacement")


def test_without_a_quorum_nothing_is_replaced_and_no_second_cluster_begins(engine, lab, cluster_id):
    lab.run(engine.hosts["member-1"], f"systemctl stop {engine.unit}")
    lose_data(engine, lab, "member-2")
    refused = engine.run("member-2").hosts[engine.hosts["member-2"]]
    assert refused.failed
    assert "no quorum to replace it" in refused.message
    assert not lab.run(engine.hosts["member-2"], f"ls -A /data/{engine.name}/member").stdout
    # A third that is gone too changes nothing: nobody answers, but it is known to have had data.
    lab.run(engine.hosts["member-3"], f"systemctl stop {engine.unit}")
    assert "has run before" in engine.run("member-2").hosts[engine.hosts["member-2"]].message
    succeeded(engine.run("member-1", "member-3"))
    engine.one("member-1", entry="health", etcd_health_except=["member-2"])
    engine.one("member-2")
    assert engine.one("member-2", entry="health").facts["cluster_id"] == cluster_id


def test_drain_is_refused_when_the_others_have_no_quorum(engine, lab):
    lab.run(engine.hosts["member-2"], f"systemctl stop {engine.unit}")
    refused = engine.run("member-1", entry="drain", etcd_drain_deadline_seconds=1).hosts[engine.hosts["member-1"]]
    assert "can't be restarted" in refused.message
    assert "member-2" in refused.message
    engine.one("member-2")
    engine.one("member-2", entry="health")


def test_a_member_leaves_and_joins_again(engine, lab, cluster_id):
    engine.one("member-3", entry="remove")
    host = engine.hosts["member-3"]
    assert lab.run(host, f"ls /data/{engine.name}").stdout.startswith("removed-")
    assert lab.run(host, f"systemctl is-active {engine.unit}").stdout.strip() == "inactive"
    assert "member-3 is not in the cluster" in (
        engine.run("member-1", entry="health", etcd_health_deadline_seconds=0).hosts[engine.hosts["member-1"]].message
    )
    assert engine.one("member-3").facts["decision"] == "add"
    assert engine.one("member-3", entry="health").facts["cluster_id"] == cluster_id


def test_a_retired_engine_comes_back_with_its_data(engine, etcdctl, cluster_id):
    etcdctl("member-1", "put", KEY, "kept")
    succeeded(engine.run(entry="remove", etcd_retire=True))
    assert etcdctl("member-1", "get", KEY).returncode != 0
    succeeded(engine.run())
    assert engine.one("member-1", entry="form").facts["cluster_id"] == cluster_id
    assert etcdctl("member-2", "get", KEY, "--print-value-only").stdout.strip() == "kept"
