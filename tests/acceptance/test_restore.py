"""Restore drills: a backup counts only when it has been restored. All of it happens in a scratch place on one host."""

from __future__ import annotations

import json
import uuid

import pytest

from greenfield.engines.redis import PORT
from greenfield.verify import scripts
from greenfield.verify.etcd import Etcd
from greenfield.verify.kubernetes import ETCD_PORT, PKI, Kubernetes
from greenfield.verify.redis import Redis

DEFAULT_RTO_SECONDS = 1800


def _rto(engine):
    protection = engine.spec.data_protection
    return protection.rto_seconds if protection else DEFAULT_RTO_SECONDS


@pytest.mark.control("RST-001", kind="etcd")
def test_etcd_snapshot_restores(engine, control, measured):
    etcd = Etcd(engine)
    leader = etcd.leader()
    place = next((member for member in engine.members if member != leader), leader)
    prefix = f"/greenfield/verify/{uuid.uuid4().hex}/"
    keys = control.thresholds["keys"]
    settings = {**etcd.writer(prefix, 0.0, 30.0, [place]), "count": keys}
    try:
        scripts.run(place.on, "etcd_writer", settings, timeout=45)
        upkeep = json.loads(place.on.check_output(f"cat /etc/etcd/{engine.name}/upkeep.json"))
        drill = {
            "ctl": f"/usr/local/bin/{etcd.command}",
            "bin": upkeep["bin"],
            "pki": engine.pki,
            "endpoint": etcd.endpoint(place),
            "account": "etcd",
            "place": "/data",
            "prefix": prefix,
            "most_seconds": min(_rto(engine), 120),
        }
        found = scripts.run(place.on, "etcd_restore", drill, timeout=min(_rto(engine), 300))
    finally:
        etcd.forget(place, prefix)
    measured("restore_seconds", found["seconds"])
    measured("rto_seconds", _rto(engine))
    measured("restored_keys", found["restored"]["keys"])
    measured("snapshot_bytes", found["snapshot_bytes"])
    assert found["restored"] == found["live"], "the restored store differs from the live one at the same revision"
    assert found["restored"]["keys"] >= keys
    assert found["seconds"] <= _rto(engine), f"{found['seconds']} s, promised {_rto(engine)} s"


@pytest.mark.control("RST-002", kind="redis")
def test_redis_snapshots_restore(engine, control, measured):
    redis = Redis(engine)
    keys, seconds = control.thresholds["keys"], 0.0
    for primary in redis.primaries():
        owner = engine.member_at(primary.address)
        copies = [node for node in redis.nodes() if node.primary == primary.address]
        place = engine.member_at(copies[0].address) if copies else owner
        prefix = f"{redis.tag_of(owner, primary)}greenfield-verify-{uuid.uuid4().hex}-"
        written = redis.work(owner, "write", prefix, [owner.address], seconds=0.0, count=keys)
        try:
            redis.until_in_step(owner)
            found = scripts.run(place.on, "redis_restore", _drill(redis, place, prefix, keys), timeout=_rto(engine))
        finally:
            redis.work(owner, "forget", prefix, [owner.address], tried=written["tried"])
        low, high = found["live_keys"]
        assert found["right"] == keys, f"{owner.group}: {found['right']} of {keys} keys came back"
        assert low <= found["keys"] <= high, f"{owner.group}: {found['keys']} keys restored, {low} to {high} live"
        # Shards are restored side by side when it matters: the slowest counts.
        seconds = max(seconds, found["seconds"])
    measured("restore_seconds", seconds)
    measured("rto_seconds", _rto(engine))
    assert seconds <= _rto(engine), f"{seconds} s, promised {_rto(engine)} s"


def _drill(redis, place, prefix, keys):
    return {
        "config": redis.config,
        "address": place.address,
        "port": PORT,
        "data": redis.engine.data,
        "account": "redis",
        "place": "/data",
        "prefix": prefix,
        "keys": keys,
        "most_seconds": min(_rto(redis.engine), 120),
    }


@pytest.mark.control("RST-003", kind="kubernetes")
def test_kubernetes_snapshot_restores(engine, acceptance, control, measured):
    kube, keys = Kubernetes.of(engine, acceptance), control.thresholds["keys"]
    place = kube.etcd_members[-1]
    with kube.namespace("restore") as name:
        objects = [
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"one-{number}", "namespace": name}}
            for number in range(keys)
        ]
        kube.ctl("create -f -", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
        drill = {
            **(_own_store(kube, place) if kube.stacked else _engine_store(kube.etcd)),
            "endpoint": f"https://{place.address}:{ETCD_PORT}",
            "place": "/data",
            "prefix": f"/registry/configmaps/{name}/",
            "most_seconds": min(_rto(engine), 120),
        }
        found = scripts.run(place.on, "etcd_restore", drill, timeout=min(_rto(engine), 300))
        held = engine.members[0].on.check_output(kube.etcdctl(f"get {drill['prefix']} --prefix --keys-only")).split()
    measured("restore_seconds", found["seconds"])
    measured("rto_seconds", _rto(engine))
    measured("restored_keys", found["restored"]["keys"])
    measured("snapshot_bytes", found["snapshot_bytes"])
    assert found["restored"] == found["live"], "the restored store differs from the live one at the same revision"
    assert len(held) >= keys
    assert found["seconds"] <= _rto(engine), f"{found['seconds']} s, promised {_rto(engine)} s"


def _own_store(kube, member):
    """The etcd of a control plane as it runs on a member: its program is in its container."""
    pid = member.on.check_output("pgrep -o -f '^etcd --'")
    return {
        "ctl": f"{kube.bin}/etcdctl",
        "bin": kube.bin,
        "etcd": f"/proc/{pid}/root{member.on.check_output(f'readlink /proc/{pid}/exe')}",
        "environment": {key: value for key, value in kube.etcd_environment.items() if key != "ETCDCTL_ENDPOINTS"},
        "pki": f"{PKI}/etcd",
        "pair": "server",
        "account": "root",
    }


def _engine_store(engine):
    """An etcd engine on a member of its own."""
    upkeep = json.loads(engine.members[-1].on.check_output(f"cat /etc/etcd/{engine.name}/upkeep.json"))
    ctl = f"/usr/local/bin/{Etcd(engine).command}"
    return {"ctl": ctl, "bin": upkeep["bin"], "pki": engine.pki, "account": "etcd"}
