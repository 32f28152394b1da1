"""What inputs become, what stays secret, which configuration is followed, and which plugin goes first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider import settings
from greenfield.kubernetes_provider.inputs import complete, faults
from greenfield.kubernetes_provider.manifests import decode
from greenfield.kubernetes_provider.marks import mark, read
from greenfield.kubernetes_provider.official import PROGRAM, find_official
from greenfield.kubernetes_provider.settings import Settings
from greenfield.kubernetes_provider.target import field_manager, of_token, refuse, target
from greenfield.provider.values import UNKNOWN, wrap

SECRET = "kubernetes:core/v1:Secret"


@pytest.mark.parametrize(
    ("token", "found"),
    [
        ("kubernetes:core/v1:Namespace", ("v1", "Namespace", False)),
        ("kubernetes:apps/v1:Deployment", ("apps/v1", "Deployment", False)),
        ("kubernetes:core/v1:NodePatch", ("v1", "Node", True)),
        ("kubernetes:rbac.authorization.k8s.io/v1:RolePatch", ("rbac.authorization.k8s.io/v1", "Role", True)),
        ("kubernetes:x.io/v1:LampPatch", ("x.io/v1", "LampPatch", False)),
    ],
)
def test_tokens_of_the_sdk(token: str, found: tuple[str, str, bool]) -> None:
    assert of_token(token) == found


def test_a_name_is_made_up_once() -> None:
    first = complete("kubernetes:core/v1:ConfigMap", "settings", {"data": {"a": None, "b": "1"}}, {}, b"seed")
    assert first["metadata"]["name"].startswith("settings-")
    assert first["data"] == {"b": "1"}
    again = complete("kubernetes:core/v1:ConfigMap", "settings", {}, first, b"other seed")
    assert again["metadata"]["name"] == first["metadata"]["name"]
    anew = complete("kubernetes:core/v1:ConfigMap", "settings", {}, {}, b"other seed")
    assert anew["metadata"]["name"] != first["metadata"]["name"]


def test_a_given_name_is_kept_and_text_of_a_secret_is_stored_as_the_server_does() -> None:
    news = {"metadata": {"name": "word"}, "stringData": {"a": "b", "c": UNKNOWN}, "data": {"d": "eA=="}}
    assert complete(SECRET, "s", news, {}, b"") == {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "word"},
        "data": {"a": "Yg==", "c": UNKNOWN, "d": "eA=="},
    }


@pytest.mark.parametrize(
    ("inputs", "patch", "where"),
    [
        ({"kind": "A", "metadata": {"generateName": "a-"}}, False, "metadata.generateName"),
        ({"kind": "Node", "metadata": {}}, True, "metadata.name"),
        ({"kind": "PodList", "metadata": {"name": "a"}, "items": []}, False, "kind"),
        (
            {"kind": "A", "metadata": {"annotations": {"pulumi.com/timeoutSeconds": "soon"}}},
            False,
            "metadata.annotations",
        ),
        (
            {"kind": "A", "metadata": {"annotations": {"pulumi.com/waitFor": "jsonpath={.x}"}}},
            False,
            "metadata.annotations",
        ),
    ],
)
def test_what_is_not_covered_is_a_fault(inputs: dict[str, Any], patch: bool, where: str) -> None:
    assert [name.partition("[")[0] for name, _ in faults(inputs, patch)] == [where]


@pytest.mark.parametrize(
    "token", ["kubernetes:helm.sh/v3:Release", "kubernetes:yaml/v2:ConfigGroup", "kubernetes:kustomize:directory"]
)
def test_what_is_not_covered_is_refused(token: str) -> None:
    with pytest.raises(ProviderError, match="not covered by Greenfield's Kubernetes plugin"):
        refuse(token)


def test_a_secret_is_secret_and_so_is_what_was_given_as_one() -> None:
    found = mark({"apiVersion": "v1", "kind": "Secret", "data": {"a": "b"}, "metadata": {"name": "x"}})
    assert {key: value.is_secret for key, value in found.items() if value.is_secret} == {"data": True}
    given = {"spec": wrap({"env": [{"name": "A"}, {"name": "B"}]})}
    hidden = {"spec": type(given["spec"])({"env": type(given["spec"])([wrap({"name": "A"}, secret=True)])})}
    marked = mark({"spec": {"env": [{"name": "injected"}, {"name": "A"}], "plain": 1}}, hidden)["spec"]
    assert marked.contains_secret()
    assert [each.is_secret for each in marked.value["env"].value] == [True, True]
    assert not marked.value["plain"].is_secret
    assert read({"spec": marked}) == {"spec": {"env": [{"name": "injected"}, {"name": "A"}], "plain": 1}}


def test_the_target_and_its_id() -> None:
    there = target("kubernetes:apps/v1:Deployment", {"metadata": {"name": "web"}}, "shop")
    assert (there.label, there.identity) == ("Deployment shop/web", "shop/web")
    assert target("kubernetes:core/v1:Node", {"metadata": {"name": "n"}}, "shop").identity == "n"
    imported = target("kubernetes:apps/v1:Deployment", {}, "shop", "edge/web")
    assert (imported.namespace, imported.name) == ("edge", "web")


def test_a_field_manager_is_the_same_in_every_run_and_that_of_the_state_is_kept() -> None:
    assert field_manager("urn:a", {}, {}) == field_manager("urn:a", {}, {}) != field_manager("urn:b", {}, {})
    assert field_manager("urn:a", {"__fieldManager": "pulumi-kubernetes-x"}, {}) == "pulumi-kubernetes-x"


def test_settings_travel_as_json() -> None:
    found = Settings.of({"kubeconfig": "{}", "enablePatchForce": "true", "upsertExistingObjects": False})
    assert (found.force, found.upsert) == (True, False)
    assert [key for key, _ in settings.faults({"enableServerSideApply": "false", "renderYamlToDirectory": "x"})] == [
        "renderYamlToDirectory",
        "enableServerSideApply",
    ]


def _kubeconfig(server: str, authority: str) -> dict[str, str]:
    return {
        "kubeconfig": f"""
clusters: [{{name: c, cluster: {{server: {server}, certificate-authority-data: {authority}}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
current-context: x
"""
    }


def test_only_another_cluster_makes_everything_anew() -> None:
    here = _kubeconfig("https://a:6443", "A")
    assert settings.moves(here, _kubeconfig("https://b:6443", "A")) == []
    assert settings.moves(here, _kubeconfig("https://a:6443", "B")) == []
    assert settings.moves(here, _kubeconfig("https://b:6443", "B")) == ["kubeconfig"]
    named = {"clusterIdentifier": "one"}
    assert settings.moves({**here, **named}, {**_kubeconfig("https://b:6443", "B"), **named}) == []
    assert settings.moves({**here, **named}, {**here, "clusterIdentifier": "two"}) == ["clusterIdentifier"]


def test_manifests_are_taken_apart() -> None:
    listed = "apiVersion: v1\nkind: List\nitems: [{apiVersion: v1, kind: A, metadata: {name: a}}]"
    text = f"{listed}\n---\n---\napiVersion: v1\nkind: B"
    assert [each["kind"] for each in decode(text)] == ["A", "B"]
    assert decode(text, "shop")[0]["metadata"] == {"name": "a", "namespace": "shop"}
    with pytest.raises(ProviderError, match="no YAML at line 1"):
        decode("a: [")
    with pytest.raises(ProviderError, match="no apiVersion or kind"):
        decode("a: 1")


def _install(path: Path, text: str = "#!/bin/sh\n") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_an_installed_official_plugin_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PATH", str(tmp_path / "ours"))
    _install(tmp_path / "ours" / PROGRAM, "#!/x/python\nfrom greenfield.kubernetes_provider.main import main\n")
    assert find_official("4.34.2") is None

    monkeypatch.setenv("PATH", f"{tmp_path / 'ours'}:{tmp_path / 'bin'}")
    on_path = _install(tmp_path / "bin" / PROGRAM)
    assert find_official("4.34.2") == on_path

    plugins = tmp_path / "home" / "plugins"
    _install(plugins / "resource-kubernetes-v3.0.0" / PROGRAM)
    assert find_official("4.34.2") == on_path
    older = _install(plugins / "resource-kubernetes-v4.9.1" / PROGRAM)
    newer = _install(plugins / "resource-kubernetes-v4.10.0" / PROGRAM)
    assert find_official("4.34.2") == newer
    assert find_official("4.9.1") == older


def test_ours_becomes_the_official_one_with_all_it_was_told(tmp_path: Path) -> None:
    program = '#!/bin/sh\necho "official $*"\n'
    _install(tmp_path / "plugins" / "resource-kubernetes-v4.0.0" / PROGRAM, program)
    command = [sys.executable, "-c", "from greenfield.kubernetes_provider.main import main; main()", "127.0.0.1:1"]
    environment = {"PULUMI_HOME": str(tmp_path), "PATH": os.environ["PATH"]}
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    assert result.stdout == "official 127.0.0.1:1\n"
