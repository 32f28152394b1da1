"""The catalogue: what stands behind the artifact names of engine descriptors."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from greenfield.engines import ENGINES
from greenfield.errors import ArtifactError
from greenfield.model.cluster import Cluster
from greenfield.model.images import FULL_NAME, images_of
from greenfield.model.platform import Platform

CATALOGUE = Path(__file__).with_name("catalogue.yaml")

HOST = "host"
"""The catalogue name of what the host layer installs on every host."""


OWN = "image/"
"""What the name of a workload's own image begins with: ``image/registry.shop.internal/web:2.0``."""


@dataclass(frozen=True, slots=True)
class Source:
    """One way to have files, or an image.

    Attributes:
        build: a folder of ``tools/``; its build's output of the same name is the file. Empty for a release.
        url: an official archive or single file, with its ``sha256``; for an image its OCI archive.
        members: file name to its path in the archive; empty when the URL is the file itself.
    """

    build: str = ""
    url: str = ""
    sha256: str = ""
    members: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Files:
    """Files that come together: one version, the same sources."""

    names: tuple[str, ...]
    version: str
    purl: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """A container image, put together from files where no archive of it is had.

    Attributes:
        name: full, with host and tag, as pods ask for it.
        files: path in the image → file of the build.
        capabilities: path in the image → file capabilities, for a program that is not root.
        entrypoint: what runs when a pod names no command.
        user: ``UID:GID`` it runs as when a pod names none.
    """

    name: str
    version: str
    purl: str
    sources: tuple[Source, ...]
    files: Mapping[str, str]
    capabilities: Mapping[str, tuple[str, ...]]
    entrypoint: tuple[str, ...]
    user: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of the catalogue."""

    name: str
    packages: tuple[str, ...]
    groups: tuple[Files, ...]
    images: tuple[Image, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Names of all files."""
        return tuple(name for group in self.groups for name in group.names)

    def key(self, part: str) -> str:
        """What ``greenfield mirror add`` calls one of its files or images; a workload's own image is its entry."""
        return self.name if self.name == f"{OWN}{part}" else f"{self.name}/{part}"


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries, by name, for one Debian release and architecture."""

    release: str
    architecture: str
    entries: Mapping[str, Entry]

    def select(self, names: Iterable[str]) -> list[Entry]:
        """Entries of these names, in the order given, each once; ``image/NAME`` is any image at all.

        Raises:
            ArtifactError: there is no such name.
        """
        chosen = list(dict.fromkeys(names))
        own = {name: self._own(name.removeprefix(OWN)) for name in chosen if name.startswith(OWN)}
        unknown = [name for name in chosen if name not in self.entries and name not in own]
        if unknown:
            raise ArtifactError(
                f"the catalogue has no artifact {', '.join(unknown)}; it has: {', '.join(self.entries)}",
                fix="add it to greenfield/artifacts/catalogue.yaml",
            )
        return [own.get(name) or self.entries[name] for name in chosen]

    def _own(self, name: str) -> Entry:
        """The entry of a workload's image: as an engine of another version has it, else one to be carried in."""
        if not FULL_NAME.fullmatch(name):
            raise ArtifactError(
                f"{name!r} is not the full name of an image",
                fix="write HOST/PATH:TAG, as in docker.io/library/nginx:1.29 or registry.shop.internal/web:2.0",
            )
        known = (image for entry in self.entries.values() for image in entry.images if image.name == name)
        bare = Image(name, name.rsplit(":", 1)[1], "", (), {}, {}, (), "")
        return Entry(f"{OWN}{name}", (), (), (next(known, bare),))


def names_for(clusters: Iterable[Cluster], platforms: Iterable[Platform] = ()) -> list[str]:
    """Names of all that the clusters' hosts install: the host layer, what each engine asks, images of workloads.

    An image that an engine brings is the engine's, also where a workload runs it.
    """
    names = [HOST]
    for cluster in clusters:
        for engine in cluster.engines.values():
            names += ENGINES[engine.kind].artifacts(engine.version)
    return list(dict.fromkeys([*names, *_own_images(platforms, names)]))


def _own_images(platforms: Iterable[Platform], names: Collection[str]) -> list[str]:
    workloads = [work.objects for platform in platforms for work in platform.workloads.values()]
    if not workloads:
        return []
    brought = {image.name for entry in load_catalogue().select(names) for image in entry.images}
    return sorted({f"{OWN}{image}" for image in images_of(workloads) if image not in brought})


@cache
def load_catalogue(path: Path = CATALOGUE) -> Catalogue:
    """Read a catalogue.

    Raises:
        ArtifactError: it is not of the shape its head describes.
    """
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        entries = {name: _entry(name, values) for name, values in document["artifacts"].items()}
        return Catalogue(document["release"], document["architecture"], entries)
    except (KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"{path} is not a catalogue: {error!r}", fix="compare it with the comment at its top"
        ) from error


def _entry(name: str, values: Mapping[str, Any]) -> Entry:
    parts = values.get("parts", [values] if "files" in values else [])
    entry = Entry(
        name=name,
        packages=tuple(values.get("packages", ())),
        groups=tuple(_files(name, part) for part in parts),
        images=tuple(_image(name, image, given) for image, given in values.get("images", {}).items()),
    )
    if not (entry.packages or entry.files or entry.images):
        raise ArtifactError(f"catalogue entry {name} has neither packages nor files nor images")
    return entry


def _files(name: str, values: Mapping[str, Any]) -> Files:
    sources = tuple(_source(name, source) for source in values.get("sources", ()))
    return Files(tuple(values["files"]), str(values["version"]), str(values["purl"]), sources)


def _image(entry: str, name: str, values: Mapping[str, Any]) -> Image:
    if not FULL_NAME.fullmatch(name):
        raise ArtifactError(f"catalogue entry {entry}: {name!r} is not the full name of an image: HOST/PATH:TAG")
    sources = tuple(_source(entry, source) for source in values.get("sources", ()))
    if any(source.build for source in sources) and not values.get("files"):
        raise ArtifactError(f"catalogue entry {entry}: image {name} is built, so it needs files")
    return Image(
        name=name,
        version=str(values["version"]),
        purl=str(values["purl"]),
        sources=sources,
        files=values.get("files", {}),
        capabilities={path: tuple(given) for path, given in values.get("capabilities", {}).items()},
        entrypoint=tuple(values.get("entrypoint", ())),
        user=str(values.get("user", "0:0")),
    )


def _source(name: str, values: Mapping[str, Any]) -> Source:
    if "build" in values:
        return Source(build=str(values["build"]))
    release = values["release"]
    if len(str(release["sha256"])) != 64:
        raise ArtifactError(f"catalogue entry {name}: a release needs its sha256, 64 hexadecimal digits")
    return Source(url=release["url"], sha256=release["sha256"], members=release.get("members"))
