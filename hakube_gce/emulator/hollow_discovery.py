"""What the hollow API server says about itself: version, discovery, and a minimal OpenAPI.

Pure. The version says "hollow" in every field a person or a program may look at, so that nobody
takes it for a Kubernetes. kubectl asks for aggregated discovery and takes the plain kind.
"""

from collections.abc import Mapping
from typing import Any

from hakube_gce.emulator.hollow_kinds import KINDS, Kind

_OPENAPI = "/openapi/v3/api/v1"

VERSION: Mapping[str, Any] = {
    "major": "1",
    "minor": "32",
    "gitVersion": "v1.32.0-hollow",
    "gitCommit": "",
    "gitTreeState": "hollow",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "none",
    "compiler": "none",
    "platform": "hakube-gce/hollow",
    "hollow": True,
}


def document(path: str, *, address: str) -> Mapping[str, Any] | None:
    """Return the document at a path, or None when it is not one of these.

    Args:
        path: The request's path, without its query.
        address: Host and port that clients reach this server at.
    """
    servers = [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}]
    documents: Mapping[str, Mapping[str, Any]] = {
        "/version": VERSION,
        "/api": {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": servers,
        },
        "/apis": {"kind": "APIGroupList", "apiVersion": "v1", "groups": []},
        "/api/v1": {
            "kind": "APIResourceList",
            "groupVersion": "v1",
            "resources": [_resource(kind) for kind in KINDS.values()],
        },
        "/openapi/v3": {"paths": {"api/v1": {"serverRelativeURL": f"{_OPENAPI}?hash=hollow"}}},
        _OPENAPI: _openapi(),
    }
    return documents.get(path.rstrip("/"))


def _resource(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.plural,
        "singularName": kind.kind.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.kind,
        "verbs": sorted(kind.verbs),
        "shortNames": [kind.short_name],
    }


def _openapi() -> dict[str, Any]:
    """Return just enough for kubectl to believe that the server validates fields itself."""
    return {
        "openapi": "3.0.0",
        "info": {"title": "hollow", "version": VERSION["gitVersion"]},
        "paths": {_path(kind): _operations(kind) for kind in KINDS.values()},
        "components": {"schemas": {}},
    }


def _path(kind: Kind) -> str:
    return (
        f"/api/v1/namespaces/{{namespace}}/{kind.plural}"
        if kind.namespaced
        else f"/api/v1/{kind.plural}"
    )


def _operations(kind: Kind) -> dict[str, Any]:
    group_version_kind = {"group": "", "version": "v1", "kind": kind.kind}
    schema = {"type": "string", "uniqueItems": True}
    parameters = [{"name": "fieldValidation", "in": "query", "schema": schema}]
    methods = [m for m, verb in (("post", "create"), ("patch", "patch")) if verb in kind.verbs]
    operation = {
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": group_version_kind,
    }
    return dict.fromkeys(methods or ["get"], operation)
