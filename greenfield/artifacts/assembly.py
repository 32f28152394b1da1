"""Container images put together from files: an image is two JSON documents and an archive, so no engine is needed.

The same files give the same bytes on every workstation: fixed times and owners, sorted names, and a layer that is not
compressed, since compressors differ from version to version. Image Format Specification 1.1 of the Open Container
Initiative.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from greenfield.errors import ArtifactError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"

SEARCH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
"""Pods of kubeadm name programs without their folder."""

ACCOUNTS = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    "nonroot:x:65532:65532:nonroot:/:/sbin/nologin\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\nnonroot:x:65532:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}
"""What programs that ask for a user's or a host's name look into."""

CAPABILITIES = {"net_bind_service": 10}
"""Numbers of capabilities (capability.h)."""

FILE_CAPABILITY = struct.Struct("<IIIII")
EFFECTIVE_REVISION_2 = 0x02000001
"""Head of a file capability (struct vfs_cap_data of capability.h): revision 2, effective at once."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into an image.

    Attributes:
        files: path in the image → where the program's bytes lie.
        capabilities: path in the image → names of file capabilities.
        user: ``UID:GID``.
    """

    files: Mapping[str, Path]
    capabilities: Mapping[str, Sequence[str]]
    entrypoint: Sequence[str]
    user: str
    version: str


def write_layer(contents: Contents, target: Path) -> None:
    """Write the only layer of an image: the programs, the accounts and an empty ``/tmp``.

    Raises:
        ArtifactError: a capability is none that images here may have.
    """
    small = {name: text.encode() for name, text in ACCOUNTS.items()}
    programs = {path.lstrip("/"): (path, file) for path, file in contents.files.items()}
    folders = {str(parent) for name in (*small, *programs) for parent in PurePosixPath(name).parents} - {"."}
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted({*folders, *small, *programs, "tmp"}):
            if name in small:
                archive.addfile(_entry(name, 0o644, len(small[name])), io.BytesIO(small[name]))
            elif name in programs:
                path, file = programs[name]
                entry = _entry(name, 0o755, file.stat().st_size)
                entry.pax_headers = _extended(contents.capabilities.get(path, ()))
                with file.open("rb") as stream:
                    archive.addfile(entry, stream)
            else:
                entry = _entry(name, 0o1777 if name == "tmp" else 0o755, 0)
                entry.type = tarfile.DIRTYPE
                archive.addfile(entry)


def configuration(contents: Contents, architecture: str, layer: str) -> bytes:
    """The image's configuration. ``layer`` is the layer's SHA-256."""
    return _json(
        {
            "architecture": architecture,
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {
                "User": contents.user,
                "Env": [SEARCH],
                "Entrypoint": list(contents.entrypoint),
                "WorkingDir": "/",
                "Labels": {"org.opencontainers.image.version": contents.version},
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer}"]},
        }
    )


def manifest(config: bytes, layer: str, layer_bytes: int) -> bytes:
    """The image's manifest; its SHA-256 is the image's digest."""
    digest = hashlib.sha256(config).hexdigest()
    return _json(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": f"sha256:{digest}", "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": f"sha256:{layer}", "size": layer_bytes}],
        }
    )


def _entry(name: str, mode: int, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = mode, size
    return entry


def _extended(capabilities: Sequence[str]) -> dict[str, str]:
    """Extended attributes as archives carry them."""
    if not capabilities:
        return {}
    unknown = [name for name in capabilities if name not in CAPABILITIES]
    if unknown:
        raise ArtifactError(f"no image may have the capability {unknown[0]}; there are: {', '.join(CAPABILITIES)}")
    permitted = sum(1 << CAPABILITIES[name] for name in set(capabilities))
    value = FILE_CAPABILITY.pack(EFFECTIVE_REVISION_2, permitted, 0, 0, 0)
    # Every byte is below 0x80, so text carries it unchanged.
    return {"SCHILY.xattr.security.capability": value.decode("ascii")}


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()
