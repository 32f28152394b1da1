"""A CycloneDX bill of materials of what a lock's hosts get."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from greenfield.artifacts.lock import FileArtifact, ImageArtifact, Lock, Package

USED_BY = "greenfield:artifact"
"""Property of a component: the catalogue name that brings it."""

HOLDS = "greenfield:holds"
"""Property of an image: package URL of the program in it; what is in a workload's own image, nobody told us."""


def bill_of_materials(lock: Lock) -> str:
    """CycloneDX 1.6 as JSON. The same lock gives the same text: its serial number and time come from the lock."""
    site = Component(type=ComponentType.PLATFORM, name=f"greenfield-mirror-{lock.site}", version=lock.digest[:12])
    site.bom_ref.value = f"site:{lock.site}"
    bom = Bom(serial_number=uuid5(NAMESPACE_URL, f"greenfield:{lock.digest}"))
    bom.metadata.component = site
    bom.metadata.timestamp = datetime.fromisoformat(lock.created)
    components = []
    for package in lock.packages.values():
        users = [name for name, artifact in lock.artifacts.items() if package.name in artifact.packages]
        components.append(_debian(package, lock, users))
    for name, artifact in lock.artifacts.items():
        components += [_file(file, name) for file in artifact.files]
    for image in lock.images:
        users = [name for name, artifact in lock.artifacts.items() if image in artifact.images]
        components.append(_image(image, users, lock.architecture))
    for component in components:
        bom.components.add(component)
    bom.register_dependency(site, components)
    document: dict[str, Any] = json.loads(JsonV1Dot6(bom).output_as_string())
    return json.dumps(document, indent=2, sort_keys=True)


def _debian(package: Package, lock: Lock, users: list[str]) -> Component:
    qualifiers = {"arch": package.architecture, "distro": lock.release}
    purl = PackageURL("deb", "debian", package.name, package.version, qualifiers)
    return _component(ComponentType.LIBRARY, package, purl, users)


def _file(file: FileArtifact, artifact: str) -> Component:
    # Several files can come out of one package: the subpath keeps their references apart.
    purl = PackageURL.from_string(f"{file.purl}#{file.name}")
    return _component(ComponentType.APPLICATION, file, purl, [artifact])


def _image(image: ImageArtifact, users: list[str], architecture: str) -> Component:
    path, tag = image.name.rsplit(":", 1)
    qualifiers = {"repository_url": path, "tag": tag, "arch": architecture}
    purl = PackageURL("oci", None, path.rsplit("/", 1)[1], f"sha256:{image.sha256}", qualifiers)
    found = _component(ComponentType.CONTAINER, image, purl, users)
    if image.purl:
        found.properties.add(Property(name=HOLDS, value=image.purl))
    return found


def _component(
    kind: ComponentType, item: Package | FileArtifact | ImageArtifact, purl: PackageURL, users: list[str]
) -> Component:
    return Component(
        type=kind,
        name=item.name,
        version=item.version,
        purl=purl,
        bom_ref=purl.to_string(),
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=item.sha256)],
        properties=[Property(name=USED_BY, value=user) for user in users],
    )
