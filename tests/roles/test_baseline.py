"""The role `baseline` on six hosts."""

from __future__ import annotations

import dataclasses
import subprocess

import pytest
from scenario import ROLES_IN_ORDER, assert_unchanged, succeeded

from greenfield.plan.plan import HOST_ROLES

PROVES = ("host/baseline",)
ORDER = 10

HOSTS = ("r1-h1", "r1-h2", "r2-h1", "r2-h2", "r3-h1", "r3-h2")
CLOSED_PORT = 12345


@pytest.fixture(scope="module")
def converged(scenario):
    return scenario("baseline")


@pytest.fixture(params=HOSTS)
def host(request, converged, connect):
    return connect(request.param)


@pytest.fixture
def first(converged, connect):
    return connect(HOSTS[0])


def on_one(layer, name=HOSTS[0], **variables):
    """The layer on one host, with some of its variables replaced."""
    target = next(target for target in layer.targets if target.name == name)
    return dataclasses.replace(layer, targets=(target,), common={**layer.common, **variables})


def test_check_mode_foresees_the_whole_layer_on_a_bare_host(scenario, lab):
    lab.reset_host(HOSTS[-1], keep_key=True)
    checked = succeeded(scenario.run(",".join(HOST_ROLES), on_one(scenario.layer("baseline"), HOSTS[-1]), check=True))
    # Every task of every role has something to do, and none fails for what an earlier one did not really do; packages
    # of all roles are the first one's.
    assert len(checked.hosts[HOSTS[-1]].changed_tasks) == 9
    assert checked.hosts[HOSTS[-1]].facts["lost"]
    assert not lab.run(HOSTS[-1], "ls /etc/greenfield").stdout


def test_few_executions(converged):
    # Five tasks a host, and the check of the arguments once.
    assert converged.first.executions <= 5 * len(HOSTS)


def test_ssh_takes_keys_only(host):
    effective = host.check_output("sshd -T")
    for line in (
        "permitrootlogin no",
        "passwordauthentication no",
        "kbdinteractiveauthentication no",
        "permitemptypasswords no",
        "x11forwarding no",
        "allowtcpforwarding no",
        "maxauthtries 4",
        "allowusers ops",
        "banner /etc/issue.net",
    ):
        assert line in effective.splitlines()


def test_access_user_still_gets_in_and_becomes_root(converged, plan):
    access = plan.site.access
    for name in HOSTS:
        new = ["ssh", "-o", "ControlPath=none", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-i"]
        new += [access.identity_file, "-o", f"UserKnownHostsFile={access.known_hosts}", "-o", "IdentitiesOnly=yes"]
        address = plan.site.hosts[name].address
        done = subprocess.run(
            [*new, f"{access.user}@{address}", "sudo -n id -u"], check=False, capture_output=True, text=True, timeout=20
        )
        assert done.stdout.strip() == "0", done.stderr


def test_an_invalid_ssh_configuration_is_refused_and_nothing_replaced(converged, scenario, first):
    before = first.file("/etc/ssh/sshd_config.d/00-greenfield.conf").sha256sum
    result = scenario.run("baseline", on_one(converged.layer, baseline_ssh_further_users=["x\nNoSuchOption yes"]))
    outcome = result.hosts[HOSTS[0]]
    assert outcome.status == "failed"
    assert "sshd" in outcome.message
    assert "NoSuchOption" in outcome.message
    assert first.file("/etc/ssh/sshd_config.d/00-greenfield.conf").sha256sum == before


def test_closed_ports_drop_what_comes_from_other_hosts(converged, connect, plan):
    server, client = connect("r1-h1"), connect("r2-h1")
    address = plan.site.hosts["r1-h1"].address
    unit = f"systemd-run --quiet --unit=closed-port python3 -m http.server --bind 0.0.0.0 {CLOSED_PORT}"
    server.check_output(unit)
    try:
        attempt = f"timeout 2 bash -c 'until (exec 3<>/dev/tcp/%s/{CLOSED_PORT}) 2>/dev/null; do sleep 0.1; done'"
        assert server.run(attempt % "127.0.0.1").rc == 0
        assert client.run(attempt % address).rc != 0
    finally:
        server.check_output("systemctl stop closed-port")


def test_ssh_is_closed_to_hosts_outside_the_admin_networks(converged, connect, plan):
    address = plan.site.hosts["r1-h1"].address
    assert connect("r2-h1").run(f"timeout 2 bash -c 'exec 3<>/dev/tcp/{address}/22'").rc != 0


def test_reloading_the_firewall_keeps_sessions(first):
    parent = first.check_output("echo $PPID && systemctl reload nftables")
    # The same connection still answers, and new packets of it pass the new rules.
    assert parent
    assert first.check_output("nft list chain inet greenfield input").count("policy drop") == 1


def test_firewall_lets_in_what_the_plan_opens(converged, connect):
    for target in converged.layer.targets:
        rules = connect(target.name).check_output("nft list chain inet greenfield input")
        for entry in target.variables["baseline_ports"]:
            assert f"tcp dport {entry['port']} accept" in rules


def test_time_comes_from_the_site(host):
    assert host.service("chrony").is_running
    assert host.service("chrony").is_enabled
    assert host.run("chronyc -n waitsync 20 1 0 0.5").rc == 0
    assert "10.80.0.2" in host.check_output("chronyc -n sources")


def test_a_container_does_not_set_the_clock(host):
    assert host.run("systemd-detect-virt --container").rc == 0
    assert " -x" in host.check_output("ps -C chronyd -o args=")


def test_kernel_is_set_for_hardening_and_engines(converged, connect):
    for target in converged.layer.targets:
        host = connect(target.name)
        for key, value in target.variables["baseline_sysctls"].items():
            assert str(host.sysctl(key)) == value
        assert host.sysctl("net.ipv4.conf.all.accept_redirects") == 0
        assert host.sysctl("kernel.kptr_restrict") == 2
        pages = target.variables["baseline_transparent_hugepage"]
        assert pages in host.file("/sys/kernel/mm/transparent_hugepage/enabled").content_string


def test_hosts_find_each_other_by_name(host, plan):
    for name in HOSTS:
        assert (
            host.check_output("getent hosts %s", f"{name}.{plan.site.domain}").split()[0]
            == plan.site.hosts[name].address
        )


def test_packages_come_from_the_mirror_alone(host, plan):
    sources = host.check_output("apt-get indextargets --format '$(SITE)' | sort -u")
    assert sources.splitlines() == [f"{plan.site.mirror.url}/apt"] or sources.startswith(plan.site.mirror.url)
    assert host.run("apt-get update").rc == 0
    assert host.check_output("ls /etc/apt/sources.list.d") == "greenfield.sources"


@pytest.mark.parametrize("unit", ["apt-daily.timer", "apt-daily-upgrade.timer", "unattended-upgrades.service"])
def test_nothing_changes_a_host_unasked(first, unit):
    assert first.check_output("systemctl show -P LoadState %s", unit) == "masked"


@pytest.mark.parametrize(
    ("path", "mode"),
    [("/etc/shadow", 0o640), ("/etc/passwd", 0o644), ("/etc/sudoers.d/greenfield", 0o440), ("/etc/cron.d", 0o700)],
)
def test_modes(host, path, mode):
    assert host.file(path).mode == mode


def test_journal_is_kept_and_bounded(first):
    assert first.file("/var/log/journal").is_directory
    assert "SystemMaxUse=512M" in first.file("/etc/systemd/journald.conf.d/greenfield.conf").content_string


def test_drift_is_told_by_check_mode_and_mended(converged, scenario, first):
    layer = on_one(converged.layer)
    first.check_output("sysctl -w net.ipv4.conf.all.accept_redirects=1")
    first.check_output("chmod 0644 /etc/sudoers.d/greenfield")
    checked = succeeded(scenario.run("baseline", layer, check=True)).hosts[HOSTS[0]]
    assert set(checked.changed_tasks) == {
        "Write the base configuration",
        "Set the kernel for hardening and for the engines",
    }
    assert "lost" not in checked.facts, "one that drifted carries on and is changed behind its engines' gates"
    assert first.sysctl("net.ipv4.conf.all.accept_redirects") == 1
    succeeded(scenario.run("baseline", layer))
    assert first.sysctl("net.ipv4.conf.all.accept_redirects") == 0
    assert_unchanged(succeeded(scenario.run("baseline", layer)), "a run after the mending")


def test_packages_that_an_interrupted_run_left_half_done_are_finished(converged, scenario, lab):
    """dpkg leaves such a file when it dies; apt then refuses to install until dpkg has been told to finish."""
    assert lab.run(HOSTS[0], "touch /var/lib/dpkg/updates/0000 && rm -r /var/lib/greenfield/packages").returncode == 0
    succeeded(scenario.run("baseline", on_one(converged.layer)))
    assert lab.run(HOSTS[0], "ls /var/lib/dpkg/updates").stdout == ""


def test_a_restart_that_a_killed_run_left_out_is_made_good(converged, scenario, first):
    before = first.check_output("systemctl show -P MainPID chrony ssh").split()
    first.check_output("touch /etc/chrony/chrony.conf")
    result = succeeded(scenario.run("baseline", on_one(converged.layer)))
    assert result.hosts[HOSTS[0]].changed_tasks == ("Run what every host runs and nothing that changes it unasked",)
    after = first.check_output("systemctl show -P MainPID chrony ssh").split()
    assert after[0] != before[0]
    assert after[1] == before[1]


def test_order_is_that_of_a_delivery():
    assert ROLES_IN_ORDER[:4] == HOST_ROLES
