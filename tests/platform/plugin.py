"""The plugin by itself, asked as the engine asks it: what it only compares or completes needs no cluster."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf import empty_pb2, json_format, struct_pb2
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc

from greenfield.artifacts import kubernetes_plugin

UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
"""How the protocol writes a text that is not known yet."""

NOWHERE = {
    "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "u", "user": {"token": "t"}}],
    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
    "current-context": "x",
}
"""A kubeconfig of a cluster that does not answer."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Diff:
    """What the plugin says of a difference: whether there is one, where, and which of it needs a new object."""

    changes: bool
    paths: Mapping[str, str]
    replaces: list[str]


class Plugin:
    """A running plugin."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._stub = provider_pb2_grpc.ResourceProviderStub(channel)

    def version(self) -> str:
        """What it says it is."""
        return str(self._stub.GetPluginInfo(empty_pb2.Empty()).version)

    def schema(self) -> str:
        """Its whole schema, as JSON."""
        return str(self._stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)

    def configure(self, **settings: str) -> None:
        """As ``pulumi_kubernetes.Provider`` does; names as on the wire."""
        variables = {f"kubernetes:config:{name}": value for name, value in settings.items()}
        self._stub.Configure(
            provider_pb2.ConfigureRequest(variables=variables, acceptSecrets=True, acceptResources=True)
        )

    def check(self, kind: str, new: Json, old: Json | None = None) -> Json:
        """The inputs as they are kept. Raises grpc.RpcError where it refuses them."""
        request = provider_pb2.CheckRequest(
            urn=_urn(kind), news=_struct(new), olds=_struct(old) if old else None, randomSeed=b"0123456789abcdef" * 2
        )
        answer = self._stub.Check(request)
        assert not answer.failures, answer.failures
        return json_format.MessageToDict(answer.inputs)

    def diff(self, kind: str, old: Json, new: Json, live: Json | None = None) -> Diff:
        """Compare new inputs with an object as its state keeps it: old inputs, and what the server answered then."""
        state = {**(live or old), "__inputs": old, "__fieldManager": "m", "__initialApiVersion": old["apiVersion"]}
        request = provider_pb2.DiffRequest(id="x", urn=_urn(kind), olds=_struct(state), news=_struct(new))
        return _told(self._stub.Diff(request))

    def diff_config(self, old: Json, new: Json) -> Diff:
        """Compare two configurations."""
        urn = "urn:pulumi:s::p::pulumi:providers:kubernetes::x"
        request = provider_pb2.DiffRequest(id="x", urn=urn, olds=_struct(old), news=_struct(new))
        return _told(self._stub.DiffConfig(request))

    def decode(self, text: str, namespace: str = "") -> list[Json]:
        """The objects of manifests."""
        arguments = _struct({"text": text, "defaultNamespace": namespace})
        answer = self._stub.Invoke(provider_pb2.InvokeRequest(tok="kubernetes:yaml:decode", args=arguments))
        found: list[Json] = json_format.MessageToDict(getattr(answer, "return"))["result"]
        return found


@contextmanager
def running(**settings: str) -> Iterator[Plugin]:
    """A plugin that is configured so; it ends with the block."""
    engine = grpc.server(ThreadPoolExecutor(2))
    engine_pb2_grpc.add_EngineServicer_to_server(engine_pb2_grpc.EngineServicer(), engine)
    port = engine.add_insecure_port("127.0.0.1:0")
    engine.start()
    program = kubernetes_plugin.folder() / kubernetes_plugin.PROGRAM
    # Where it writes the kubeconfig, which it leaves.
    temporary = tempfile.TemporaryDirectory()
    process = subprocess.Popen(
        [program, f"127.0.0.1:{port}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": temporary.name},
    )
    try:
        assert process.stdout is not None
        size = [("grpc.max_receive_message_length", 64 * 2**20)]
        with grpc.insecure_channel(f"127.0.0.1:{int(process.stdout.readline())}", options=size) as channel:
            plugin = Plugin(channel)
            plugin.configure(**settings)
            yield plugin
    finally:
        process.kill()
        process.wait()
        engine.stop(None)
        temporary.cleanup()


def _urn(kind: str) -> str:
    return f"urn:pulumi:s::p::kubernetes:{kind}::x"


def _struct(values: Json) -> struct_pb2.Struct:
    found = struct_pb2.Struct()
    found.update(values)
    return found


def _told(answer: Any) -> Diff:
    kinds = provider_pb2.PropertyDiff.Kind
    paths = {path: kinds.Name(each.kind) for path, each in sorted(answer.detailedDiff.items())}
    return Diff(answer.changes == provider_pb2.DiffResponse.DIFF_SOME, paths, sorted(answer.replaces))
