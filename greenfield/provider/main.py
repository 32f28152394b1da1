"""Entry point of the plugin ``pulumi-resource-greenfield``, which Pulumi starts once a run."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys


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
    from greenfield.provider.display import Display
    from greenfield.provider.serve import serve
    from greenfield.provider.servicer import VERSION, GreenfieldProvider, Servicer

    provider = GreenfieldProvider(Display(engine))
    # Ends running Ansible processes: an engine that was killed must not leave them changing hosts behind its back.
    await serve(Servicer(sys.argv[1:], VERSION, provider, engine_address=engine), provider.session.stop)
