"""``greenfield:index:Kubeconfig``: how a client reaches a Kubernetes engine, with a certificate of its own."""

from __future__ import annotations

import base64
import hashlib
import json
import time

from greenfield.provider.resource import Call, Difference, Resource, Values
from greenfield.provider.values import UNKNOWN, has_unknown
from greenfield.provider.x509 import Pair, issue

INPUTS = ("server", "cluster", "commonName", "organizations", "lifetimeSeconds", "renewBeforeSeconds")


class Kubeconfig(Resource):
    """The certificate is renewed by the first run after ``renewBeforeSeconds`` before its end.

    Inputs: ``authority`` (``certificate`` and ``privateKey``, PEM, of the engine), ``server`` (URL), ``cluster`` (its
    name for people), ``commonName`` and ``organizations`` (user and groups to Kubernetes), ``lifetimeSeconds``,
    ``renewBeforeSeconds``. Outputs: the inputs but the authority, ``kubeconfig`` (secret), ``issued`` and
    ``authorityPrint``.
    """

    secrets = frozenset({"authority", "kubeconfig"})

    def diff(self, old: Values, inputs: Values) -> Difference:
        """Another client, another authority, or a certificate that is due."""
        paths = [key for key in INPUTS if old.get(key) != inputs.get(key)]
        if has_unknown(inputs.get("authority")) or old.get("authorityPrint") != _print(inputs):
            return Difference((*paths, "authority"), (), ("its authority is another one",))
        if not paths and time.time() >= old["issued"] + old["lifetimeSeconds"] - old["renewBeforeSeconds"]:
            return Difference(("issued",), (), ("certificate renewed",))
        return Difference(tuple(paths))

    async def create(self, call: Call, inputs: Values) -> Values:
        """Issue the certificate and write the kubeconfig around it."""
        kept = {key: inputs[key] for key in INPUTS}
        if call.preview or has_unknown(inputs):
            return {**kept, "kubeconfig": UNKNOWN, "issued": UNKNOWN, "authorityPrint": UNKNOWN}
        issued = int(time.time())
        return {**kept, "kubeconfig": _write(inputs, issued), "issued": issued, "authorityPrint": _print(inputs)}

    async def update(self, call: Call, old: Values, inputs: Values) -> Values:
        """The same anew."""
        return await self.create(call, inputs)


def _print(inputs: Values) -> str:
    return hashlib.sha256(str(inputs["authority"]["certificate"]).encode()).hexdigest()


def _write(inputs: Values, issued: int) -> str:
    """The kubeconfig, as JSON (which is YAML)."""
    authority = Pair(inputs["authority"]["certificate"], inputs["authority"]["privateKey"])
    subject = {
        "common_name": inputs["commonName"],
        "organizations": inputs["organizations"],
        # Go refuses a certificate with an empty list of names.
        "dns": [inputs["cluster"]],
        "addresses": [],
        "usages": ["client"],
    }
    own = issue(authority, subject, issued, inputs["lifetimeSeconds"])
    cluster = {"server": inputs["server"], "certificate-authority-data": _encoded(authority.certificate)}
    user = {
        "client-certificate-data": _encoded(own.certificate),
        "client-key-data": _encoded(own.private_key),
    }
    name = inputs["cluster"]
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": inputs["commonName"], "user": user}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": inputs["commonName"]}}],
            "current-context": name,
        }
    )


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
