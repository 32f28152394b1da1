"""A real HTTP service on loopback, to be stopped and started while it is asked."""

from __future__ import annotations

import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True


class LoopbackService:
    """Answers with ``status``; while ``dripping``, with a byte now and then that never makes a whole answer."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.status = 200
        self.dripping = False
        self.paths: list[str] = []
        self._server: _Server | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/health?deep=1"

    def start(self) -> None:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                service.paths.append(self.path)
                self.send_response(service.status)
                self.send_header("Content-Length", "100" if service.dripping else "2")
                self.end_headers()
                try:
                    while service.dripping:
                        self.wfile.write(b".")
                        time.sleep(0.05)
                    self.wfile.write(b"ok")
                except OSError:
                    return

            def log_message(self, *_words: object) -> None:
                return

        self._server = _Server(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
