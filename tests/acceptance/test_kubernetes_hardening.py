"""How hard a Kubernetes cluster is to misuse: who gets in, what is encrypted, how its programs run."""

from __future__ import annotations

import json
import uuid

import pytest

from greenfield.engines.kubernetes import API_PORT, KUBELET_PORT
from greenfield.verify.certificates import Certificate, site_authority
from greenfield.verify.kubernetes import PKI, Kubernetes


@pytest.fixture
def kube(engine, acceptance):
    """The control plane under test, with its workers."""
    return Kubernetes.of(engine, acceptance)


@pytest.mark.control("K8S-016")
def test_nobody_is_anonymous(kube):
    for member in kube.engine.members:
        alive, *others = kube.ask(kube.nodes[-1], member.address, API_PORT, ["/readyz", "/api", "/version", "/metrics"])
        assert alive["status"] == 200, f"{member.host}: {alive}"
        open_ways = [found["path"] for found in others if found["status"] != 401]
        assert not open_ways, f"{member.host} answers nobody in particular at {open_ways}"
    for node in kube.nodes:
        (found,) = kube.ask(node, node.address, KUBELET_PORT, ["/pods"])
        assert found["status"] == 401, f"the kubelet of {node.host} answers {found['status']}"
    with kube.namespace("rights") as name:
        account = f"--as=system:serviceaccount:{name}:default --as-group=system:serviceaccounts"
        for verb, what in (("list", "secrets"), ("create", "pods"), ("get", "nodes"), ("list", "namespaces")):
            said = kube.engine.members[0].on.run(f"kubectl auth can-i {verb} {what} -n {name} {account}").stdout
            assert said.strip() == "no", f"a pod may {verb} {what}"


@pytest.mark.control("K8S-017")
def test_a_privileged_pod_is_refused(kube):
    node = kube.nodes[-1].host
    with kube.namespace("plain") as name:
        for field, value in (("hostNetwork", True), ("hostPID", True), ("volumes", HOST_VOLUMES), ("privileged", True)):
            pod = kube.pod(name, "wrong", node)
            if field == "privileged":
                pod["spec"]["containers"] = [{"name": "pause", "image": "x", "securityContext": {"privileged": True}}]
            else:
                pod["spec"][field] = value
            refused = kube.refusal("apply -f -", stdin=json.dumps(pod))
            assert "violates PodSecurity" in refused, f"{field}: {refused}"


ENCRYPTED = "k8s:enc:secretbox:v1:"
"""How a value begins that the API server's secretbox provider has written."""

HOST_VOLUMES = [{"name": "root", "hostPath": {"path": "/"}}]


@pytest.mark.control("K8S-018")
def test_secrets_are_encrypted(kube):
    word = uuid.uuid4().hex
    with kube.namespace("secrets") as name:
        kube.ctl(f"-n {name} create secret generic one --from-literal=word={word}")
        stored = kube.etcdctl(f"get /registry/secrets/{name}/one --print-value-only")
        first = kube.engine.members[0].on
        assert first.check_output(f"{stored} | head -c {len(ENCRYPTED)}") == ENCRYPTED
        assert first.check_output(f"{stored} | grep -c -a {word} || true") == "0", "the secret is stored in plain"
        listed = kube.get(f"-n {name} secret one")
        assert listed["data"]["word"], "the secret can't be read again"


@pytest.mark.control("K8S-019")
def test_changes_are_audited(kube, control):
    word = uuid.uuid4().hex
    with kube.namespace("audit") as name:
        kube.ctl(f"-n {name} create secret generic told --from-literal=word={word}")

        def untold():
            return "" if _audited(kube, name) else "no entry"

        kube.until(untold, "the entry of the audit log", control.thresholds["seconds"])
        (entry,) = _audited(kube, name)
        assert entry["user"]["username"].startswith("greenfield:admin:"), entry["user"]
        assert entry["objectRef"] == {"resource": "secrets", "namespace": name, "name": "told", "apiVersion": "v1"}
        assert "requestObject" not in entry, "the log holds the secret"
    for member in kube.engine.members:
        told = member.on.check_output(f"grep -c {word} /var/log/kubernetes/audit.log || true")
        assert told == "0", f"the log of {member.host} holds the secret"
        assert member.on.check_output("stat -c '%U %a' /var/log/kubernetes/audit.log") == "root 600"


def _audited(kube, namespace):
    found = []
    for member in kube.engine.members:
        lines = member.on.check_output(f"grep -a -h {namespace} /var/log/kubernetes/audit.log || true").splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{")]
        found += [e for e in entries if e["verb"] == "create" and e.get("objectRef", {}).get("resource") == "secrets"]
    return found


def _check(where, found, wanted):
    """Hold flags to what they must be: a value, a test of the value, or None where the flag must not be there."""
    wrong = []
    for flag, want in wanted.items():
        value = found.get(flag)
        right = want(value or "") if callable(want) else value == want
        wrong += [] if right else [f"{flag} is {value if value is not None else 'not set'}"]
    assert not wrong, f"{where}: {', '.join(wrong)}"


def _lists(word):
    return lambda value: word in value.split(",")


def _lacks(word):
    return lambda value: word not in value.split(",")


@pytest.mark.control("K8S-020")
def test_api_server_is_hardened(kube, control):
    age, backups = control.thresholds["age"], control.thresholds["backups"]
    wanted = {
        "token-auth-file": None,
        "kubelet-client-certificate": bool,
        "kubelet-client-key": bool,
        "kubelet-certificate-authority": bool,
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": lambda value: _lists("NodeRestriction")(value) and _lacks("AlwaysAdmit")(value),
        "disable-admission-plugins": lambda value: not {"ServiceAccount", "NamespaceLifecycle"} & set(value.split(",")),
        "profiling": "false",
        "audit-log-path": bool,
        "audit-log-maxage": lambda value: int(value or 0) >= age,
        "audit-log-maxbackup": lambda value: int(value or 0) >= backups,
        "audit-log-maxsize": lambda value: int(value or 0) >= control.thresholds["size"],
        "service-account-lookup": lambda value: value != "false",
        "service-account-key-file": bool,
        "etcd-cafile": bool,
        "etcd-certfile": bool,
        "etcd-keyfile": bool,
        "tls-cert-file": bool,
        "tls-private-key-file": bool,
        "tls-min-version": lambda value: value in ("VersionTLS12", "VersionTLS13"),
        "client-ca-file": bool,
        "encryption-provider-config": bool,
        "service-account-extend-token-expiration": "false",
    }
    for member in kube.engine.members:
        _check(f"API server of {member.host}", kube.flags(member, "kube-apiserver"), wanted)


@pytest.mark.control("K8S-021")
def test_controllers_and_scheduler_are_hardened(kube):
    local = {"profiling": "false", "bind-address": "127.0.0.1"}
    controllers = local | {
        "terminated-pod-gc-threshold": lambda value: int(value or 0) > 0,
        "use-service-account-credentials": "true",
        "service-account-private-key-file": bool,
        "root-ca-file": bool,
        "feature-gates": lambda value: "RotateKubeletServerCertificate=false" not in value,
    }
    for member in kube.engine.members:
        _check(f"controllers of {member.host}", kube.flags(member, "kube-controller-manager"), controllers)
        _check(f"scheduler of {member.host}", kube.flags(member, "kube-scheduler"), local)


@pytest.mark.control("K8S-022")
def test_store_is_closed(kube):
    closed = {
        "cert-file": bool,
        "key-file": bool,
        "client-cert-auth": "true",
        "auto-tls": lambda value: value != "true",
        "peer-cert-file": bool,
        "peer-key-file": bool,
        "peer-client-cert-auth": "true",
        "peer-auto-tls": lambda value: value != "true",
    }
    for member in kube.engine.members:
        own, general = (member.on.check_output(f"cat {PKI}/{name}") for name in ("etcd/ca.crt", "ca.crt"))
        assert own != general, f"{member.host}: whoever the cluster has signed gets into the store"
        if kube.stacked:
            _check(f"etcd of {member.host}", kube.flags(member, "etcd"), closed)
            data = kube.flags(member, "etcd")["data-dir"]
            assert member.on.check_output(f"stat -c %a {data}") == "700", f"{member.host}: {data}"


@pytest.mark.control("K8S-023")
def test_kubelets_are_hardened(kube):
    for node in kube.nodes:
        found = kube.kubelet(node.host)
        wrong = [
            what
            for what, right in {
                "anonymous": found["authentication"]["anonymous"]["enabled"] is False,
                "webhook": found["authentication"]["webhook"]["enabled"] is True,
                "authorization": found["authorization"]["mode"] == "Webhook",
                "clientCAFile": bool(found["authentication"]["x509"].get("clientCAFile")),
                "readOnlyPort": found.get("readOnlyPort", 0) == 0,
                "streamingConnectionIdleTimeout": found["streamingConnectionIdleTimeout"] not in ("0", "0s"),
                "protectKernelDefaults": found["protectKernelDefaults"] is True,
                "eventRecordQPS": found["eventRecordQPS"] >= 0,
                "tlsCertFile": bool(found.get("tlsCertFile") and found.get("tlsPrivateKeyFile")),
                "tlsMinVersion": found.get("tlsMinVersion") in ("VersionTLS12", "VersionTLS13"),
                "podPidsLimit": found.get("podPidsLimit", -1) > 0,
                "seccompDefault": found.get("seccompDefault") is True,
            }.items()
            if not right
        ]
        assert not wrong, f"kubelet of {node.host}: {', '.join(wrong)}"


CONFIGURATION = "/etc/kubernetes /etc/cni/net.d /etc/systemd/system/kubelet.service"


@pytest.mark.control("K8S-024")
def test_configuration_is_roots(kube):
    public = ("api-proxy.cfg", "flannel.json")
    for node in kube.nodes:
        # What kubeadm leaves in its own folder for the next upgrade lies behind that folder's mode.
        listed = node.on.check_output(
            f"find {CONFIGURATION} -path /etc/kubernetes/tmp -prune -o -type f -printf '%U:%G %m %p\\n'"
        ).splitlines()
        assert any(line.endswith("/kubelet.yaml") for line in listed), f"{node.host}: {listed}"
        for owner, mode, path in (line.split(" ", 2) for line in listed):
            most = 0o644 if path.endswith(public) else 0o600
            assert owner == "0:0" and int(mode, 8) & ~most == 0, f"{node.host}: {path} is of {owner}, mode {mode}"


@pytest.mark.control("K8S-025")
def test_certificates_are_the_engines_own(kube, measured):
    left = []
    for node in kube.nodes:
        found = node.on.check_output(f"find {PKI} -name '*.crt' -not -name '*ca.crt'").split()
        assert f"{PKI}/kubelet-server.crt" in found, f"{node.host}: {found}"
        for path in found:
            certificate = Certificate.read(node.on, path, _authority(path))
            left.append(certificate.left_seconds)
            assert certificate.chained, f"{node.host}: {path} does not chain to {_authority(path)}"
            assert certificate.authority != site_authority(node.on), f"{node.host}: {path} is the site's"
            enough = certificate.left_seconds >= kube.engine.renew_before_seconds
            assert enough, f"{node.host}: {path} ends {certificate.ends}"
        server = Certificate.read(node.on, f"{PKI}/kubelet-server.crt", f"{PKI}/ca.crt")
        assert node.host in server.names and node.address in server.addresses, f"{node.host}: {server.names}"
        keys = node.on.check_output(f"find {PKI} -name '*ca.key'")
        assert not keys, f"{node.host} holds the key of an authority: {keys}"
    measured("certificate_left_seconds", min(left))


def _authority(path):
    name = path.removeprefix(f"{PKI}/")
    if name.startswith("front-proxy"):
        return f"{PKI}/front-proxy-ca.crt"
    return f"{PKI}/etcd/ca.crt" if name.startswith("etcd/") or name == "apiserver-etcd-client.crt" else f"{PKI}/ca.crt"
