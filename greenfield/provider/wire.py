"""gRPC as Pulumi speaks it to a plugin: errors as sentences, and what came to be of a failed resource kept.

Every plugin of ours is served by this; it knows no resource type.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import grpc
from google.protobuf import any_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime.proto import provider_pb2, status_pb2

from greenfield.errors import GreenfieldError
from greenfield.provider.resource import PartialFailureError, Values


class StateWrapper(Protocol):
    """What a provider adds to the SDK's own so that partial failures can be told."""

    def wrap_state(self, urn: str, state: Values) -> dict[str, PropertyValue]:
        """A state as it goes to the engine, secrets marked."""


def kind_of(urn: str) -> str:
    """The type token of a URN, without the parents' types that stand before it."""
    return urn.split("::")[2].rsplit("$", 1)[-1]


class Servicer(ProviderServicer):
    """The SDK's servicer, with errors as sentences instead of stack traces, and partial failures kept in the state."""

    _provider: StateWrapper  # type: ignore[assignment]

    async def Check(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        return await self._answer(super().Check, request, context)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        return await self._answer(super().Create, request, context, request.properties)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        return await self._answer(super().Update, request, context, request.news)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        return await self._answer(super().Read, request, context, request.inputs)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        return await self._answer(super().Delete, request, context)

    async def _answer(self, answer: Callable[..., Any], request: Any, context: Any, inputs: Any = None) -> Any:
        """What the SDK answers, or the error in words; ``inputs`` are those of one that may come to be in part."""
        try:
            return await answer(request, context)
        except PartialFailureError as error:
            return await self._partial(context, error, request, inputs)
        except GreenfieldError as error:
            return await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))

    async def _partial(self, context: Any, error: PartialFailureError, request: Any, inputs: Any) -> None:
        # A request to create has no id yet; it will be the name.
        identity = error.identity or getattr(request, "id", "") or request.urn.rsplit("::", 1)[-1]
        detail = provider_pb2.ErrorResourceInitFailed(
            id=identity,
            properties=PropertyValue.marshal_map(self._provider.wrap_state(request.urn, error.state)),
            reasons=list(error.reasons),
            inputs=inputs,
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(grpc.StatusCode.UNKNOWN, str(error))
