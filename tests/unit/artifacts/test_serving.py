"""What has to run to serve a mirror: nginx alone, or a registry beside it once there are images."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from cryptography import x509

from greenfield.artifacts.authority import Authority
from greenfield.artifacts.place import mirror_dir
from greenfield.artifacts.registry_layout import ROOT
from greenfield.artifacts.serving import programs
from greenfield.errors import ArtifactError

STATE = Path("/state")


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GREENFIELD_MIRROR_DIR", str(tmp_path / "mirrors"))


@pytest.fixture
def images() -> None:
    (mirror_dir("lab") / ROOT).mkdir(parents=True)
    Authority("lab").certificate(create=True)


def test_a_mirror_without_images_needs_nginx_alone_and_no_authority() -> None:
    (nginx,) = programs("lab", STATE, "10.0.0.2:8080")
    assert (nginx.name, nginx.address, nginx.port) == ("nginx", "10.0.0.2", 8080)
    assert f"root {mirror_dir('lab')};" in nginx.config
    assert not Authority("lab").home.exists()


@pytest.mark.usefixtures("images")
def test_images_are_served_read_only_over_tls_on_the_mirrors_address() -> None:
    _, registry = programs("lab", STATE, "10.0.0.2:8080", ["mirror.example"])
    assert (registry.name, registry.address, registry.port) == ("registry", "10.0.0.2", 5000)
    config = yaml.safe_load(registry.config)
    assert config["http"]["addr"] == "10.0.0.2:5000"
    assert config["storage"]["maintenance"]["readonly"]["enabled"] is True
    assert config["storage"]["filesystem"]["rootdirectory"] == str(mirror_dir("lab") / "registry")
    shown = x509.load_pem_x509_certificate(Path(config["http"]["tls"]["certificate"]).read_bytes())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["10.0.0.2", "mirror.example"]
    assert "/state/registry.conf" in registry.argv


@pytest.mark.usefixtures("images")
def test_the_configuration_changes_only_when_what_it_says_or_the_certificate_does() -> None:
    first = programs("lab", STATE, "10.0.0.2:8080")[1].config
    assert programs("lab", STATE, "10.0.0.2:8080")[1].config == first
    (Authority("lab").home / "server.pem").unlink()
    assert programs("lab", STATE, "10.0.0.2:8080")[1].config != first


@pytest.mark.usefixtures("images")
def test_on_every_address_the_certificate_is_for_the_names_alone() -> None:
    config = yaml.safe_load(programs("lab", STATE, "0.0.0.0:8080", ["10.0.0.9"])[1].config)
    shown = x509.load_pem_x509_certificate(Path(config["http"]["tls"]["certificate"]).read_bytes())
    names = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["10.0.0.9"]


@pytest.mark.parametrize("listen", ["8080", "host:80", "10.0.0.1"])
def test_what_is_no_address_and_port_is_refused(listen: str) -> None:
    with pytest.raises(ArtifactError, match="can't listen on"):
        programs("lab", STATE, listen)
