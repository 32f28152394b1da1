"""Requests to a cluster's API server, through the official client's connection and authentication."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

from greenfield.errors import ProviderError
from greenfield.kubernetes_provider.credentials import in_memory

CONNECT_SECONDS, ANSWER_SECONDS = 5.0, 60.0
"""One request: an API server that doesn't take a connection in five seconds is down; admission webhooks may take 30."""

DOWN_SECONDS = 5.0
"""A server that did not answer is not asked again for so long: else each of a thousand resources would wait for it."""

BUSY = (429, 503, 504)
BUSY_TRIES = 5

APPLY = "application/apply-patch+yaml"
"""Content type of server-side apply (JSON is YAML)."""

Json = dict[str, Any]


class UnreachableError(ProviderError):
    """The cluster does not answer, or there is no kubeconfig to reach it by."""


class ApiError(ProviderError):
    """The API server refused.

    Attributes:
        status: HTTP status.
        reason: Kubernetes' reason (``NotFound``, ``Conflict``, ``Invalid``).
        causes: what was wrong with which field, as the server lists it.
    """

    def __init__(self, status: int, body: Mapping[str, Any], asked: str) -> None:
        self.status = status
        self.reason = str(body.get("reason") or "")
        details = body.get("details") or {}
        self.causes: list[Json] = list(details.get("causes") or [])
        self.of_kind = str(details.get("kind") or "")
        super().__init__(str(body.get("message") or f"{asked} was answered with {status}"))


class Api:
    """One cluster.

    Args:
        kubeconfig: content of a kubeconfig, or the path of one; empty means that of ``KUBECONFIG``, else
            ``~/.kube/config``.
        context: the context to use; empty means the current one.
    """

    def __init__(self, kubeconfig: str, context: str = "") -> None:
        self._kubeconfig = kubeconfig
        self._context = context
        self._client: Any = None
        self._down: tuple[float, UnreachableError] | None = None
        self._held: list[IO[bytes]] = []

    def connect(self) -> Any:
        """The client, made on first use.

        Raises:
            UnreachableError: the kubeconfig can't be read or is none.
        """
        if self._client is None:
            from kubernetes.config import ConfigException
            from kubernetes.config.kube_config import new_client_from_config_dict

            try:
                self._client = new_client_from_config_dict(  # type: ignore[no-untyped-call]
                    in_memory(self._loaded, self._held), self._context or None, persist_config=False
                )
            except (ConfigException, AttributeError, KeyError, TypeError, ValueError) as error:
                # The message may hold parts of the file, and with them credentials.
                what = type(error).__name__
                raise UnreachableError(f"the kubeconfig is not usable ({what})", fix="check it with kubectl") from None
        return self._client

    @property
    def namespace(self) -> str:
        """The namespace of the kubeconfig's context; ``default`` where it names none or can't be read."""
        try:
            return _namespace(self._loaded, self._context) or "default"
        except UnreachableError:
            return "default"

    @cached_property
    def _loaded(self) -> Json:
        import yaml

        text = self._kubeconfig or os.environ.get("KUBECONFIG", "").partition(os.pathsep)[0]
        if "\n" not in text and not text.lstrip().startswith("{"):
            path = Path(text).expanduser() if text else Path.home() / ".kube" / "config"
            if not path.is_file():
                raise UnreachableError(
                    f"there is no kubeconfig at {path}", fix="give the provider a kubeconfig, or set KUBECONFIG"
                )
            text = path.read_text()
        try:
            loaded = yaml.safe_load(text)
        except yaml.YAMLError:
            loaded = None
        if not isinstance(loaded, dict):
            raise UnreachableError("the kubeconfig is not YAML", fix="check it with kubectl")
        return loaded

    async def get(self, path: str, query: Mapping[str, str] | None = None) -> Json | None:
        """What lies at a path; ``None`` when there is nothing."""
        try:
            return await self.request("GET", path, query)
        except ApiError as error:
            if error.status == 404:
                return None
            raise

    async def request(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
        content: str = "application/json",
    ) -> Json:
        """One request, again a few times while the server says that it is busy.

        Raises:
            UnreachableError: no answer.
            ApiError: the server refused.
        """
        for attempt in range(BUSY_TRIES):
            if self._down is not None and time.monotonic() < self._down[0]:
                raise self._down[1]
            status, headers, answer = await asyncio.to_thread(self._send, method, path, query, body, content)
            if status in BUSY and attempt + 1 < BUSY_TRIES:
                await asyncio.sleep(_retry_after(headers, attempt))
                continue
            break
        if status >= 400:
            raise ApiError(status, answer, f"{method} {path}")
        return answer

    def _send(
        self, method: str, path: str, query: Mapping[str, str] | None, body: Json | None, content: str
    ) -> tuple[int, Mapping[str, str], Json]:
        import urllib3
        from kubernetes.client.exceptions import ApiException

        client = self.connect()
        url = client.configuration.host.rstrip("/") + path + (f"?{urlencode(query)}" if query else "")
        headers = {"Accept": "application/json", "Content-Type": content, "User-Agent": "greenfield"}
        client.update_params_for_auth(headers, [], ["BearerToken"], path, method, body)
        # The client writes JSON itself, but knows nothing of server-side apply.
        sent: Any = json.dumps(body) if content == APPLY else body
        began = time.monotonic()
        try:
            response = client.rest_client.request(
                method, url, headers=headers, body=sent, _request_timeout=(CONNECT_SECONDS, ANSWER_SECONDS)
            )
            data = response.read()
        except (urllib3.exceptions.HTTPError, ApiException, OSError) as error:
            what = str(getattr(error, "reason", "") or error)
            seconds = time.monotonic() - began
            missing = UnreachableError(
                f"the cluster at {client.configuration.host} does not answer ({seconds:.0f} s): {what}",
                fix="check that its control plane is up and that this machine reaches it",
            )
            self._down = (time.monotonic() + DOWN_SECONDS, missing)
            raise missing from None
        return response.status, dict(response.headers or {}), _parsed(data)


def _parsed(data: bytes) -> Json:
    try:
        found = json.loads(data)
    except ValueError:
        return {"message": data[:500].decode("utf-8", "replace").strip()}
    return found if isinstance(found, dict) else {"message": str(found)}


def _retry_after(headers: Mapping[str, str], attempt: int) -> float:
    said = next((value for key, value in headers.items() if key.lower() == "retry-after"), "")
    return min(float(said), 10.0) if said.isdigit() else 0.5 * 2**attempt


def _namespace(loaded: Json, context: str) -> str:
    wanted = context or loaded.get("current-context")
    found = [each.get("context") or {} for each in loaded.get("contexts") or [] if each.get("name") == wanted]
    return str(found[0].get("namespace") or "") if found else ""
