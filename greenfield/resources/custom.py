"""The plugin's resource types, as Pulumi resources with typed outputs. Components are what programs use.

Of the outputs only those that programs read are named: each one named is watched until the end of the program.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

import pulumi

from greenfield import __version__


def _options(options: pulumi.ResourceOptions | None, *secrets: str) -> pulumi.ResourceOptions:
    own = pulumi.ResourceOptions(version=__version__, additional_secret_outputs=list(secrets))
    return pulumi.ResourceOptions.merge(own, options)


class Authority(pulumi.CustomResource):
    """A certificate authority, of a site's hosts or of one engine. ``privateKey`` is secret."""

    certificate: pulumi.Output[str]
    privateKey: pulumi.Output[str]  # noqa: N815 (the property's name on the wire)

    def __init__(
        self, name: str, *, common_name: str, lifetime_seconds: int, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        properties = {
            "commonName": common_name,
            "lifetimeSeconds": lifetime_seconds,
            "certificate": None,
            "privateKey": None,
        }
        super().__init__("greenfield:index:Authority", name, properties, _options(opts, "privateKey"))

    @cached_property
    def pair(self) -> pulumi.Output[dict[str, str]]:
        """Certificate and private key, as cells take them; secret."""
        return pulumi.Output.secret(pulumi.Output.all(certificate=self.certificate, privateKey=self.privateKey))


class Password(pulumi.CustomResource):
    """A random password; ``value`` is secret."""

    value: pulumi.Output[str]

    def __init__(self, name: str, *, length: int = 32, opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Password", name, {"length": length, "value": None}, _options(opts, "value"))


class Kubeconfig(pulumi.CustomResource):
    """How a client reaches a Kubernetes engine, with a certificate of its own; ``kubeconfig`` is secret."""

    kubeconfig: pulumi.Output[str]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        properties = {**inputs, "kubeconfig": None}
        super().__init__("greenfield:index:Kubeconfig", name, properties, _options(opts, "kubeconfig"))


class Names(pulumi.CustomResource):
    """Namespaces that a platform is about to make: refused where somebody else has made them."""

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Names", name, dict(inputs), _options(opts, "kubeconfig"))


class Taints(pulumi.CustomResource):
    """Taints of nodes of a Kubernetes engine; those of others are left alone."""

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Taints", name, dict(inputs), _options(opts, "kubeconfig"))


class Preflight(pulumi.CustomResource):
    """What must be true before a host is touched."""

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Preflight", name, dict(inputs), _options(opts))


class Cell(pulumi.CustomResource):
    """One layer on the hosts of one node pool in one rack."""

    digests: pulumi.Output[dict[str, str]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Cell", name, {**inputs, "digests": None}, _options(opts))


class Formation(pulumi.CustomResource):
    """An engine as a whole, once all its cells stand. ``common`` is what it was formed with."""

    common: pulumi.Output[str]
    facts: pulumi.Output[dict[str, Any]]

    def __init__(self, name: str, inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None = None) -> None:
        super().__init__("greenfield:index:Formation", name, {**inputs, "facts": None}, _options(opts))
