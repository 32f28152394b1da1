"""The servicer, with the inputs of before handed to the provider: the SDK's requests leave them out."""

from __future__ import annotations

from typing import Any

import grpc
from pulumi.runtime.proto import provider_pb2

from greenfield.errors import GreenfieldError
from greenfield.kubernetes_provider.target import refuse
from greenfield.provider.wire import Servicer

INPUTS = "__inputs"
"""Key of the state under which the provider finds the inputs of before; it is not kept."""


class KubernetesServicer(Servicer):
    """Serves ``KubernetesProvider``."""

    async def DiffConfig(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        """Compare configurations."""
        response = await super().DiffConfig(request, context)  # type: ignore[no-untyped-call]
        # The SDK puts a truth value where the protocol has DIFF_UNKNOWN, DIFF_NONE and DIFF_SOME: true would say none.
        changes = provider_pb2.DiffResponse
        response.changes = changes.DIFF_SOME if response.diffs else changes.DIFF_NONE
        return response

    async def Diff(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        """Compare."""
        request.olds.fields[INPUTS].struct_value.CopyFrom(request.old_inputs)
        try:
            return await super().Diff(request, context)
        except GreenfieldError as error:
            return await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        """Change."""
        request.olds.fields[INPUTS].struct_value.CopyFrom(request.old_inputs)
        return await super().Update(request, context)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        """Take away."""
        request.properties.fields[INPUTS].struct_value.CopyFrom(request.old_inputs)
        return await super().Delete(request, context)

    async def Invoke(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        """Call a function of the package."""
        try:
            return await super().Invoke(request, context)
        except GreenfieldError as error:
            return await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    async def Construct(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        """Refuse: components that the official plugin makes inside itself are not covered."""
        try:
            refuse(request.type)
            refuse("kubernetes:yaml/v2:ConfigGroup")
        except GreenfieldError as error:
            await context.abort(grpc.StatusCode.UNIMPLEMENTED, str(error))
