"""The key that vouches for a site's mirror: made once by gpg, in a private home that is never served."""

from __future__ import annotations

import base64
import re
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

from greenfield.artifacts.command import run
from greenfield.artifacts.place import state_dir
from greenfield.errors import ArtifactError

GPG_SECONDS = 120
"""Making a key waits for entropy at worst; signing takes milliseconds."""

AGENT_SECONDS = 10.0
"""A killed agent ends within milliseconds; on a machine that is busy it takes its time."""


class SigningKey:
    """The signing key of one site."""

    def __init__(self, site: str) -> None:
        """``site`` is the site's name; the key's home is ``gnupg`` below the mirror's state, mode 0700."""
        self.site = site
        self.home = state_dir(site) / "gnupg"

    def fingerprint(self, *, create: bool) -> str:
        """Fingerprint of the key; empty when there is none and ``create`` is false."""
        self.home.mkdir(mode=0o700, exist_ok=True)
        found = self._found()
        if found or not create:
            return found
        name = f"Greenfield mirror of site {self.site}"
        self._gpg(["--passphrase", "", "--quick-generate-key", name, "ed25519", "sign", "never"])
        return self._found()

    def public(self, fingerprint: str) -> str:
        """The armored public key."""
        return self._gpg(["--armor", "--export", fingerprint])

    def sign(self, release: Path, fingerprint: str) -> None:
        """Write ``InRelease`` and ``Release.gpg`` beside a ``Release``.

        Raises:
            ArtifactError: this workstation does not hold the key.
        """
        if self.fingerprint(create=False) != fingerprint:
            raise ArtifactError(
                f"the lock of site {self.site} names signing key {fingerprint}, which is not on this workstation",
                fix=f"bring {self.home} from the machine that made the lock, or: greenfield mirror lock SPEC --new-key",
            )
        common = ["--yes", "--local-user", fingerprint, "--digest-algo", "SHA512"]
        self._gpg([*common, "--output", str(release.with_name("InRelease")), "--clear-sign", str(release)])
        self._gpg(
            [*common, "--armor", "--output", str(release.with_name("Release.gpg")), "--detach-sign", str(release)]
        )

    def _found(self) -> str:
        listed = self._gpg(["--with-colons", "--list-secret-keys"])
        found = re.search(r"^fpr:(?:[^:]*:){8}([0-9A-F]{40}):", listed, re.MULTILINE)
        return found.group(1) if found else ""

    def _gpg(self, arguments: Sequence[str]) -> str:
        home = ["--homedir", str(self.home)]
        try:
            done = run(["gpg", "--batch", "--no-tty", "--pinentry-mode", "loopback", *home, *arguments])
        finally:
            # gpg leaves an agent behind that would keep running for this home alone.
            run(["gpgconf", *home, "--kill", "gpg-agent"], check=False)
            self._agent_gone()
        return done

    def _agent_gone(self) -> None:
        """Wait for the end of a killed agent: the next gpg would still find its socket, and fail on it."""
        place = run(["gpgconf", "--homedir", str(self.home), "--list-dirs", "agent-socket"], check=False).strip()
        deadline = time.monotonic() + AGENT_SECONDS
        while place and time.monotonic() < deadline:
            with socket.socket(socket.AF_UNIX) as probe:
                try:
                    probe.connect(unquote(place))
                except OSError:
                    return
            time.sleep(0.01)


def verify_signature(signed: Path, armored_key: str, fingerprint: str, scratch: Path) -> str:
    """What is wrong with the clear signature of ``signed``; empty when the key with this fingerprint made it."""
    keyring = scratch / "keyring.gpg"
    keyring.write_bytes(dearmor(armored_key))
    found = subprocess.run(
        ["gpgv", "--status-fd", "1", "--keyring", str(keyring), str(signed)],
        capture_output=True,
        text=True,
        timeout=GPG_SECONDS,
        check=False,
    )
    keyring.unlink()
    if found.returncode:
        return found.stderr.strip().replace("\n", "; ")
    # The last word of VALIDSIG is the primary key's fingerprint.
    valid = re.search(r"^\[GNUPG:\] VALIDSIG .* ([0-9A-F]{40})$", found.stdout, re.MULTILINE)
    return "" if valid and valid[1] == fingerprint else f"the key is {valid[1] if valid else 'unknown'}"


def dearmor(armored: str) -> bytes:
    """The bytes of an armored OpenPGP block (RFC 9580, section 6.2); the checksum line is left out."""
    body = armored.strip().split("\n\n", 1)[-1].splitlines()
    return base64.b64decode("".join(line for line in body if line and line[0] not in "-="))
