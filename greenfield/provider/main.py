"""Entry point of the plugin ``pulumi-resource-greenfield``, which Pulumi starts once a run."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys

PARENT_POLL_SECONDS = 1.0


def main() -> None:
    """Serve until the engine goes away. Run by Pulumi; by hand, ``--schema`` prints the package schema."""
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-greenfield",
        description="The Greenfield resource plugin. Pulumi starts it; you need not.",
    )
    parser.add_argument("engine", nargs="?", default="", help="address of the Pulumi engine")
    parser.add_argument("--schema", action="store_true", help="print the package schema and exit")
    arguments, _ = parser.parse_known_args()
    if arguments.schema:
        _print_schema()
    else:
        asyncio.run(_serve(arguments.engine))


def _print_schema() -> None:
    import json

    from greenfield.provider.schema import package_schema

    sys.stdout.write(json.dumps(package_schema(), indent=2) + "\n")


async def _serve(engine: str) -> None:
    # gRPC's fork handlers break the children that ansible-runner forks beside a running server; those children
    # exec at once and need no gRPC.
    os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "false"
    import grpc.aio
    from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
    from pulumi.runtime.proto import provider_pb2_grpc

    from greenfield.provider.display import Display
    from greenfield.provider.servicer import VERSION, GreenfieldProvider, Servicer

    provider = GreenfieldProvider(Display(engine))
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = Servicer(sys.argv[1:], VERSION, provider, engine_address=engine)
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
    # Ends running Ansible processes: an engine that was killed must not leave them changing hosts behind its back.
    provider.session.stop()
    await server.stop(grace=2)


async def _watch_parent(gone: asyncio.Event) -> None:
    parent = os.getppid()
    while os.getppid() == parent:
        await asyncio.sleep(PARENT_POLL_SECONDS)
    gone.set()
