"""greenfield.host.fetch takes nothing whose digest is not the lock's."""

from __future__ import annotations

import hashlib
import threading
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

GOOD = b"the artifact\n"


class QuietHandler(SimpleHTTPRequestHandler):
    """Counts what was asked for."""

    asked: list[str]

    def log_message(self, format, *values):
        self.server.asked.append(self.path)


@pytest.fixture
def mirror(tmp_path):
    """A mirror on the loopback address with one file."""
    root = tmp_path / "mirror"
    root.mkdir()
    (root / "artifact").write_bytes(GOOD)
    server = HTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(root)))
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def wanted(mirror, tmp_path, owner):
    """The entry of ``files`` for the artifact."""
    url = f"http://127.0.0.1:{mirror.server_port}/artifact"
    path = str(tmp_path / "bin/artifact")
    return {"url": url, "path": path, "sha256": hashlib.sha256(GOOD).hexdigest(), "mode": "0755", **owner}


@pytest.fixture
def fetch(module, tmp_path):
    """The module, with its notes below the scratch folder."""
    return partial(module, "fetch", notes=str(tmp_path / "notes"))


def test_a_file_is_fetched_once(fetch, wanted, mirror, tmp_path):
    assert fetch(files=[wanted])["changed_paths"] == [wanted["path"]]
    assert (tmp_path / "bin/artifact").read_bytes() == GOOD
    assert (tmp_path / "bin/artifact").stat().st_mode & 0o777 == 0o755
    assert not fetch(files=[wanted])["changed"]
    assert len(mirror.asked) == 1


def test_a_tampered_artifact_is_refused_and_the_old_one_kept(fetch, wanted, mirror, tmp_path):
    fetch(files=[wanted])
    (tmp_path / "mirror/artifact").write_bytes(b"tampered")
    newer = {**wanted, "sha256": hashlib.sha256(b"newer").hexdigest()}
    answer = fetch(files=[newer])
    assert answer["failed"]
    assert hashlib.sha256(b"tampered").hexdigest() in answer["msg"]
    assert (tmp_path / "bin/artifact").read_bytes() == GOOD
    assert [path.name for path in (tmp_path / "bin").iterdir()] == ["artifact"]


def test_a_file_that_was_changed_on_the_host_is_fetched_anew(fetch, wanted, tmp_path):
    fetch(files=[wanted])
    (tmp_path / "bin/artifact").write_bytes(b"something else")
    assert fetch(files=[wanted])["changed"]
    assert (tmp_path / "bin/artifact").read_bytes() == GOOD


def test_check_mode_fetches_nothing(fetch, wanted, mirror, tmp_path):
    assert fetch(check=True, files=[wanted])["changed"]
    assert mirror.asked == []
    assert not (tmp_path / "bin").exists()


def test_a_missing_file_is_named(fetch, wanted):
    answer = fetch(files=[{**wanted, "url": wanted["url"] + "-absent"}])
    assert "artifact-absent could not be downloaded: HTTP Error 404" in answer["msg"]


def test_a_silent_server_is_told_with_its_address(fetch, wanted, mirror):
    mirror.server_close()
    answer = fetch(files=[wanted], timeout_seconds=2)
    assert wanted["url"] in answer["msg"]
