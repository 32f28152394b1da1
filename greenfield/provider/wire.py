"""gRPC as Pulumi speaks it to a plugin: errors as sentences, and what came to be of a failed resource kept.

Every plugin of ours is served by this; it knows no resource type.
"""

from __future__ import annotations

from typing import Any, NoReturn, Protocol

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
        try:
            return await super().Check(request, context)
        except GreenfieldError as error:
            return await _abort(context, error)

    async def Create(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        try:
            return await super().Create(request, context)  # type: ignore[no-untyped-call]
        except PartialFailureError as error:
            return await self._partial(context, error, request.urn, request.urn.rsplit("::", 1)[-1], request.properties)
        except GreenfieldError as error:
            return await _abort(context, error)

    async def Update(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        try:
            return await super().Update(request, context)  # type: ignore[no-untyped-call]
        except PartialFailureError as error:
            return await self._partial(context, error, request.urn, request.id, request.news)
        except GreenfieldError as error:
            return await _abort(context, error)

    async def Read(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        try:
            return await super().Read(request, context)  # type: ignore[no-untyped-call]
        except PartialFailureError as error:
            return await self._partial(context, error, request.urn, request.id, request.inputs)
        except GreenfieldError as error:
            return await _abort(context, error)

    async def Delete(self, request: Any, context: Any) -> Any:  # noqa: N802 (the name is gRPC's)
        try:
            return await super().Delete(request, context)  # type: ignore[no-untyped-call]
        except GreenfieldError as error:
            return await _abort(context, error)

    async def _partial(
        self, context: Any, error: PartialFailureError, urn: str, identity: str, inputs: Any
    ) -> NoReturn:
        detail = provider_pb2.ErrorResourceInitFailed(
            id=error.identity or identity,
            properties=PropertyValue.marshal_map(self._provider.wrap_state(urn, error.state)),
            reasons=list(error.reasons),
            inputs=inputs,
        )
        packed = any_pb2.Any()
        packed.Pack(detail)
        status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(error), details=[packed])
        context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
        await context.abort(grpc.StatusCode.UNKNOWN, str(error))
        raise AssertionError("abort raises")


async def _abort(context: Any, error: GreenfieldError) -> NoReturn:
    await context.abort(grpc.StatusCode.FAILED_PRECONDITION, str(error))
    raise AssertionError("abort raises")
