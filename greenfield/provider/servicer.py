"""From Pulumi's requests to the plugin's resource types."""

from __future__ import annotations

import json

from pulumi.provider.experimental import provider as api
from pulumi.provider.experimental.property_value import PropertyValue

from greenfield import __version__
from greenfield.errors import ProviderError
from greenfield.provider.authority import Authority
from greenfield.provider.cell import Cell
from greenfield.provider.display import Display
from greenfield.provider.formation import Formation
from greenfield.provider.kubeconfig import Kubeconfig
from greenfield.provider.names import Names
from greenfield.provider.password import Password
from greenfield.provider.preflight import Preflight
from greenfield.provider.resource import Call, Resource, Values
from greenfield.provider.rollout import Rollout
from greenfield.provider.schema import package_schema
from greenfield.provider.session import Session
from greenfield.provider.taints import Taints
from greenfield.provider.values import plain_map, wrap_map
from greenfield.provider.wire import Servicer, kind_of

__all__ = ["VERSION", "GreenfieldProvider", "Servicer"]

VERSION = __version__


class GreenfieldProvider(api.Provider):
    """Dispatches each request to the resource type it names."""

    def __init__(self, display: Display) -> None:
        self.session = Session(display)
        self._rollouts: dict[str, Rollout] = {}
        self._types: dict[str, Resource] = {
            "greenfield:index:Authority": Authority(),
            "greenfield:index:Password": Password(),
            "greenfield:index:Kubeconfig": Kubeconfig(),
            "greenfield:index:Names": Names(display),
            "greenfield:index:Taints": Taints(display),
            "greenfield:index:Preflight": Preflight(self.session),
            "greenfield:index:Cell": Cell(self.session, self._rollout),
            "greenfield:index:Formation": Formation(self.session),
        }

    def _rollout(self, layer: str) -> Rollout:
        return self._rollouts.setdefault(layer, Rollout(self.session))

    def resource(self, kind: str) -> Resource:
        """The resource type of a token; raises ProviderError for one that is not ours."""
        if kind not in self._types:
            raise ProviderError(f"this plugin has no resource type {kind}", fix=f"one of: {', '.join(self._types)}")
        return self._types[kind]

    async def get_schema(self, request: api.GetSchemaRequest) -> api.GetSchemaResponse:
        """The package schema, from which Pulumi makes SDKs in other languages."""
        return api.GetSchemaResponse(json.dumps(package_schema()))

    async def check_config(self, request: api.CheckRequest) -> api.CheckResponse:
        """The plugin has no configuration of its own."""
        return api.CheckResponse(request.new_inputs)

    async def diff_config(self, request: api.DiffRequest) -> api.DiffResponse:
        """A new version of the plugin never replaces resources."""
        return api.DiffResponse(changes=False)

    async def configure(self, request: api.ConfigureRequest) -> api.ConfigureResponse:
        """Says what the plugin understands."""
        return api.ConfigureResponse(
            accept_secrets=True, supports_preview=True, accept_resources=False, accept_outputs=False
        )

    async def check(self, request: api.CheckRequest) -> api.CheckResponse:
        """Judge inputs."""
        resource = self.resource(kind_of(request.urn))
        inputs = plain_map(request.new_inputs)
        failures = [api.CheckFailure(name, reason) for name, reason in resource.check(inputs)]
        return api.CheckResponse(_mark(request.new_inputs, resource), failures)

    async def diff(self, request: api.DiffRequest) -> api.DiffResponse:
        """Compare."""
        resource = self.resource(kind_of(request.urn))
        difference = resource.diff(plain_map(request.old_state), plain_map(request.new_inputs))
        for reason in difference.reasons:
            self.session.display.note(request.urn, reason)
        update, replace = api.PropertyDiffKind.UPDATE, api.PropertyDiffKind.UPDATE_REPLACE
        return api.DiffResponse(
            changes=bool(difference.paths),
            replaces=list(difference.replaces),
            diffs=list(difference.paths),
            detailed_diff={
                path: api.PropertyDiff(replace if path in difference.replaces else update, True)
                for path in difference.paths
            },
        )

    async def create(self, request: api.CreateRequest) -> api.CreateResponse:
        """Make."""
        resource = self.resource(kind_of(request.urn))
        call = Call(request.urn, request.name, request.preview)
        state = await resource.create(call, plain_map(request.properties))
        return api.CreateResponse("" if request.preview else request.name, wrap_map(state, resource.secrets))

    async def update(self, request: api.UpdateRequest) -> api.UpdateResponse:
        """Change."""
        resource = self.resource(kind_of(request.urn))
        call = Call(request.urn, request.name, request.preview)
        state = await resource.update(call, plain_map(request.olds), plain_map(request.news))
        return api.UpdateResponse(wrap_map(state, resource.secrets))

    async def read(self, request: api.ReadRequest) -> api.ReadResponse:
        """Look."""
        resource = self.resource(kind_of(request.urn))
        call = Call(request.urn, request.urn.rsplit("::", 1)[-1])
        inputs = plain_map(request.inputs)
        state = await resource.read(call, {**inputs, **plain_map(request.properties)})
        state = {key: value for key, value in state.items() if key in plain_map(request.properties)}
        return api.ReadResponse(request.resource_id, wrap_map(state, resource.secrets), request.inputs)

    async def delete(self, request: api.DeleteRequest) -> None:
        """Take away."""
        resource = self.resource(kind_of(request.urn))
        await resource.delete(Call(request.urn, request.name), plain_map(request.properties))

    def wrap_state(self, urn: str, state: Values) -> dict[str, PropertyValue]:
        """A state as it goes to the engine, with what is secret of its type marked."""
        return wrap_map(state, self.resource(kind_of(urn)).secrets)

    async def cancel(self) -> None:
        """The user pressed Ctrl-C: running Ansible processes end; hosts keep what they have."""
        self.session.stop()


def _mark(inputs: dict[str, PropertyValue], resource: Resource) -> dict[str, PropertyValue]:
    return {key: value.with_secret(value.is_secret or key in resource.secrets) for key, value in inputs.items()}
