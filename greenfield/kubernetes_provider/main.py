"""Entry point of the plugin ``pulumi-resource-kubernetes``."""

from __future__ import annotations

import argparse
import asyncio
import sys

from greenfield.kubernetes_provider.official import hand_over, sdk_version


def main() -> None:
    """Serve until the engine goes away; where the official plugin is installed, become that instead."""
    hand_over(sys.argv[1:])
    parser = argparse.ArgumentParser(
        prog="pulumi-resource-kubernetes",
        description="Greenfield's plugin for the resource types of pulumi-kubernetes. Pulumi starts it; you need not.",
    )
    parser.add_argument("engine", nargs="?", default="", help="address of the Pulumi engine")
    arguments, _ = parser.parse_known_args()
    asyncio.run(_serve(arguments.engine))


async def _serve(engine: str) -> None:
    from greenfield.kubernetes_provider.provider import KubernetesProvider
    from greenfield.kubernetes_provider.servicer import KubernetesServicer
    from greenfield.provider.display import Display
    from greenfield.provider.serve import serve

    provider = KubernetesProvider(Display(engine))
    servicer = KubernetesServicer(sys.argv[1:], sdk_version(), provider, engine_address=engine)
    await serve(servicer, provider.stop)
