"""What a kubeconfig says, and what is told of a server that does not answer or refuses."""

from __future__ import annotations

import base64
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from greenfield.provider.kubernetes_api import Access, RefusedError, UnreachableError
from greenfield.provider.x509 import issue, make_authority

PAIR = make_authority("an authority", 86400, datetime.now(UTC))
SUBJECT = {"common_name": "someone", "dns": ["x"], "addresses": [], "usages": ["client"]}
OWN = issue(PAIR, SUBJECT, int(datetime.now(UTC).timestamp()), 3600)


def _kubeconfig(server: str, **user: Any) -> dict[str, Any]:
    return {
        "clusters": [{"name": "c", "cluster": {"server": server}}, {"name": "d", "cluster": {"server": "other"}}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "a", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "a",
    }


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_content_a_path_and_files_beside_it_are_read(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("key")
    user = {"client-certificate-data": _encoded("certificate"), "client-key": str(tmp_path / "key.pem")}
    said = json.dumps(_kubeconfig("https://10.0.0.1:6443/", **user))
    (tmp_path / "kubeconfig").write_text(said)
    for text in (said, str(tmp_path / "kubeconfig")):
        assert Access.of(text) == Access("https://10.0.0.1:6443", "", "certificate", "key", "")
    assert Access.of(json.dumps(_kubeconfig("https://a", token="t"))).token == "t"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "not usable"),
        ("/no/such/file", r"not usable \(FileNotFoundError\)"),
        (json.dumps({**_kubeconfig("https://a", token="secret"), "current-context": "b"}), "not usable"),
        (json.dumps(_kubeconfig("https://a", exec={"command": "login"})), "neither a client certificate nor a token"),
    ],
)
def test_one_that_can_not_be_used_is_refused_without_what_is_in_it(text: str, words: str) -> None:
    with pytest.raises(UnreachableError, match=words) as caught:
        Access.of(text)
    assert "secret" not in str(caught.value)


def test_keys_are_on_no_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    Access("https://a", PAIR.certificate, OWN.certificate, OWN.private_key, "").context()
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_named() -> None:
    with pytest.raises(UnreachableError, match=r"the cluster at http://127\.0\.0\.1:1 does not answer: .*refused"):
        Access("http://127.0.0.1:1", "", "", "", "t").ask("GET", "/")


class _Refusing(BaseHTTPRequestHandler):
    def do_PATCH(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        asked = {"authorization": self.headers["Authorization"], "type": self.headers["Content-Type"]}
        status = 409 if json.loads(body) == {"old": 1} else 200
        data = json.dumps({"message": "it has been modified", **asked}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def _serving() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def test_what_is_asked_and_what_is_refused() -> None:
    with _serving() as server:
        access = Access(server, "", "", "", "t")
        answer = access.ask("PATCH", "/x", {"new": 1}, "application/merge-patch+json")
        assert (answer["authorization"], answer["type"]) == ("Bearer t", "application/merge-patch+json")
        with pytest.raises(RefusedError, match="it has been modified") as caught:
            access.ask("PATCH", "/x", {"old": 1})
        assert caught.value.status == 409
