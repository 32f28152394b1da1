"""The plugin as Pulumi talks to it, over gRPC."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from cell_shape import Hosts, failed, inputs
from google.protobuf import empty_pb2
from pulumi.provider.experimental.property_value import PropertyValue
from pulumi.runtime import rpc
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc, status_pb2

from greenfield.configure import HostResult
from greenfield.provider.cell import Cell
from greenfield.provider.display import Display
from greenfield.provider.servicer import VERSION, GreenfieldProvider, Servicer
from greenfield.provider.values import plain, wrap, wrap_map

URN = "urn:pulumi:stack::project::greenfield:index:Cluster$greenfield:index:Engine$greenfield:index:{}::thing"
Talk = Callable[[provider_pb2_grpc.ResourceProviderStub], Awaitable[Any]]


def _talk(talk: Talk, hosts: Hosts | None = None) -> Any:
    """Serve the plugin, say what ``talk`` says to it, and return what comes of that."""

    async def run() -> Any:
        provider = GreenfieldProvider(Display(""))
        if hosts is not None:
            provider.session = hosts
            provider._types["greenfield:index:Cell"] = Cell(hosts, provider._rollout)
        server = grpc.aio.server()
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(
            Servicer([], VERSION, provider, engine_address=""), server
        )
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        try:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
                return await talk(provider_pb2_grpc.ResourceProviderStub(channel))
        finally:
            await server.stop(None)

    return asyncio.run(run())


def _wire(values: dict[str, Any], *secrets: str) -> Any:
    return PropertyValue.marshal_map(wrap_map(values, frozenset(secrets)))


def _cell(*hosts: str, **changes: Any) -> Any:
    return _wire(inputs(*hosts, **changes), "authority", "secrets")


def _create(kind: str, properties: Any, preview: bool = False) -> provider_pb2.CreateRequest:
    return provider_pb2.CreateRequest(
        urn=URN.format(kind), properties=properties, preview=preview, name="thing", type=f"greenfield:index:{kind}"
    )


def _secret_keys(properties: Any) -> set[str]:
    return {key for key, value in PropertyValue.unmarshal_map(properties).items() if value.is_secret}


def _plain(properties: Any) -> dict[str, Any]:
    return {key: plain(value) for key, value in PropertyValue.unmarshal_map(properties).items()}


def _without_secrets(properties: Any) -> str:
    """What a state in the clear would show of properties."""
    open_ones = {
        key: plain(value) for key, value in PropertyValue.unmarshal_map(properties).items() if not value.is_secret
    }
    return json.dumps(open_ones)


def test_keys_and_passwords_are_secret_from_the_moment_they_are_made() -> None:
    async def talk(stub: Any) -> Any:
        authority = await stub.Create(_create("Authority", _wire({"commonName": "a", "lifetimeSeconds": 86400})))
        password = await stub.Create(_create("Password", _wire({"length": 32})))
        return authority, password

    authority, password = _talk(talk)
    assert authority.id == password.id == "thing"
    assert _secret_keys(authority.properties) == {"privateKey"}
    assert _secret_keys(password.properties) == {"value"}
    assert len(_plain(password.properties)["value"]) == 32
    assert "PRIVATE KEY" not in _without_secrets(authority.properties)


@pytest.mark.parametrize(("kind", "key"), [("Cell", "authority"), ("Cell", "secrets"), ("Formation", "secrets")])
def test_checked_inputs_are_secret_though_the_program_forgot_to_say_so(kind: str, key: str) -> None:
    async def talk(stub: Any) -> Any:
        values = {**inputs("h1"), "members": {"h1": "{}"}, "secrets": {"p": "word"}}
        return await stub.Check(provider_pb2.CheckRequest(urn=URN.format(kind), news=_wire(values)))

    answer = _talk(talk)
    assert not answer.failures
    assert key in _secret_keys(answer.inputs)
    assert "word" not in _without_secrets(answer.inputs)


def test_nothing_secret_of_a_cell_is_in_its_state_in_the_clear() -> None:
    async def talk(stub: Any) -> Any:
        return await stub.Create(_create("Cell", _cell("h1", secrets={"etcd_passwords": {"root": "word"}})))

    answer = _talk(talk, Hosts())
    shown = _without_secrets(answer.properties)
    assert "PRIVATE KEY" not in shown
    assert "word" not in shown
    assert _secret_keys(answer.properties) == {"secrets"}
    assert set(_plain(answer.properties)["digests"]) == {"h1"}


def _failure(kind: str, error: grpc.aio.AioRpcError) -> provider_pb2.ErrorResourceInitFailed:
    """The detail by which Pulumi keeps the state of a resource that came to be only in part."""
    metadata = dict(error.trailing_metadata() or ())
    status = status_pb2.Status.FromString(metadata["grpc-status-details-bin"])
    assert status.message == error.details()
    (detail,) = status.details
    found = provider_pb2.ErrorResourceInitFailed()
    assert detail.Unpack(found)
    return found


@pytest.mark.parametrize("how", ["create", "update"])
def test_a_partial_failure_keeps_what_was_reached(how: str) -> None:
    hosts = Hosts(lambda job, name: failed(name) if name == "h2" else HostResult(name, "changed"))
    properties = _cell("h1", "h2", secrets={"etcd_passwords": {"root": "word"}})

    async def talk(stub: Any) -> Any:
        if how == "create":
            await stub.Create(_create("Cell", properties))
        else:
            olds = _wire({**inputs("h1", "h2"), "digests": {}, "issued": {}, "faults": {}})
            await stub.Update(
                provider_pb2.UpdateRequest(id="thing", urn=URN.format("Cell"), olds=olds, news=properties)
            )

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _talk(talk, hosts)
    found = _failure("Cell", caught.value)
    assert found.id == "thing"
    assert set(_plain(found.properties)["digests"]) == {"h1"}
    assert _plain(found.properties)["faults"] == {"h2": "no space left"}
    assert any(reason.startswith('h2: failed in task "Install": no space left') for reason in found.reasons)
    assert found.inputs == properties
    shown = _without_secrets(found.properties)
    assert "word" not in shown
    assert "PRIVATE KEY" not in shown


def test_errors_are_sentences_without_a_stack_trace() -> None:
    hosts = Hosts(lambda job, name: failed(name, "would lose the quorum"))

    async def talk(stub: Any) -> Any:
        state = _wire({**inputs("h1"), "digests": {"h1": "x"}, "issued": {"h1": 1}})
        await stub.Delete(provider_pb2.DeleteRequest(id="thing", urn=URN.format("Cell"), properties=state))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _talk(talk, hosts)
    assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert 'thing: drain stopped at h1: failed in task "Install": would lose the quorum' in str(caught.value.details())
    assert "Traceback" not in str(caught.value.details())


def test_a_type_that_is_not_ours_is_named_in_words() -> None:
    async def talk(stub: Any) -> Any:
        await stub.Create(_create("Switch", _wire({})))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        _talk(talk)
    assert "this plugin has no resource type greenfield:index:Switch" in str(caught.value.details())
    assert "Traceback" not in str(caught.value.details())


def test_a_look_gives_back_the_state_it_was_given_and_its_inputs() -> None:
    given = _cell("h1", secrets={"etcd_passwords": {"root": "word"}})

    async def talk(stub: Any) -> Any:
        made = await stub.Create(_create("Cell", given))
        read = await stub.Read(
            provider_pb2.ReadRequest(id="thing", urn=URN.format("Cell"), properties=made.properties, inputs=given)
        )
        diff = await stub.Diff(
            provider_pb2.DiffRequest(id="thing", urn=URN.format("Cell"), olds=read.properties, news=given)
        )
        return made, read, diff

    made, read, diff = _talk(talk, Hosts(lambda job, name: HostResult(name, "ok")))
    assert read.id == "thing"
    assert _plain(read.properties) == _plain(made.properties)
    assert _secret_keys(read.properties) == {"secrets"}
    assert _plain(read.inputs) == _plain(given)
    assert {"authority", "secrets"} <= _secret_keys(read.inputs)
    assert diff.changes == provider_pb2.DiffResponse.DIFF_NONE


def test_a_preview_answers_unknown_for_what_a_run_will_find() -> None:
    hosts = Hosts()

    async def talk(stub: Any) -> Any:
        return await stub.Create(_create("Cell", _cell("h1"), preview=True))

    answer = _talk(talk, hosts)
    assert answer.id == ""
    assert answer.properties["digests"] == rpc.UNKNOWN
    assert hosts.jobs == []


def test_faults_of_inputs_name_the_property() -> None:
    async def talk(stub: Any) -> Any:
        cell = await stub.Check(provider_pb2.CheckRequest(urn=URN.format("Cell"), news=_cell()))
        password = await stub.Check(provider_pb2.CheckRequest(urn=URN.format("Password"), news=_wire({"length": 8})))
        return cell, password

    cell, password = _talk(talk)
    assert [failure.property for failure in cell.failures] == ["hosts"]
    assert [failure.property for failure in password.failures] == ["length"]


def test_the_schema_names_every_type_and_marks_the_same_properties_secret() -> None:
    async def talk(stub: Any) -> Any:
        return await stub.GetSchema(provider_pb2.GetSchemaRequest(version=0))

    schema = json.loads(_talk(talk).schema)
    provider = GreenfieldProvider(Display(""))
    assert set(schema["resources"]) == set(provider._types)
    for kind, resource in schema["resources"].items():
        both = {**resource["inputProperties"], **resource["properties"]}
        marked = {name for name, own in both.items() if own.get("secret")}
        assert marked == set(provider.resource(kind).secrets), kind
        assert all(own.get("description") for own in both.values()), kind


def test_a_secret_input_stays_secret_through_check() -> None:
    """Even one that the plugin has no need to hide."""

    async def talk(stub: Any) -> Any:
        news = PropertyValue.marshal_map({"length": wrap(32, secret=True)})
        return await stub.Check(provider_pb2.CheckRequest(urn=URN.format("Password"), news=news))

    assert _secret_keys(_talk(talk).inputs) == {"length"}


def test_cancel_stops_the_session() -> None:
    hosts = Hosts()

    async def talk(stub: Any) -> None:
        await stub.Cancel(empty_pb2.Empty())

    _talk(talk, hosts)
    assert hosts.stopped
