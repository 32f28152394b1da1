"""The catalogue: whole for every engine the code knows, and strict about its shape."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenfield.artifacts import toolchain
from greenfield.artifacts.catalogue import HOST, Catalogue, load_catalogue, names_for
from greenfield.engines import ENGINES
from greenfield.errors import ArtifactError
from greenfield.model.cluster import Cluster, EngineSpec
from greenfield.model.platform import Platform, Workload


def engine(name: str, kind: str, version: str) -> EngineSpec:
    return EngineSpec(name, kind, version, "pool", {})


def written(folder: Path, text: str) -> Catalogue:
    path = folder / "catalogue.yaml"
    path.write_text(text)
    return load_catalogue(path)


def test_every_engine_and_version_is_in_the_catalogue() -> None:
    names = [name for kind in ENGINES.values() for version in kind.versions for name in kind.artifacts(version)]
    assert [entry.name for entry in load_catalogue().select([HOST, *names])] == [HOST, *dict.fromkeys(names)]


def test_every_build_gives_the_files_of_its_entry_at_their_version() -> None:
    groups = [group for entry in load_catalogue().entries.values() for group in entry.groups]
    assert groups
    for group in groups:
        for recipe in [toolchain.recipe(source.build) for source in group.sources if source.build]:
            assert set(group.names) <= set(recipe.binaries)
            assert (group.purl, f"v{group.version}") == (recipe.purl, recipe.version)


def test_every_image_is_of_programs_that_are_built_at_its_version() -> None:
    images = [image for entry in load_catalogue().entries.values() for image in entry.images]
    assert images
    for image in images:
        assert image.sources
        assert image.entrypoint[0] in image.files
        assert set(image.capabilities) <= set(image.files)
        for recipe in [toolchain.recipe(source.build) for source in image.sources if source.build]:
            assert set(image.files.values()) <= set(recipe.binaries)
            assert (image.purl, f"v{image.version}") == (recipe.purl, recipe.version)


@pytest.mark.parametrize(("minor", "etcd", "coredns"), [("1.34", "3.6.5", "1.12.1"), ("1.35", "3.6.6", "1.13.1")])
def test_the_etcd_and_dns_images_hold_what_their_tags_say(minor: str, etcd: str, coredns: str) -> None:
    versions = {image.name: image.version for image in load_catalogue().entries[f"kubernetes-{minor}"].images}
    assert versions[f"registry.k8s.io/etcd:{etcd}-0"] == etcd
    assert versions[f"registry.k8s.io/coredns/coredns:v{coredns}"] == coredns


def test_names_are_the_host_layer_and_each_engines_once() -> None:
    engines = {e.name: e for e in (engine("a", "etcd", "3.6"), engine("b", "redis", "7.0"), engine("c", "etcd", "3.6"))}
    clusters = [Cluster("one", "lab", "s", {}, engines), Cluster("two", "lab", "s", {}, {})]
    assert names_for(clusters) == ["host", "etcd-3.6", "redis-7.0"]


COREDNS = "registry.k8s.io/coredns/coredns"


def platform(*images: str) -> Platform:
    work = Workload("web", "shop", ({"spec": {"containers": [{"name": "one", "image": image} for image in images]}},))
    return Platform("apps", "one", "k8s", workloads={"web": work})


def test_images_of_workloads_that_no_engine_brings_are_names_of_their_own() -> None:
    clusters = [Cluster("one", "lab", "s", {}, {"k8s": engine("k8s", "kubernetes", "1.35")})]
    engines = names_for(clusters)
    apps = platform("registry.shop.internal/web:2.0", f"{COREDNS}:v1.13.1", "registry.shop.internal/web:2.0")
    assert names_for(clusters, [apps]) == [*engines, "image/registry.shop.internal/web:2.0"]
    older = platform(f"{COREDNS}:v1.12.1")
    assert names_for(clusters, [older]) == [*engines, f"image/{COREDNS}:v1.12.1"]


def test_an_image_of_another_version_of_an_engine_has_its_sources() -> None:
    (entry,) = load_catalogue().select([f"image/{COREDNS}:v1.12.1"])
    assert [source.build for source in entry.images[0].sources] == ["coredns-1.12"]
    assert entry.key(f"{COREDNS}:v1.12.1") == entry.name


def test_an_own_image_has_no_source_but_hands() -> None:
    (entry,) = load_catalogue().select(["image/registry.shop.internal/web:2.0"])
    assert (entry.images[0].name, entry.images[0].version, entry.images[0].sources) == (
        "registry.shop.internal/web:2.0",
        "2.0",
        (),
    )
    assert load_catalogue().entries["etcd-3.6"].key("etcd") == "etcd-3.6/etcd"


@pytest.mark.parametrize("name", ["nginx", "shop/web:2", "docker.io/shop/web", "docker.io/web:1@sha256:41d9"])
def test_an_image_is_named_in_full(name: str) -> None:
    with pytest.raises(ArtifactError, match="not the full name of an image"):
        load_catalogue().select([f"image/{name}"])


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(ArtifactError, match=r"no artifact etcd-9; it has: host"):
        load_catalogue().select(["etcd-9"])


HEAD = "release: b\narchitecture: a\nartifacts: {x: {"


@pytest.mark.parametrize(
    "text",
    [
        "artifacts: {}",
        "release: bookworm\narchitecture: amd64\nartifacts: {x: }",
        "release: bookworm\narchitecture: amd64\nartifacts: {x: {}}",
        "release: bookworm\narchitecture: amd64\nartifacts: {x: {files: [f]}}",
        "release: b\narchitecture: a\n"
        "artifacts: {x: {files: [f], version: 1, purl: 'pkg:generic/f', sources: [{release: {url: u, sha256: '12'}}]}}",
        f"{HEAD}images: {{'pause:3': {{version: 1, purl: p, files: {{/p: p}}}}}}}}}}",
        f"{HEAD}images: {{'r.io/pause': {{version: 1, purl: p, files: {{/p: p}}}}}}}}}}",
        f"{HEAD}images: {{'r.io/pause:3': {{version: 1, purl: p, sources: [{{build: pause}}]}}}}}}}}",
    ],
)
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ArtifactError):
        written(tmp_path, text)


RELEASE = f"""
release: b
architecture: a
artifacts:
  x-1:
    files: [x]
    version: 1.2
    purl: pkg:generic/x@1.2
    sources:
      - release: {{url: "https://x.example/x.tar.gz", sha256: {"0a" * 32}, members: {{x: x-1/x}}}}
"""


def test_a_release_may_be_an_archive_with_members(tmp_path: Path) -> None:
    (found,) = written(tmp_path, RELEASE).entries["x-1"].groups
    assert found.version == "1.2"
    assert found.sources[0].sha256 == "0a" * 32
    assert found.sources[0].members == {"x": "x-1/x"}


IMAGE = f"""
release: b
architecture: a
artifacts:
  x:
    images:
      quay.example/team/x:v1.2_3:
        version: 1.2
        purl: pkg:generic/x@1.2
        sources:
          - release: {{url: "https://x.example/x.tar", sha256: {"0a" * 32}}}
"""


def test_an_image_may_be_an_official_archive(tmp_path: Path) -> None:
    (found,) = written(tmp_path, IMAGE).entries["x"].images
    assert (found.name, found.user) == ("quay.example/team/x:v1.2_3", "0:0")
    assert found.sources[0].url == "https://x.example/x.tar"
