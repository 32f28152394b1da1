"""Reads a spec: files to documents, documents to the model, and every problem on the way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from greenfield import content
from greenfield.engines.kubernetes import RELEASES
from greenfield.errors import SpecError
from greenfield.model.budget import Budget
from greenfield.model.cluster import Cluster
from greenfield.model.platform import Platform
from greenfield.model.problem import Problem
from greenfield.model.site import Site
from greenfield.model.standard import Standard
from greenfield.spec import build_cluster, build_platform, build_site, build_standard, document
from greenfield.spec.build_cluster import BuiltCluster
from greenfield.spec.build_platform import BuiltPlatform
from greenfield.spec.build_site import BuiltSite
from greenfield.spec.check_budget import check_budget
from greenfield.spec.check_cluster import check_cluster, check_sharing
from greenfield.spec.check_hosts import check_hosts
from greenfield.spec.check_platform import check_platform
from greenfield.spec.check_site import check_site
from greenfield.spec.document import Document, file_path
from greenfield.spec.draft import Draft
from greenfield.spec.explain import explain, hint
from greenfield.spec.schema import API_VERSION, KINDS
from greenfield.spec.sources import Sources


@dataclass(frozen=True)
class Spec:
    """What a spec says, by name.

    Attributes:
        standards: those of the spec and those that ship with Greenfield.
        warnings: problems that don't stop.
        digest: SHA-256 (hex) of the content of all documents and host tables; the same for the same meaning in YAML,
            whatever its layout, comments and order of keys.
        folder: folder of the first path given.
        sources: where each part stands in its file.
    """

    sites: Mapping[str, Site]
    clusters: Mapping[str, Cluster]
    standards: Mapping[str, Standard]
    budgets: Mapping[str, Budget]
    platforms: Mapping[str, Platform]
    warnings: tuple[Problem, ...]
    digest: str
    folder: Path
    sources: Sources

    def cluster(self, name: str | None = None) -> tuple[Cluster, Site]:
        """The named cluster, or the only one, with its site.

        Raises:
            SpecError: there is no such cluster, none at all, or several and no name was given.
        """
        names = list(self.clusters)
        if name is None and len(names) == 1:
            name = names[0]
        if name is None:
            if not names:
                raise SpecError(f"there is no cluster in {self.folder}", fix="add a document of kind Cluster")
            raise SpecError(f"there are {len(names)} clusters in {self.folder}", fix=f"name one: {', '.join(names)}")
        if name not in self.clusters:
            raise SpecError(f'there is no cluster "{name}" in {self.folder}', fix=hint(name, names))
        cluster = self.clusters[name]
        return cluster, self.sites[cluster.site]


@dataclass
class _Loading:
    sources: Sources
    problems: list[Problem] = field(default_factory=list)
    sites: dict[str, BuiltSite] = field(default_factory=dict)
    clusters: dict[str, BuiltCluster] = field(default_factory=dict)
    standards: dict[str, Standard] = field(default_factory=dict)
    budgets: dict[str, tuple[Budget, Draft]] = field(default_factory=dict)
    platforms: dict[str, BuiltPlatform] = field(default_factory=dict)
    waiting: list[Draft] = field(default_factory=list)

    def build(self, found: Document) -> None:
        """Judges a document and reads what is whole of it."""
        refused = explain(found)
        self.problems.extend(refused)
        draft = Draft(found, self.problems, refused)
        name = draft.name
        match found.data["kind"]:
            case "Site":
                self.sites[name] = build_site.build(draft, self.sources)
            case "Cluster":
                self.clusters[name] = build_cluster.build(draft)
            case "Standard":
                self.standards[name] = build_standard.standard(draft)
            case "Budget":
                self.budgets[name] = (build_standard.budget(draft), draft)
            case "Platform":
                self.waiting.append(draft)

    def build_platforms(self) -> None:
        """Reads what is whole of platforms, once the clusters are known that they stand on."""
        for draft in self.waiting:
            cluster = self.clusters.get(draft.text("cluster"))
            engine = cluster.cluster.engines.get(draft.text("engine")) if cluster else None
            built = build_platform.build(draft, RELEASES.get(engine.version, "") if engine else "")
            self.platforms[draft.name] = built
            self.sources.manifests[draft.name] = built.objects

    def check(self, today: date) -> None:
        """Everything that is wrong between parts which are right by themselves."""
        for site in self.sites.values():
            check_hosts(site)
            check_site(site)
        for cluster in self.clusters.values():
            check_cluster(cluster, self.sites, self.standards, today)
        check_sharing(list(self.clusters.values()))
        for budget, draft in self.budgets.values():
            check_budget(budget, draft, self.clusters, self.sites)
        for platform in self.platforms.values():
            check_platform(platform, self.clusters)


def load(paths: Sequence[Path]) -> Spec:
    """The spec in files and folders (of a folder, each ``*.yaml`` right in it with documents of Greenfield).

    Raises:
        SpecError: something is wrong; it carries every problem, not just the first.
    """
    spec, problems, sources = collect(paths)
    errors = [problem for problem in problems if problem.severity == "error"]
    if spec is None or errors:
        raise SpecError(_summary(errors, sources), problems, fix=f"greenfield validate {' '.join(map(str, paths))}")
    return spec


def collect(
    paths: Sequence[Path], *, standards: Path | None = None, today: date | None = None
) -> tuple[Spec | None, list[Problem], Sources]:
    """The same without raising.

    Args:
        paths: files and folders.
        standards: folder of standards to load beside them; those that ship with Greenfield by default.
        today: the day waivers are held against; the current one by default.

    Returns:
        The spec, every problem, and where paths stand. When there are errors the spec holds only what is whole: a
        cluster is in it when its pools, and its site's racks, hardware and hosts, could all be read, so that
        placement can be judged all the same; engines that are wrong are left out of it. It is ``None`` when nothing
        could be read.
    """
    folder = _folder(paths)
    loading = _Loading(Sources(folder))
    shipped = set()
    for file, required in _files(paths, standards or content.standards(), loading.problems):
        for found in _documents(file, required, loading):
            loading.sources.documents[found.key] = found
            loading.build(found)
            if file.parent == (standards or content.standards()) and not required:
                shipped.add(found.key)
    own = [key for key in loading.sources.documents if key not in shipped]
    if not own and not loading.problems:
        loading.problems.append(
            Problem(
                file_path(folder, 1, 1),
                f"has no documents of {API_VERSION}",
                "try `greenfield init` for a start",
                "empty",
            )
        )
    loading.build_platforms()
    loading.check(today or date.today())
    return _spec(loading, folder, shipped) if own else None, loading.problems, loading.sources


def _folder(paths: Sequence[Path]) -> Path:
    if not paths:
        raise SpecError("no spec was named", fix="name a folder or files, e.g. examples/lab")
    return paths[0] if paths[0].is_dir() else paths[0].parent


def _files(paths: Sequence[Path], standards: Path, problems: list[Problem]) -> Iterable[tuple[Path, bool]]:
    """Each file once, standards first, and whether it must hold documents of Greenfield because it was named."""
    seen: set[Path] = set()
    named: list[tuple[Path, bool]] = [(file, False) for file in sorted(standards.glob("*.yaml"))]
    for path in paths:
        if path.is_dir():
            named += [(file, False) for file in sorted(path.glob("*.yaml"))]
        elif path.is_file():
            named.append((path, True))
        else:
            problems.append(Problem(file_path(path, 1, 1), "there is no such file or folder", "check the path", "file"))
    for file, required in named:
        if file.resolve() not in seen:
            seen.add(file.resolve())
            yield file, required


def _documents(file: Path, required: bool, loading: _Loading) -> Iterable[Document]:
    """Documents of Greenfield in a file, with keys of their own."""
    for node, data in document.read(file, loading.problems):
        place = file_path(file, node.start_mark.line + 1, node.start_mark.column + 1)
        version = data.get("apiVersion") if isinstance(data, dict) else None
        if version != API_VERSION:
            ours = isinstance(data, dict) and version is None and data.get("kind") in KINDS
            if required or ours or str(version).startswith("greenfield/"):
                said = f'has apiVersion "{version}"' if version else "has no apiVersion"
                loading.problems.append(Problem(place, said, f"write apiVersion: {API_VERSION}", "api-version"))
            continue
        kind = data.get("kind")
        if kind not in KINDS:
            fix = hint(str(kind), KINDS)
            loading.problems.append(
                Problem(place, f'has an unknown kind "{kind}"', f"{fix} ({', '.join(KINDS)})", "kind")
            )
            continue
        yield _keyed(kind, file, node, data, loading)


def _keyed(kind: str, file: Path, node: Any, data: dict[str, Any], loading: _Loading) -> Document:
    metadata = data.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    key = (kind, name if isinstance(name, str) and name else f"{kind.lower()} without a name")
    first = loading.sources.documents.get(key)
    if first is None:
        return Document(key, file, node, data)
    same = sum(known == kind and other.partition(" #")[0] == key[1] for known, other in loading.sources.documents)
    key = (kind, f"{key[1]} #{same + 1}")
    if isinstance(name, str):
        where = f"{first.file.name}:{first.node.start_mark.line + 1}"
        message = f"there is another {kind} of the name {name} ({where})"
        path = (*key, "metadata", "name")
        loading.problems.append(Problem(path, message, "give one of them another name", "duplicate-name"))
    return Document(key, file, node, data)


def _spec(loading: _Loading, folder: Path, shipped: set[tuple[str, str]]) -> Spec:
    sites = {name: built.site for name, built in loading.sites.items() if built.draft.whole}
    clusters = {
        name: built.cluster
        for name, built in loading.clusters.items()
        if built.cluster.site in sites and len(built.cluster.node_pools) == len(built.draft.names("nodePools")) > 0
    }
    return Spec(
        sites=sites,
        clusters=clusters,
        standards=loading.standards,
        budgets={name: budget for name, (budget, _) in loading.budgets.items()},
        platforms={name: built.platform for name, built in loading.platforms.items()},
        warnings=tuple(problem for problem in loading.problems if problem.severity == "warning"),
        digest=_digest(
            loading, shipped - {("Standard", built.cluster.standard) for built in loading.clusters.values()}
        ),
        folder=folder,
        sources=loading.sources,
    )


def _digest(loading: _Loading, unused: set[tuple[str, str]]) -> str:
    """Standards that ship but that no cluster names don't count: a new release may add one."""
    documents = {"/".join(key): found.data for key, found in loading.sources.documents.items() if key not in unused}
    tables = {name: [table.columns, table.rows] for name, table in loading.sources.tables.items()}
    objects = {
        name: [found.data for listed in built.objects.values() for found in listed]
        for name, built in loading.platforms.items()
    }
    # A spec without platforms keeps the digest it had before there were any.
    said = [documents, tables, objects] if objects else [documents, tables]
    canonical = json.dumps(said, default=str, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def _summary(errors: Sequence[Problem], sources: Sources) -> str:
    first = errors[0] if errors else None
    if first is None:
        return "the spec is empty"
    place = sources.locate(first.path)
    rest = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{place.file}:{place.line}:{place.column} {first.message}{rest}"
