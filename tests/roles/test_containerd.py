"""The role `containerd`: containers run within limits, from the site's registry alone, and outlive their daemon."""

from __future__ import annotations

import dataclasses
import json

import pytest
from engine_steps import Engine, eventually
from scenario import assert_unchanged, succeeded

PROVES = ("containers/role",)
ORDER = 70

UNIT = "containerd.service"
PULL = "ctr images pull --hosts-dir /etc/containerd/certs.d"
OWN_TOOLS = " ".join(f"--mount type=bind,src={path},dst={path},options=rbind:ro" for path in ("/usr", "/lib", "/lib64"))
"""So that a container of an image with one program in it can run the host's."""
HOG = "b = bytearray({0} << 20); b[::4096] = b'x' * len(b[::4096]); print(len(b) >> 20)"


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("containerd", form=True)


@pytest.fixture(scope="module")
def engine(converged, scenario):
    return Engine(scenario, "containerd")


@pytest.fixture(scope="module")
def image(converged):
    return next(host.facts["image"] for name, host in converged.first.hosts.items() if name.startswith("form on"))


@pytest.fixture(scope="module")
def host(engine):
    return next(iter(engine.hosts.values()))


@pytest.fixture(scope="module")
def pulled(host, image, lab):
    """The sandbox image in the namespace `default`, pulled through the default mirror."""
    done = lab.run(host, f"{PULL} {image}")
    assert done.returncode == 0, done.stderr
    return image


def pid(lab, host):
    return lab.run(host, f"systemctl show -p MainPID --value {UNIT}").stdout.strip()


def task(lab, host, name):
    """Process and state of a container's task; none when it has none."""
    rows = [line.split() for line in lab.run(host, "ctr tasks list").stdout.splitlines()[1:]]
    return next(((row[1], row[2]) for row in rows if row[0] == name), None)


def forget(lab, host, name):
    script = (
        f"ctr tasks kill -s SIGKILL {name}; sleep 0.2; ctr tasks delete --force {name}; ctr containers delete {name}"
    )
    lab.run(host, script)


def test_few_executions(converged):
    # Six tasks a host, and the check of the arguments once.
    assert converged.again.executions <= 6 * len(converged.layer.targets)


def test_every_host_has_run_a_container(converged, image, lab, engine):
    results = {name: host for name, host in converged.again.hosts.items() if not name.startswith("form on")}
    assert set(results) == set(engine.hosts.values())
    assert {host.facts["image"] for host in results.values()} == {image}
    for host in results:
        assert lab.run(host, "ctr -n greenfield containers list -q").stdout == "", "and nothing of it is left"


def test_all_plugins_that_pods_need_are_loaded(engine, lab):
    for host in engine.hosts.values():
        rows = [line.split() for line in lab.run(host, "ctr plugins list").stdout.splitlines()[1:]]
        states = {row[1]: row[-1] for row in rows}
        assert {name: states[name] for name in ("cri", "overlayfs", "runtime", "restart") if name in states} == {
            name: "ok" for name in ("cri", "overlayfs", "restart")
        }


def test_the_kubelets_side_is_configured(engine, lab, image):
    config = lab.run(next(iter(engine.hosts.values())), "containerd config dump").stdout
    wanted = {
        "sandbox_image": json.dumps(image),
        "SystemdCgroup": "false",
        "bin_dir": '"/usr/lib/cni"',
        "conf_dir": '"/etc/cni/net.d"',
        "config_path": '"/etc/containerd/certs.d"',
        "restrict_oom_score_adj": "true",
    }
    shown = dict(line.strip().split(" = ", 1) for line in config.splitlines() if " = " in line)
    assert {key: shown[key] for key in wanted} == wanted


def test_images_lie_on_the_data_disk(engine, lab):
    """Where the plan counts them, so that they can't fill the system's disk."""
    for host in engine.hosts.values():
        root = lab.run(host, "containerd config dump | sed -n 's/^root = //p'").stdout.strip().strip('"')
        assert lab.run(host, f"findmnt -nT {root} -o TARGET").stdout.strip() == "/data"
        assert int(lab.run(host, f"du -s {root} | cut -f1").stdout) > 500


def test_a_name_of_any_registry_comes_from_the_sites(host, image, lab):
    """One image under the names of three registries; none of them can be reached from here but the site's own."""
    path = image.partition("/")[2]
    for registry in ("registry.k8s.io", "docker.io", "quay.example.com"):
        done = lab.run(host, f"{PULL} {registry}/{path}")
        assert done.returncode == 0, f"{registry}: {done.stderr}"
    digests = {line.split()[2] for line in lab.run(host, "ctr images list").stdout.splitlines() if path in line}
    assert len(digests) == 1


def test_an_image_the_mirror_lacks_is_refused_clearly(engine, host, lab):
    unknown = "registry.k8s.io/no-such-image:1.0"
    done = lab.run(host, f"{PULL} {unknown}")
    assert done.returncode != 0
    assert f"{unknown}: not found" in done.stderr
    member = next(iter(engine.hosts))
    health = {"containerd_sandbox_image": unknown, "containerd_health_deadline_seconds": 0}
    refused = engine.run(member, entry="health", **health).hosts[host]
    assert refused.failed
    assert f"no container of {unknown} runs here after 0 s: it can't be had from the site's registry" in refused.message
    assert "not found" in refused.message


def test_a_registry_of_another_authority_is_refused(engine, host, lab, scenario, image):
    """The registry is known by its authority, not by its address."""
    other = scenario.layer("containerd").common["containerd_authority"]
    member = next(iter(engine.hosts))
    lab.run(host, f"ctr -n greenfield images remove {image}")
    wrong = {"containerd_registry_certificate": other, "containerd_converge_deadline_seconds": 0}
    refused = engine.run(member, **wrong).hosts[host]
    assert refused.failed
    assert "certificate signed by unknown authority" in refused.message
    engine.one(member)


def test_a_containers_memory_is_limited(host, pulled, lab):
    run = f"ctr run --rm --memory-limit {64 << 20} {OWN_TOOLS} {pulled}"
    fits = lab.run(host, f'{run} fits /usr/bin/python3 -c "{HOG.format(16)}"')
    assert fits.stdout.strip() == "16", fits.stderr
    over = lab.run(host, f'{run} over /usr/bin/python3 -c "{HOG.format(256)}"')
    assert (over.returncode, over.stdout) == (137, "")
    assert lab.run(host, "systemctl is-system-running").stdout.strip() == "running"


def test_containers_outlive_a_restart_of_the_daemon(host, pulled, lab):
    lab.run(host, f"ctr run -d {pulled} stays")
    before, daemon = task(lab, host, "stays"), pid(lab, host)
    assert before is not None
    assert before[1] == "RUNNING"
    lab.run(host, f"systemctl restart {UNIT}")
    assert pid(lab, host) != daemon
    assert task(lab, host, "stays") == before
    lab.run(host, f"systemctl kill --signal=SIGKILL --kill-whom=main {UNIT}")
    eventually(lambda: pid(lab, host) not in ("0", daemon) or None, seconds=30, what=f"{UNIT} is not back")
    eventually(lambda: task(lab, host, "stays") == before or None, seconds=30, what="the container is not known")
    forget(lab, host, "stays")


def test_a_changed_setting_restarts_the_daemon_and_a_new_registry_does_not(engine, host, lab):
    member, daemon = next(iter(engine.hosts)), pid(lab, host)
    engine.one(member, containerd_registry_url="https://127.0.0.1:5000")
    assert pid(lab, host) == daemon
    engine.one(member, containerd_log_line_bytes=32768)
    assert pid(lab, host) != daemon
    engine.one(member)


def test_after_the_host_lost_power_containers_run_again(engine, host, pulled, lab):
    """With the label of containerd's own restart monitor, as there is no kubelet here."""
    lab.run(host, f"ctr run -d --label containerd.io/restart.status=running {pulled} returns")
    assert task(lab, host, "returns")
    for end in (lab.kill_host, lab.stop_host):
        end(host)
        lab.start_host(host)
        assert lab.run(host, "systemctl is-system-running --wait").stdout.strip() == "running"
        eventually(
            lambda: (task(lab, host, "returns") or ("", ""))[1] == "RUNNING" or None, seconds=60, what="it does not run"
        )
    engine.one(next(iter(engine.hosts)), entry="health")
    lab.run(host, "ctr containers label returns containerd.io/restart.status=stopped")
    forget(lab, host, "returns")


def test_health_tells_a_stopped_daemon(engine, host, lab):
    member = next(iter(engine.hosts))
    lab.run(host, f"systemctl stop {UNIT}")
    refused = engine.run(member, entry="health", containerd_health_deadline_seconds=1).hosts[host]
    assert refused.failed
    assert "containerd.sock" in refused.message
    engine.one(member)
    assert "version" in engine.one(member, entry="health").facts


def test_drain_tells_what_runs_and_remove_ends_it(engine, host, pulled, lab, scenario):
    member = next(iter(engine.hosts))
    lab.run(host, f"ctr run -d {pulled} one; ctr -n other {PULL[4:]} {pulled}; ctr -n other run -d {pulled} two")
    drained = engine.one(member, entry="drain")
    assert (drained.status, drained.facts["running"]) == ("ok", ["default/one", "other/two"])
    removed = engine.one(member, entry="remove")
    assert removed.facts["ended"] == ["default/one", "other/two"]
    assert lab.run(host, "pgrep -x containerd-shim").stdout == ""
    assert lab.run(host, f"systemctl is-active {UNIT}").stdout.strip() == "inactive"
    assert_unchanged(succeeded(engine.run(member, entry="remove")), "a second removal")
    engine.one(member, entry="remove", containerd_wipe=True)
    root = engine.layer.common["containerd_root"]
    assert lab.run(host, f"ls -A {root}; ls /etc/containerd/config.toml").stdout == ""
    again = dataclasses.replace(engine.on(member))
    assert succeeded(scenario.run("containerd", again)).hosts[host].status == "changed"
    assert_unchanged(succeeded(scenario.run("containerd", again)), "a run after the return")
