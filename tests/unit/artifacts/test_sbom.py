"""The SBOM: valid CycloneDX, complete, and the same for the same lock."""

from __future__ import annotations

import json
from dataclasses import replace

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

from greenfield.artifacts.lock import Artifact, FileArtifact, ImageArtifact, Lock, Package
from greenfield.artifacts.sbom import bill_of_materials

LOCK = Lock(
    site="lab",
    release="bookworm",
    architecture="amd64",
    created="2026-11-21T09:30:00Z",
    apt_key="",
    fingerprint="",
    packages={
        "redis-server": Package("redis-server", "5:7.0.15-1~deb12u5", "amd64", "pool/r.deb", "a" * 64, 73),
        "adduser": Package("adduser", "3.134", "all", "pool/a.deb", "b" * 64, 9),
    },
    artifacts={
        "host": Artifact(packages=("adduser",)),
        "redis-7.0": Artifact(packages=("adduser", "redis-server")),
        "etcd-3.6": Artifact(
            files=tuple(
                FileArtifact(name, digest * 64, 1, "3.6.5", "pkg:golang/go.etcd.io/etcd/server/v3@v3.6.5")
                for name, digest in (("etcd", "c"), ("etcdctl", "d"))
            )
        ),
    },
)


def test_it_is_valid_against_the_schema() -> None:
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(bill_of_materials(LOCK)) is None


def test_an_image_is_named_by_its_digest_and_says_what_it_holds() -> None:
    image = ImageArtifact("registry.k8s.io/coredns/coredns:v1", "e" * 64, 1, "1", "pkg:golang/x@v1", ("f" * 64,))
    lock = replace(LOCK, artifacts={"a": Artifact(images=(image,)), "b": Artifact(images=(image,))}, packages={})
    text = bill_of_materials(lock)
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    (found,) = json.loads(text)["components"]
    purl = PackageURL.from_string(found["purl"])
    assert (purl.type, purl.name, purl.version) == ("oci", "coredns", f"sha256:{'e' * 64}")
    assert purl.qualifiers == {"arch": "amd64", "repository_url": "registry.k8s.io/coredns/coredns", "tag": "v1"}
    assert {(p["name"], p["value"]) for p in found["properties"]} == {
        ("greenfield:artifact", "a"),
        ("greenfield:artifact", "b"),
        ("greenfield:holds", "pkg:golang/x@v1"),
    }


def test_the_same_lock_gives_the_same_text() -> None:
    assert bill_of_materials(LOCK) == bill_of_materials(LOCK)


def test_components_carry_purl_digest_and_who_needs_them() -> None:
    components = {c["name"]: c for c in json.loads(bill_of_materials(LOCK))["components"]}
    assert set(components) == {"adduser", "redis-server", "etcd", "etcdctl"}
    redis = PackageURL.from_string(components["redis-server"]["purl"])
    assert (redis.type, redis.namespace, redis.version) == ("deb", "debian", "5:7.0.15-1~deb12u5")
    assert redis.qualifiers == {"arch": "amd64", "distro": "bookworm"}
    assert components["redis-server"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert {p["value"] for p in components["adduser"]["properties"]} == {"host", "redis-7.0"}
    assert components["etcd"]["purl"] != components["etcdctl"]["purl"]
    assert components["etcd"]["version"] == "3.6.5"
