"""The nginx configuration of ``greenfield mirror serve``."""

from __future__ import annotations

from pathlib import Path

import pytest

from greenfield.artifacts.signing import dearmor
from greenfield.artifacts.web import configuration
from greenfield.errors import ArtifactError


@pytest.mark.parametrize("listen", ["10.0.0.1:80", "[fd00::5]:8080"])
def test_an_address_with_a_port_is_listened_on(listen: str) -> None:
    text = configuration(Path("/state"), Path("/mirror"), listen)
    assert f"listen {listen};" in text
    assert "root /mirror;" in text


@pytest.mark.parametrize("listen", ["80", "host:80", "10.0.0.1", "10.0.0.1:80; include /etc/x", "10.0.0.1:80\n"])
def test_anything_else_is_refused(listen: str) -> None:
    with pytest.raises(ArtifactError, match="can't listen on"):
        configuration(Path("/state"), Path("/mirror"), listen)


@pytest.mark.parametrize("path", ["/a b", "/a;b", "/a{b", "/a$b", '/a"b'])
def test_a_path_that_nginx_would_read_as_more_is_refused(path: str) -> None:
    with pytest.raises(ArtifactError, match="GREENFIELD_MIRROR_DIR"):
        configuration(Path("/state"), Path(path), "10.0.0.1:80")


def test_armor_is_taken_off_without_its_checksum() -> None:
    armored = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nAAEC\nAwQF\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n"
    assert dearmor(armored) == bytes(range(6))
