"""Requests to an API server as a client sends them, each measured up to the last byte of its answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from typing import Any

from bench.process import BenchError
from greenfield.provider.kubernetes_api import Access

CONNECT_SECONDS, ANSWER_SECONDS = 10.0, 120.0
CONNECTIONS = 32
"""Kept open; the benchmark's threads are fewer."""

BUSY = (429, 500, 503, 504)
BUSY_TRIES = 6

Json = dict[str, Any]

NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""Asks for a list without specs and states of its objects."""


class RefusedError(BenchError):
    """The API server refused a request; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Api:
    """One API server, through connections that stay open; any number of threads may ask at once."""

    def __init__(self, kubeconfig: Json) -> None:
        import urllib3

        access = Access.of(json.dumps(kubeconfig))
        self.server = access.server
        self._pool = urllib3.PoolManager(maxsize=CONNECTIONS, ssl_context=access.context(), retries=False)
        self._headers = {"Authorization": f"Bearer {access.token}"} if access.token else {}

    def timed(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        content: str = "application/json",
        accept: str = "application/json",
    ) -> tuple[float, bytes]:
        """One request: seconds until its answer was there, and the answer.

        Raises:
            RefusedError: the server refused.
            BenchError: it did not answer.
        """
        import urllib3

        headers = {**self._headers, "Accept": accept, "Content-Type": content, "User-Agent": "greenfield-bench"}
        timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=ANSWER_SECONDS)
        sent = None if body is None else json.dumps(body)
        began = time.perf_counter()
        try:
            answer = self._pool.request(method, self.server + path, headers=headers, body=sent, timeout=timeout)
            data: bytes = answer.data
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise BenchError(f"{self.server} does not answer {method} {path}: {error}") from None
        took = time.perf_counter() - began
        if answer.status >= 400:
            said = data[:500].decode(errors="replace")
            raise RefusedError(answer.status, f"{method} {path} was answered with {answer.status}: {said}")
        return took, data

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        fine: Sequence[int] = (),
        accept: str = "application/json",
    ) -> Json:
        """One request, again a few times while the server is busy; empty for a refusal that is ``fine``."""
        for attempt in range(BUSY_TRIES):
            try:
                _, data = self.timed(method, path, body, accept=accept)
            except RefusedError as error:
                if error.status in fine:
                    return {}
                if error.status not in BUSY or attempt + 1 == BUSY_TRIES:
                    raise
                time.sleep(0.5 * 2**attempt)
                continue
            found: Json = json.loads(data) if data else {}
            return found
        raise AssertionError("the last attempt returns or raises")

    def text(self, path: str) -> str:
        """An answer that is text, as metrics are."""
        return self.timed("GET", path, accept="text/plain")[1].decode()


def at(kubeconfig: Json, address: str) -> Json:
    """The kubeconfig with another address of the API server; its port stays."""
    (cluster,) = kubeconfig["clusters"]
    scheme, _, rest = cluster["cluster"]["server"].partition("://")
    server = f"{scheme}://{address}:{rest.rpartition(':')[2]}"
    return {**kubeconfig, "clusters": [{**cluster, "cluster": {**cluster["cluster"], "server": server}}]}


def in_parallel(work: Callable[[Any], object], items: Iterable[Any], threads: int) -> None:
    """Do something with each item, ``threads`` at a time; the first failure, or Ctrl-C, ends it.

    Raises:
        BenchError: as ``work``.
    """
    pool = ThreadPoolExecutor(threads)
    try:
        done, _ = wait([pool.submit(work, item) for item in items], return_when=FIRST_EXCEPTION)
        for job in done:
            job.result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
