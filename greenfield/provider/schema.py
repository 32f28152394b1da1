"""The Pulumi package schema of the plugin, from which ``pulumi package gen-sdk`` makes SDKs in other languages."""

from __future__ import annotations

from typing import Any

from greenfield import __version__

STRING: dict[str, Any] = {"type": "string"}
INTEGER: dict[str, Any] = {"type": "integer"}
BOOLEAN: dict[str, Any] = {"type": "boolean"}
STRINGS: dict[str, Any] = {"type": "array", "items": STRING}
BY_NAME: dict[str, Any] = {"type": "object", "additionalProperties": STRING}
CONNECTION: dict[str, Any] = {"$ref": "#/types/greenfield:index:Connection"}
ANY_MAP: dict[str, Any] = {"type": "object", "additionalProperties": {"$ref": "pulumi.json#/Any"}}


def _property(kind: dict[str, Any], text: str, *, secret: bool = False) -> dict[str, Any]:
    return {**kind, "description": text, **({"secret": True} if secret else {})}


def _resource(
    text: str,
    inputs: dict[str, dict[str, Any]],
    outputs: dict[str, dict[str, Any]],
    optional: frozenset[str] = frozenset(),
    inputs_only: frozenset[str] = frozenset(),
) -> dict[str, Any]:
    required = [name for name in inputs if name not in optional]
    return {
        "description": text,
        "inputProperties": inputs,
        "requiredInputs": required,
        "properties": {**{name: kind for name, kind in inputs.items() if name not in inputs_only}, **outputs},
        "required": [*(name for name in required if name not in inputs_only), *outputs],
    }


def _authority() -> dict[str, Any]:
    return _resource(
        "A certificate authority, of a site's hosts or of one engine.",
        {
            "commonName": _property(STRING, "Subject of the authority."),
            "lifetimeSeconds": _property(INTEGER, "How long it is valid."),
        },
        {
            "certificate": _property(STRING, "PEM."),
            "privateKey": _property(STRING, "PEM.", secret=True),
        },
    )


def _password() -> dict[str, Any]:
    return _resource(
        "A random password of letters and digits.",
        {"length": _property(INTEGER, "Characters, 20 or more.")},
        {"value": _property(STRING, "The password.", secret=True)},
    )


def _preflight() -> dict[str, Any]:
    return _resource(
        "What must be true before a host is touched; asked once a run, only when something is going to change.",
        {
            "site": _property(STRING, "Name of the site; one run at a time may change it."),
            "hosts": _property(BY_NAME, "Host name to address."),
            "port": _property(INTEGER, "SSH port."),
            "knownHosts": _property(STRING, "File of pinned host keys."),
            "quarantined": _property(STRINGS, "Hosts to go on without."),
            "specFolder": _property(STRING, "Folder with mirror.lock.json."),
            "mirror": _property(STRING, "The served folder of the mirror."),
            "gates": _property(BY_NAME, "Name to JSON: which members are asked for an engine's health, and how."),
            "cluster": _property(STRING, "Name of the cluster, whose placement record lies in `specFolder`."),
            "versions": _property(BY_NAME, "Engine to its version, entered in the record once nothing is in the way."),
        },
        {},
        frozenset({"quarantined", "gates", "cluster", "versions"}),
        frozenset({"gates", "cluster", "versions"}),
    )


def _cell() -> dict[str, Any]:
    inputs = {
        "site": _property(STRING, "Name of the site."),
        "cell": _property(STRING, "Name of the cell, for people."),
        "layer": _property(STRING, "`host` or an engine's name."),
        "pool": _property(STRING, "Node pool."),
        "rack": _property(STRING, "Rack."),
        "roles": _property(STRINGS, "Roles in order."),
        "content": _property(STRING, "Digest of the roles' content."),
        "common": _property(STRING, "Variables of the roles that all hosts of the cell share, as JSON."),
        "secrets": _property(ANY_MAP, "Secret variables that all hosts of the cell share.", secret=True),
        "hosts": _property(BY_NAME, "Host name to JSON of its `address`, `variables` and certificate `subject`."),
        "certificatePrefix": _property(STRING, "Role whose variables get the certificate."),
        "authority": _property(
            {"type": "object", "additionalProperties": STRING}, "`certificate` and `privateKey`, PEM.", secret=True
        ),
        "authorities": _property(
            ANY_MAP, "Authorities of engines that this one refers to, by the option that names them.", secret=True
        ),
        "lifetimeSeconds": _property(INTEGER, "Lifetime of certificates."),
        "renewBeforeSeconds": _property(INTEGER, "A certificate with less than this left is renewed."),
        "connection": _property(CONNECTION, "How hosts are reached."),
        "quarantined": _property(STRINGS, "Hosts of the cell to leave alone."),
        "gates": _property(STRINGS, "Gates of the Preflight that are asked before and after a batch."),
        "oneByOne": _property(BOOLEAN, "Whether hosts go one after the other, once members of the engine stand."),
        "wipe": _property(BOOLEAN, "Whether members that leave lose their data."),
        "leaving": _property(STRINGS, "Engines that have yet to leave hosts, which keep what they need until then."),
    }
    outputs = {
        "authorityPrint": _property(STRING, "Fingerprint of the authority."),
        "digests": _property(BY_NAME, "Host name to the digest of the state it was converged to."),
        "issued": _property(
            {"type": "object", "additionalProperties": INTEGER}, "Host name to its certificate's moment of issue."
        ),
        "faults": _property(BY_NAME, "Host name to what went wrong."),
        "stood": _property(STRINGS, "Hosts that carried the layer at some time."),
    }
    optional = frozenset({"secrets", "authorities", "quarantined", "gates", "wipe", "oneByOne", "leaving"})
    return _resource(
        "One layer on the hosts of one node pool in one rack: the unit of change.",
        inputs,
        outputs,
        optional,
        frozenset({"authority", "authorities"}),
    )


def _formation() -> dict[str, Any]:
    return _resource(
        "An engine as a whole, formed once all its cells stand.",
        {
            "site": _property(STRING, "Name of the site."),
            "engine": _property(STRING, "Name of the engine."),
            "role": _property(STRING, "Role of the engine kind."),
            "content": _property(STRING, "Digest of the role's content."),
            "common": _property(STRING, "Variables of the role that all members share, as JSON."),
            "secrets": _property(ANY_MAP, "Secret variables.", secret=True),
            "members": _property(BY_NAME, "Host name to JSON of its `address` and `variables`."),
            "cells": _property(ANY_MAP, "Cell to the digests of its hosts."),
            "connection": _property(CONNECTION, "How hosts are reached."),
        },
        {"facts": _property(ANY_MAP, "What the role handed back.")},
        frozenset({"secrets"}),
    )


def _kubeconfig() -> dict[str, Any]:
    return _resource(
        "A kubeconfig for a Kubernetes engine, with a client certificate that is renewed in time.",
        {
            "authority": _property(
                {"type": "object", "additionalProperties": STRING}, "`certificate` and `privateKey`, PEM.", secret=True
            ),
            "server": _property(STRING, "URL of the API server."),
            "cluster": _property(STRING, "Name of the cluster, for people."),
            "commonName": _property(STRING, "User to Kubernetes."),
            "organizations": _property(STRINGS, "Groups to Kubernetes."),
            "lifetimeSeconds": _property(INTEGER, "Lifetime of the certificate."),
            "renewBeforeSeconds": _property(INTEGER, "A certificate with less than this left is renewed."),
        },
        {
            "kubeconfig": _property(STRING, "The kubeconfig.", secret=True),
            "issued": _property(INTEGER, "The certificate's moment of issue."),
            "authorityPrint": _property(STRING, "Fingerprint of the authority."),
        },
    )


def _names() -> dict[str, Any]:
    return _resource(
        "Namespaces that a platform is about to make: refused where somebody else has made them.",
        {
            "kubeconfig": _property(STRING, "An administrator's kubeconfig, its content or its path.", secret=True),
            "namespaces": _property(STRINGS, "Their names."),
        },
        {},
    )


def _taints() -> dict[str, Any]:
    return _resource(
        "Taints of nodes of a Kubernetes engine; those of others are left alone.",
        {
            "kubeconfig": _property(STRING, "An administrator's kubeconfig, its content or its path.", secret=True),
            "nodes": _property(ANY_MAP, "Node to its taints: `key`, `effect` and, where it has one, `value`."),
        },
        {},
    )


def package_schema() -> dict[str, Any]:
    """The whole schema (https://www.pulumi.com/docs/iac/guides/building-extending/packages/schema/)."""
    connection = {
        "user": _property(STRING, "Login."),
        "port": _property(INTEGER, "SSH port."),
        "identityFile": _property(STRING, "Private key file; empty leaves the choice to ssh."),
        "knownHosts": _property(STRING, "File of pinned host keys."),
    }
    return {
        "name": "greenfield",
        "version": __version__,
        "displayName": "Greenfield",
        "description": "Delivers new data-centre clusters: a validated spec goes in, accepted capacity comes out.",
        "license": "Apache-2.0",
        "meta": {"moduleFormat": "(.*)"},
        "types": {
            "greenfield:index:Connection": {
                "type": "object",
                "description": "How the workstation reaches hosts.",
                "properties": connection,
                "required": list(connection),
            }
        },
        "resources": {
            "greenfield:index:Authority": _authority(),
            "greenfield:index:Password": _password(),
            "greenfield:index:Kubeconfig": _kubeconfig(),
            "greenfield:index:Names": _names(),
            "greenfield:index:Taints": _taints(),
            "greenfield:index:Preflight": _preflight(),
            "greenfield:index:Cell": _cell(),
            "greenfield:index:Formation": _formation(),
        },
    }
