"""Who gets into a host and what they may do there. Nothing here changes a host."""

from __future__ import annotations

import re

import pytest

from greenfield.verify.sshd import effective

pytestmark = pytest.mark.reads_only

WEAK = re.compile(r"cbc|3des|arcfour|rc4|md5|hmac-sha1|umac-64|sha1$|group1-|group14-sha1|group-exchange-sha1")


@pytest.mark.control("HOST-004")
def test_root_has_no_ssh(host):
    value = effective(host)["permitrootlogin"]
    assert value == "no", f"PermitRootLogin is {value}"


@pytest.mark.control("HOST-005")
def test_ssh_takes_keys_only(host):
    sshd = effective(host)
    assert sshd["pubkeyauthentication"] == "yes", "keys are not taken"
    ways = ("passwordauthentication", "kbdinteractiveauthentication", "permitemptypasswords", "hostbasedauthentication")
    open_ways = [way for way in ways if sshd[way] != "no"]
    assert not open_ways, f"also open: {', '.join(open_ways)}"


@pytest.mark.control("HOST-006")
def test_ssh_bounds_logins(host, control):
    sshd = effective(host)
    tries, grace = int(sshd["maxauthtries"]), int(sshd["logingracetime"])
    assert tries <= control.thresholds["attempts"], f"MaxAuthTries is {tries}"
    assert 0 < grace <= control.thresholds["grace"], f"LoginGraceTime is {grace} s"


@pytest.mark.control("HOST-007")
def test_ssh_offers_nothing_weak(host):
    sshd = effective(host)
    for kind in ("ciphers", "macs", "kexalgorithms"):
        weak = [name for name in sshd[kind].split(",") if WEAK.search(name)]
        assert not weak, f"{kind}: {', '.join(weak)}"


@pytest.mark.control("HOST-008")
def test_ssh_forwards_no_x11(host):
    sshd = effective(host)
    wanted = {"x11forwarding": "no", "ignorerhosts": "yes", "permituserenvironment": "no"}
    wrong = {key: sshd[key] for key, value in wanted.items() if sshd[key] != value}
    assert not wrong, f"{wrong}, wanted {wanted}"


@pytest.mark.control("HOST-009")
def test_ssh_files_are_roots(host):
    listing = host.check_output(
        "stat -c '%n %U %G %a' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf /etc/ssh/ssh_host_*_key"
    )
    for line in listing.splitlines():
        name, owner, group, mode = line.split()
        assert (owner, group) == ("root", "root"), line
        assert int(mode, 8) & 0o077 == 0, line
        assert name.startswith("/etc/ssh/")


@pytest.mark.control("HOST-010")
def test_sudo_rules_are_valid(host):
    assert host.run("visudo -c -q").succeeded
    rules = host.check_output("cat /etc/sudoers /etc/sudoers.d/*")
    assert re.search(r"^\s*Defaults\s+.*\buse_pty\b", rules, re.MULTILINE), "use_pty is not set"


@pytest.mark.control("HOST-011")
def test_root_is_alone(host):
    assert host.check_output("awk -F: '$3 == 0 {print $1}' /etc/passwd") == "root"
    assert host.check_output("awk -F: '$2 == \"\" {print $1}' /etc/shadow") == ""
    assert host.check_output("awk -F: '$2 != \"x\" {print $1}' /etc/passwd") == ""


@pytest.mark.control("HOST-012")
def test_account_files_are_roots(host):
    allowed = {"/etc/passwd": 0o644, "/etc/group": 0o644, "/etc/shadow": 0o640, "/etc/gshadow": 0o640}
    for line in host.check_output(f"stat -c '%n %U %a' {' '.join(allowed)}").splitlines():
        name, owner, mode = line.split()
        assert owner == "root", line
        assert int(mode, 8) & ~allowed[name] == 0, line
