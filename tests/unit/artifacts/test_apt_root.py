"""Reading what apt prints."""

from __future__ import annotations

import pytest

from greenfield.artifacts.apt_root import AptRoot, parse_uris
from greenfield.artifacts.lock import Package
from greenfield.errors import ArtifactError

SHA = "ba4f88f73dbc3ae9055f3c20f4523bfdbaf1ad13ff95e258924f77d20b4fbedf"
POOL = "http://a.example/debian/pool/main"
LIBC = f"'{POOL}/g/glibc/libc6_2.36-9%2bdeb12u14_amd64.deb' libc6_2.36-9+deb12u14_amd64.deb 27 SHA256:{SHA}"
REDIS = (
    f"'{POOL}/r/redis/redis-server_7.0.15-1%7edeb12u5_amd64.deb' "
    f"redis-server_5%3a7.0.15-1~deb12u5_amd64.deb 73 SHA256:{SHA}"
)
ADDUSER = f"'http://a.example/s/pool/updates/main/a/adduser_3_all.deb' adduser_3_all.deb 9 SHA256:{SHA}"


def test_versions_epochs_and_pool_paths_are_decoded() -> None:
    (libc, uri), (redis, _), (adduser, _) = parse_uris("\n".join([LIBC, REDIS, ADDUSER]), "amd64")
    assert libc == Package(
        "libc6", "2.36-9+deb12u14", "amd64", "pool/main/g/glibc/libc6_2.36-9+deb12u14_amd64.deb", SHA, 27
    )
    assert uri == "http://a.example/debian/pool/main/g/glibc/libc6_2.36-9%2bdeb12u14_amd64.deb"
    assert redis.version == "5:7.0.15-1~deb12u5"
    assert redis.path == "pool/main/r/redis/redis-server_7.0.15-1~deb12u5_amd64.deb"
    assert (adduser.architecture, adduser.path) == ("all", "pool/updates/main/a/adduser_3_all.deb")


def test_words_of_apt_between_the_lines_are_passed_over() -> None:
    assert len(parse_uris(f"Reading package lists...\n{LIBC}\n\n", "amd64")) == 1


@pytest.mark.parametrize(
    "line",
    [LIBC.replace("SHA256", "MD5Sum"), LIBC.rsplit(" ", 1)[0], LIBC.replace("/pool/", "/flat/")],
)
def test_a_package_without_sha256_or_pool_path_is_refused(line: str) -> None:
    with pytest.raises(ArtifactError, match="libc6"):
        parse_uris(line, "amd64")


def test_a_package_for_another_architecture_is_refused() -> None:
    with pytest.raises(ArtifactError, match="for amd64, not for arm64"):
        parse_uris(LIBC, "arm64")


def test_every_option_of_the_root_stays_in_its_folder(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_CACHE_DIR", str(tmp_path))
    root = AptRoot("bookworm", "amd64")
    settings = dict(part.split("=", 1) for part in root.options if part != "-o")
    for key in ("Dir::State::lists", "Dir::State::status", "Dir::Cache", "Dir::Log", "Dir::State::extended_states"):
        assert settings[key].startswith(str(tmp_path))
