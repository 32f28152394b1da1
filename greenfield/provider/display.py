"""Lines in Pulumi's own display, through the engine's log service."""

from __future__ import annotations

import contextlib
import threading
import time

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

PROGRESS_SECONDS = 0.5
"""Progress of one resource is sent at most this often: a person can't read faster and each line costs a call."""


class Display:
    """Where a resource's progress, notes and warnings go. Without an engine address lines are dropped."""

    def __init__(self, engine_address: str) -> None:
        self._stub = None
        if engine_address:
            self._stub = engine_pb2_grpc.EngineStub(grpc.insecure_channel(engine_address))
        self._last: dict[str, float] = {}
        self._guard = threading.Lock()

    def progress(self, urn: str, text: str) -> None:
        """A passing line that the next one replaces."""
        with self._guard:
            now = time.monotonic()
            if now - self._last.get(urn, 0.0) < PROGRESS_SECONDS:
                return
            self._last[urn] = now
        self._send(urn, text, engine_pb2.INFO, ephemeral=True)

    def note(self, urn: str, text: str) -> None:
        """A line that stays."""
        self._send(urn, text, engine_pb2.INFO, ephemeral=False)

    def warn(self, urn: str, text: str) -> None:
        """A warning that stays."""
        self._send(urn, text, engine_pb2.WARNING, ephemeral=False)

    def _send(self, urn: str, text: str, severity: engine_pb2.LogSeverity.ValueType, *, ephemeral: bool) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=ephemeral)
        # The display is a courtesy: an engine that is going away must not fail the work.
        with contextlib.suppress(grpc.RpcError):
            self._stub.Log(request, timeout=5)
