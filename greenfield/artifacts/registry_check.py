"""Whether a registry serves what a lock names, asked as a host asks it."""

from __future__ import annotations

import http.client
import ssl

from greenfield.artifacts.lock import Lock
from greenfield.artifacts.registry import PORT
from greenfield.errors import ArtifactError

ANSWER_SECONDS = 10.0

ACCEPT = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    )
)


def check_registry(lock: Lock, address: str, port: int = PORT) -> None:
    """Ask for the manifest of every image over TLS; nothing to do where the lock has no images.

    Raises:
        ArtifactError: it does not answer, shows another authority's certificate, or has not one of the images.
    """
    if not lock.images:
        return
    context = ssl.create_default_context(cadata=lock.registry_certificate)
    connection = http.client.HTTPSConnection(address, port, timeout=ANSWER_SECONDS, context=context)
    wrong = []
    try:
        for image in lock.images:
            connection.request("HEAD", f"/v2/{image.repository}/manifests/{image.tag}", headers={"Accept": ACCEPT})
            answer = connection.getresponse()
            answer.read()
            found = answer.getheader("Docker-Content-Digest", f"status {answer.status}")
            if found != f"sha256:{image.sha256}":
                wrong.append(f"{image.name}: {found}, the lock says sha256:{image.sha256}")
    except (OSError, http.client.HTTPException) as error:
        raise ArtifactError(
            f"the registry at {address}:{port} does not serve site {lock.site}: {error}",
            fix="greenfield mirror serve SPEC, on the mirror's host; for the lab: greenfield lab up",
        ) from error
    finally:
        connection.close()
    if wrong:
        raise ArtifactError(
            f"the registry at {address}:{port} has other images than the lock of site {lock.site}:\n  "
            + "\n  ".join(wrong),
            fix="greenfield mirror sync SPEC on the mirror's host",
        )
