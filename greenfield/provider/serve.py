"""Serves a plugin on loopback until the engine that started it goes away."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Callable

import grpc.aio
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from greenfield.provider.wire import Servicer

PARENT_POLL_SECONDS = 1.0


async def serve(servicer: Servicer, stop: Callable[[], None]) -> None:
    """Tell the engine the port on standard output, and serve until a signal or the end of the parent process.

    Args:
        servicer: what answers.
        stop: called when it is over, before the server ends: running work must end soon.
    """
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    loop = asyncio.get_running_loop()
    gone = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, gone.set)
    watch = asyncio.create_task(_watch_parent(gone))
    await gone.wait()
    watch.cancel()
    stop()
    await server.stop(grace=2)


async def _watch_parent(gone: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_POLL_SECONDS)
    gone.set()
