"""What holds on every host, whatever runs on it. Nothing here changes a host."""

from __future__ import annotations

import json
import re

import pytest

from greenfield.engines import ENGINES
from greenfield.verify.certificates import Certificate, key_matches
from greenfield.verify.kernel import shared_kernel

pytestmark = pytest.mark.reads_only

UNITS = {"kubernetes": "kubelet", "kubernetes-workers": "kubelet", "containers": "containerd"}
"""What the service of a member is called where its makers have named it."""


@pytest.mark.control("HOST-001")
def test_release_is_supported(host, control):
    assert host.system_info.distribution == "debian"
    assert int(float(host.system_info.release)) == control.thresholds["release"]


@pytest.mark.control("HOST-002")
def test_name_is_the_planned_one(host, planned):
    assert host.check_output("hostname") == planned.host.name
    assert host.check_output("cat /etc/hostname") == planned.host.name


@pytest.mark.control("HOST-003")
def test_peers_resolve_to_their_addresses(host, desired):
    found = {}
    for line in host.file("/etc/hosts").content_string.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        for name in names:
            found.setdefault(name, address)  # the first line that has a name wins
    for peer in desired["baseline_peers"]:
        for name in (peer["name"], f"{peer['name']}.{desired['greenfield_domain']}"):
            assert found.get(name) == peer["address"], f"{name} is {found.get(name)}, planned {peer['address']}"


@pytest.mark.control("HOST-013")
def test_kernel_settings_are_planned(host, desired, remark):
    recorded = shared_kernel(host)
    values = dict(
        line.split(" = ", 1) for line in host.check_output("sysctl -a 2>/dev/null").splitlines() if " = " in line
    )
    for key, wanted in desired["baseline_sysctls"].items():
        assert values.get(key, "").split() == str(wanted).split(), f"{key} = {values.get(key)}, planned {wanted}"
        if key in recorded:
            remark(f"{key}: recorded, shared kernel")


@pytest.mark.control("HOST-014")
def test_transparent_huge_pages_are_planned(host, desired, remark):
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    value = host.check_output(f"cat {path}")
    selected = re.search(r"\[(\w+)\]", value)
    if path in shared_kernel(host):
        remark("recorded, shared kernel")
    wanted = desired["baseline_transparent_hugepage"]
    found = selected.group(1) if selected else value
    assert not wanted or found == wanted, f"{found}, planned {wanted}"


@pytest.mark.control("HOST-015")
def test_open_files_suffice(host, planned, desired, cluster):
    limits = host.check_output("cat /etc/security/limits.d/*.conf 2>/dev/null || true")
    soft = [int(number) for number in re.findall(r"^\*\s+(?:soft|-)\s+nofile\s+(\d+)", limits, re.MULTILINE)]
    assert soft and soft[-1] >= desired["baseline_open_files"], f"limits.d gives {soft or 'no limit'}"
    for member in planned.members:
        unit = UNITS.get(member.kind, f"greenfield-{member.kind}-{member.engine}")
        shown = host.check_output(f"systemctl show -P LimitNOFILE {unit}.service")
        wanted = ENGINES[member.kind].host_settings(cluster.engines[member.engine]).open_files
        enough = shown == "infinity" or int(shown) >= wanted
        assert enough, f"{member.engine} may open {shown} files, planned {wanted}"


@pytest.mark.control("HOST-016")
def test_time_comes_from_the_site(host, desired):
    daemons = host.check_output("systemctl is-active chrony.service systemd-timesyncd.service ntpsec.service || true")
    assert daemons.split() == ["active", "inactive", "inactive"], f"chrony, timesyncd, ntpsec: {daemons.split()}"
    sources = {line.split(",")[2] for line in host.check_output("chronyc -n -c sources").splitlines()}
    assert sources == set(desired["baseline_time_servers"]), f"follows {sorted(sources) or 'no server'}"


@pytest.mark.control("HOST-017")
def test_clock_is_right(host, control, measured):
    fields = host.check_output("chronyc -n -c tracking").split(",")
    reference, stratum, offset, leap = fields[1], int(fields[2]), abs(float(fields[4])), fields[-1]
    measured("offset_seconds", offset)
    assert leap == "Normal" and stratum > 0, f"follows no server (reference {reference or 'none'}, leap {leap})"
    assert offset <= control.thresholds["offset"], f"{offset * 1000:.1f} ms off"


@pytest.mark.control("HOST-018")
def test_data_disks_are_mounted_by_uuid(host, desired):
    fstab = host.check_output("cat /etc/fstab /etc/systemd/system/*.mount 2>/dev/null || true")
    for disk in desired["data_disk_disks"]:
        mount = host.run(f"findmnt -J -M {disk['mount']} -o TARGET,SOURCE,FSTYPE,UUID,OPTIONS")
        assert mount.succeeded, f"nothing is mounted at {disk['mount']}"
        (found,) = json.loads(mount.stdout)["filesystems"]
        assert found["fstype"] == "xfs", f"{disk['mount']} carries {found['fstype']}"
        assert "rw" in found["options"].split(","), f"{disk['mount']} is read-only"
        uuid = found["uuid"] or host.check_output(f"blkid -o value -s UUID {found['source']}")
        assert uuid and uuid.lower() in fstab.lower(), f"{disk['mount']} is not mounted by its UUID at boot"


@pytest.mark.control("HOST-019")
def test_data_disks_are_the_planned_ones(host, desired, control):
    for disk in desired["data_disk_disks"]:
        device = host.check_output(f"readlink -f /dev/disk/by-id/{disk['by_id']}")
        mounted = host.check_output(f"findmnt -n -o SOURCE -M {disk['mount']} || true")
        assert mounted, f"nothing is mounted at {disk['mount']}"
        source = host.check_output(f"readlink -f {mounted}")
        assert source == device, f"{disk['mount']} lies on {source}, planned {disk['by_id']} ({device})"
        size = int(host.check_output(f"blockdev --getsize64 {device}"))
        assert size >= disk["size_bytes"] * control.thresholds["size"], f"{size} bytes, planned {disk['size_bytes']}"


@pytest.mark.control("HOST-020")
def test_data_disks_have_room(host, desired, control, measured):
    for disk in desired["data_disk_disks"]:
        size, free = map(int, host.check_output(f"stat -f -c '%b %a' {disk['mount']}").split())
        measured(f"{disk['name']}_free_ratio", free / size)
        assert free / size >= control.thresholds["free"], f"{disk['mount']}: {free / size:.0%} free"


@pytest.mark.control("HOST-021")
def test_journal_is_kept_and_bounded(host, control):
    text = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    settings = dict(re.findall(r"^(\w+)=(.+)$", text, re.MULTILINE))
    assert settings.get("Storage") == "persistent", f"Storage is {settings.get('Storage', 'not set')}"
    number, unit = re.fullmatch(r"(\d+)([KMGT]?)", settings.get("SystemMaxUse", "0")).groups()
    most = int(number) * 1024 ** " KMGT".index(unit or " ")
    assert 0 < most <= control.thresholds["size"], f"SystemMaxUse is {settings.get('SystemMaxUse', 'not set')}"
    assert host.run("ls /var/log/journal/*/system.journal").succeeded, "there is no journal on disk"


@pytest.mark.control("HOST-026")
def test_packages_come_from_the_mirror(host, desired):
    text = host.check_output("cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null || true")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    places = [word for line in lines for word in line.split() if "://" in word]
    mirror = desired["greenfield_mirror_url"]
    assert places and all(place == mirror or place.startswith(f"{mirror}/") for place in places), places
    assert re.search(r"(?i)signed-by", text), "the repository's key is not pinned"
    assert not re.search(r"(?i)trusted[:=]\s*yes", text)


@pytest.mark.control("HOST-027")
def test_nothing_upgrades_by_itself(host):
    units = "apt-daily.timer apt-daily-upgrade.timer unattended-upgrades.service"
    states = host.check_output(f"systemctl is-active {units} || true").split()
    running = [unit for unit, state in zip(units.split(), states, strict=True) if state != "inactive"]
    assert not running, f"active: {', '.join(running)}"
    enabled = host.check_output(f"systemctl is-enabled {units} 2>/dev/null || true").split()
    assert "enabled" not in enabled


@pytest.mark.control("HOST-028")
def test_packages_are_whole(host):
    assert host.check_output("dpkg --audit") == ""


@pytest.mark.control("HOST-029")
def test_certificate_is_the_sites(host, planned, cluster, plan, measured):
    certificate = Certificate.read(host, "/etc/greenfield/pki/host.crt", "/etc/greenfield/pki/ca.crt")
    measured("certificate_left_seconds", certificate.left_seconds)
    assert certificate.chained, "does not chain to the site's authority"
    assert {planned.host.name, f"{planned.host.name}.{plan.site.domain}"} <= certificate.names
    assert planned.host.address in certificate.addresses
    assert certificate.left_seconds >= cluster.pki.renew_before_seconds, f"ends {certificate.ends}"


@pytest.mark.control("HOST-030")
def test_private_key_is_the_hosts_own(host):
    listed = host.run("stat -c '%U %a' /etc/greenfield/pki/host.key")
    assert listed.succeeded, "there is no key"
    owner, mode = listed.stdout.split()
    assert owner == "root" and int(mode, 8) & 0o027 == 0, f"owner {owner}, mode {mode}"
    own = key_matches(host, "/etc/greenfield/pki/host.crt", "/etc/greenfield/pki/host.key")
    assert own, "the key belongs to another certificate"


@pytest.mark.control("HOST-031")
def test_metrics_can_be_read(host, desired, control):
    # A host-independent command: it finds its own address in the listener table, so that it can be asked ahead.
    port = desired["node_exporter_port"]
    address = f"$(ss -Hltn sport = :{port} | awk '{{print $4}}' | head -n1)"
    fetch = (
        "import urllib.request as u,sys;print(u.urlopen('http://'+sys.argv[1]+'/metrics',timeout=5).read().decode())"
    )
    series = host.check_output(f'python3 -c "{fetch}" {address} | grep -c ^node_ || true')
    assert int(series or 0) >= control.thresholds["series"], f"{series or 0} series"


@pytest.mark.control("HOST-032")
def test_no_unit_has_failed(host):
    failed = host.check_output("systemctl list-units --failed --plain --no-legend --no-pager")
    assert failed == "", failed
