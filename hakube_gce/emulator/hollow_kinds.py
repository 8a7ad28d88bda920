"""The kinds of object that the hollow API server knows, and how each looks in a table.

Pure. Four kinds of Kubernetes' core group; where their objects stand in etcd is where Kubernetes
itself puts them. A kind whose verbs are few is one that only a real cluster would fill.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Object = dict[str, Any]
"""One Kubernetes object in its JSON form."""

_READ = ("get", "list", "watch")
_WRITE = ("create", "update", "patch", "delete")


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of the table that ``kubectl get`` shows."""

    name: str
    cell: Callable[[Object], object]
    wide: bool = False
    """Shown by ``-o wide`` only."""
    after_age: bool = False
    """Stands behind AGE, where all others stand before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind of object."""

    plural: str
    kind: str
    short_name: str
    namespaced: bool
    folder: str
    """Where its objects stand in etcd; ends in a slash."""
    verbs: tuple[str, ...]
    fields: frozenset[str]
    """What an object holds besides apiVersion, kind and metadata."""
    columns: tuple[Column, ...] = ()
    """Besides NAME, which is first, and AGE: those after it come last here, too."""

    def key(self, namespace: str, name: str) -> str:
        """Return where an object stands in etcd."""
        return f"{self.folder}{namespace}/{name}" if self.namespaced else f"{self.folder}{name}"

    def prefix(self, namespace: str) -> str:
        """Return what the keys of a namespace's objects begin with; of all when it is empty."""
        return f"{self.folder}{namespace}/" if namespace else self.folder


def _at(*path: str) -> Callable[[Object], object]:
    def cell(thing: Object) -> object:
        found: Any = thing
        for name in path:
            found = found.get(name, {})
        return found or "<none>"

    return cell


def _count(thing: Object) -> object:
    return len(thing.get("data", {})) + len(thing.get("binaryData", {}))


def _ports(thing: Object) -> object:
    ports = thing.get("spec", {}).get("ports", [])
    return ",".join(f"{p.get('port')}/{p.get('protocol', 'TCP')}" for p in ports) or "<none>"


def _readiness(node: Object) -> object:
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(c.get("type") == "Ready" and c.get("status") == "True" for c in conditions)
    cordoned = node.get("spec", {}).get("unschedulable", False)
    return ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if cordoned else "")


_ROLE = "node-role.kubernetes.io/"


def _roles(node: Object) -> object:
    labels = sorted(node["metadata"].get("labels", {}))
    roles = [name.removeprefix(_ROLE) for name in labels if name.startswith(_ROLE)]
    return ",".join(roles) or "<none>"


def _internal_ip(node: Object) -> object:
    addresses = node.get("status", {}).get("addresses", [])
    found = (a["address"] for a in addresses if a.get("type") == "InternalIP")
    return next(found, "<none>")


CONFIG_MAPS = Kind(
    plural="configmaps",
    kind="ConfigMap",
    short_name="cm",
    namespaced=True,
    folder="/registry/configmaps/",
    verbs=_READ + _WRITE,
    fields=frozenset({"data", "binaryData", "immutable"}),
    columns=(Column(name="Data", cell=_count),),
)
NAMESPACES = Kind(
    plural="namespaces",
    kind="Namespace",
    short_name="ns",
    namespaced=False,
    folder="/registry/namespaces/",
    verbs=_READ + _WRITE,
    fields=frozenset({"spec", "status"}),
    columns=(Column(name="Status", cell=_at("status", "phase")),),
)
NODES = Kind(
    plural="nodes",
    kind="Node",
    short_name="no",
    namespaced=False,
    folder="/registry/minions/",
    verbs=_READ,
    fields=frozenset({"spec", "status"}),
    columns=(
        Column(name="Status", cell=_readiness),
        Column(name="Roles", cell=_roles),
        Column(name="Version", cell=_at("status", "nodeInfo", "kubeletVersion"), after_age=True),
        Column(name="Internal-IP", cell=_internal_ip, wide=True, after_age=True),
    ),
)
SERVICES = Kind(
    plural="services",
    kind="Service",
    short_name="svc",
    namespaced=True,
    folder="/registry/services/specs/",
    verbs=_READ,
    fields=frozenset({"spec", "status"}),
    columns=(
        Column(name="Type", cell=_at("spec", "type")),
        Column(name="Cluster-IP", cell=_at("spec", "clusterIP")),
        Column(name="External-IP", cell=lambda _: "<none>"),
        Column(name="Port(s)", cell=_ports),
    ),
)
KINDS: Mapping[str, Kind] = {k.plural: k for k in (CONFIG_MAPS, NAMESPACES, NODES, SERVICES)}


def as_list(kind: Kind, things: Sequence[Object], revision: int) -> Object:
    """Return the List object of a kind as of an etcd revision."""
    return {
        "kind": f"{kind.kind}List",
        "apiVersion": "v1",
        "metadata": {"resourceVersion": str(revision)},
        "items": list(things),
    }


def as_table(kind: Kind, things: Sequence[Object], revision: int, now: datetime) -> Object:
    """Return what ``kubectl get`` prints, as the server-side Table it asks for."""
    before, after = _split(kind)
    names = [
        ("Name", "name", 0),
        *((c.name, "", int(c.wide)) for c in before),
        ("Age", "", 0),
        *((c.name, "", int(c.wide)) for c in after),
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": str(revision)},
        "columnDefinitions": [
            {"name": n, "type": "string", "format": form, "description": "", "priority": wide}
            for n, form, wide in names
        ],
        "rows": [_row(kind, thing, now) for thing in things],
    }


def _split(kind: Kind) -> tuple[list[Column], list[Column]]:
    """Return the columns before AGE and those after it."""
    before = [column for column in kind.columns if not column.after_age]
    return before, [column for column in kind.columns if column.after_age]


def _row(kind: Kind, thing: Object, now: datetime) -> Object:
    meta = thing["metadata"]
    created = datetime.fromisoformat(meta["creationTimestamp"])
    before, after = ([column.cell(thing) for column in part] for part in _split(kind))
    return {
        "cells": [meta["name"], *before, age((now - created).total_seconds()), *after],
        "object": {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": meta,
        },
    }


def age(seconds: float) -> str:
    """Write a duration as kubectl does, roughly: two units while the larger one is small.

    >>> [age(s) for s in (-1, 5, 119, 150, 601, 4000, 90000, 1e6)]
    ['0s', '5s', '119s', '2m30s', '10m', '66m', '25h', '11d']
    """
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if minutes < 2:
        return f"{whole}s"
    if minutes < 10:
        return f"{minutes}m{whole % 60}s" if whole % 60 else f"{minutes}m"
    if hours < 3:
        return f"{minutes}m"
    return f"{hours}h" if days < 2 else f"{days}d"


def select(labels: str, fields: str) -> Callable[[Object], bool]:
    """Return what tells whether an object fits a label selector and a field selector.

    >>> thing = {"metadata": {"name": "a", "labels": {"app": "x"}}}
    >>> [select(s, "")(thing) for s in ("", "app", "app=x", "app!=x", "!app", "app=x,b=c")]
    [True, True, True, False, False, False]
    >>> select("", "metadata.name=a")(thing), select("", "metadata.name!=a")(thing)
    (True, False)

    Raises:
        ValueError: A selector of a kind that is not understood here.
    """
    tests = [_label_test(part) for part in labels.split(",") if part]
    tests += [_field_test(part) for part in fields.split(",") if part]
    return lambda thing: all(test(thing["metadata"]) for test in tests)


_EQUALITY = re.compile(r"([^=!,\s()]+)\s*(==?|!=)\s*([^=!,\s()]*)")
_EXISTENCE = re.compile(r"(!?)\s*([^=!,\s()]+)")


def _label_test(part: str) -> Callable[[Object], bool]:
    if found := _EQUALITY.fullmatch(part.strip()):
        name, relation, value = found.groups()
        return lambda meta: (meta.get("labels", {}).get(name) == value) is (relation != "!=")
    if found := _EXISTENCE.fullmatch(part.strip()):
        absent, name = found.groups()
        return lambda meta: (name in meta.get("labels", {})) is not bool(absent)
    msg = (
        f"the label selector {part!r} is not understood here: name=value, name!=value, name, !name"
    )
    raise ValueError(msg)


def _field_test(part: str) -> Callable[[Object], bool]:
    found = _EQUALITY.fullmatch(part.strip())
    if not found or found[1] not in {"metadata.name", "metadata.namespace"}:
        msg = f"the field selector {part!r} is not understood here: metadata.name or .namespace"
        raise ValueError(msg)
    name, relation, value = found[1].removeprefix("metadata."), found[2], found[3]
    return lambda meta: (meta.get(name, "") == value) is (relation != "!=")
