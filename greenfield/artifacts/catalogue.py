"""The catalogue: what stands behind the artifact names of engine descriptors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from greenfield.engines import ENGINES
from greenfield.errors import ArtifactError
from greenfield.model.cluster import Cluster

CATALOGUE = Path(__file__).with_name("catalogue.yaml")

HOST = "host"
"""The catalogue name of what the host layer installs on every host."""


@dataclass(frozen=True, slots=True)
class Source:
    """One way to have files.

    Attributes:
        build: a folder of ``tools/``; its build's output of the same name is the file. Empty for a release.
        url: an official archive or single file, with its ``sha256``.
        members: file name to its path in the archive; empty when the URL is the file itself.
    """

    build: str = ""
    url: str = ""
    sha256: str = ""
    members: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One name of the catalogue."""

    name: str
    packages: tuple[str, ...]
    files: tuple[str, ...]
    version: str
    purl: str
    sources: tuple[Source, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All entries, by name, for one Debian release and architecture."""

    release: str
    architecture: str
    entries: Mapping[str, Entry]

    def select(self, names: Iterable[str]) -> list[Entry]:
        """Entries of these names, in the order given, each once.

        Raises:
            ArtifactError: there is no such name.
        """
        chosen = list(dict.fromkeys(names))
        unknown = [name for name in chosen if name not in self.entries]
        if unknown:
            raise ArtifactError(
                f"the catalogue has no artifact {', '.join(unknown)}; it has: {', '.join(self.entries)}",
                fix="add it to greenfield/artifacts/catalogue.yaml",
            )
        return [self.entries[name] for name in chosen]


def names_for(clusters: Iterable[Cluster]) -> list[str]:
    """Catalogue names that the clusters' hosts install: the host layer, then what each engine asks."""
    names = [HOST]
    for cluster in clusters:
        for engine in cluster.engines.values():
            names += ENGINES[engine.kind].artifacts(engine.version)
    return list(dict.fromkeys(names))


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
    files = tuple(values.get("files", ()))
    entry = Entry(
        name=name,
        packages=tuple(values.get("packages", ())),
        files=files,
        version=str(values["version"]) if files else "",
        purl=str(values["purl"]) if files else "",
        sources=tuple(_source(name, source) for source in values.get("sources", ())),
    )
    if not entry.packages and not entry.files:
        raise ArtifactError(f"catalogue entry {name} has neither packages nor files")
    return entry


def _source(name: str, values: Mapping[str, Any]) -> Source:
    if "build" in values:
        return Source(build=str(values["build"]))
    release = values["release"]
    if len(str(release["sha256"])) != 64:
        raise ArtifactError(f"catalogue entry {name}: a release needs its sha256, 64 hexadecimal digits")
    return Source(url=release["url"], sha256=release["sha256"], members=release.get("members"))
