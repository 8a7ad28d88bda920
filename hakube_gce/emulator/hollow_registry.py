"""The hollow API server's verbs: what a read or write means, carried out on etcd.

Optimistic throughout: a write names the revision it is based on and is refused when somebody was
faster. Where the client left that to the server it is based anew on what the other wrote, as often
as it takes, as the real server does: each race lost is somebody else's success. Knows no HTTP.
"""

import ipaddress
import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hakube_gce.clock import SystemClock
from hakube_gce.emulator import hollow_nodes, hollow_objects
from hakube_gce.emulator.hollow_kinds import (
    CONFIG_MAPS,
    NAMESPACES,
    NODES,
    SERVICES,
    Kind,
    Object,
)
from hakube_gce.emulator.hollow_refusals import (
    already_exists,
    bad_request,
    conflict,
    forbidden,
    not_found,
    unsupported_media,
)
from hakube_gce.emulator.hollow_store import Conflict, Store, Stored, Watch

_OWN_NAMESPACES = ("default", "kube-system", "kube-public", "kube-node-lease")
_MERGES = ("application/merge-patch+json", "application/strategic-merge-patch+json")
_APPLY = "application/apply-patch+yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What a path names."""

    kind: Kind
    namespace: str = ""
    name: str = ""

    @property
    def key(self) -> str:
        return self.kind.key(self.namespace, self.name)


class Registry:
    """Objects, as clients of the API see them."""

    def __init__(self, store: Store, *, clock: SystemClock, service_cidr: str) -> None:
        self._store = store
        self._clock = clock
        self._service_ip = str(ipaddress.IPv4Network(service_cidr)[1])
        self._furnished = threading.Event()

    def check(self, *, timeout_s: float) -> None:
        """Prove that etcd answers with a quorum, and that what a cluster begins with is there.

        Raises:
            StoreUnavailable: It does not.
        """
        self._store.check(timeout_s=timeout_s)
        self.furnish()

    def furnish(self) -> None:
        """Make the namespaces and the service that every cluster has, once."""
        if self._furnished.is_set():
            return
        for name in _OWN_NAMESPACES:
            self._make_once(NAMESPACES, {"metadata": {"name": name}})
        self._make_once(SERVICES, self._kubernetes_service())
        self._furnished.set()

    def keep_nodes(self, vms: Sequence[Mapping[str, Any]]) -> None:
        """Make, replace and delete Node objects so that there is one for each VM.

        Raises:
            StoreUnavailable: etcd does not answer; the rest is left for the next time.
        """
        wanted = hollow_nodes.wanted(vms, time=self._time())
        there = {s.value["metadata"]["name"]: s for s in self._store.list(NODES.folder)[0]}
        for name, stored in list(there.items()):
            node = wanted.get(name)
            if hollow_nodes.is_kept(stored.value) and not (
                node and hollow_nodes.same_vm(stored.value, node)
            ):
                self._remove_once(stored)
                del there[name]
        for name in wanted.keys() - there.keys():
            self._make_once(NODES, wanted[name])

    def _remove_once(self, stored: Stored) -> None:
        try:
            self._store.delete(stored.key, revision=stored.revision)
        except Conflict:
            return  # another master did it

    def get(self, place: Place) -> Object:
        return _shown(self._stored(place))

    def list(self, place: Place) -> tuple[Sequence[Object], int]:
        """Return a kind's objects in a namespace, or in all, and the revision they are as of."""
        found, revision = self._store.list(place.kind.prefix(place.namespace))
        return [_shown(stored) for stored in found], revision

    def watch(self, place: Place, *, after: int) -> Watch:
        return self._store.watch(place.kind.prefix(place.namespace), after=after)

    def create(self, place: Place, sent: Object) -> Object:
        thing = self._new(place, sent)
        name = thing["metadata"]["name"]
        inside = NAMESPACES.key("", place.namespace) if place.namespace else ""
        try:
            revision = self._store.create(
                place.kind.key(place.namespace, name), thing, inside=inside
            )
        except Conflict as error:
            if inside and self._store.get(inside) is None:
                raise not_found(NAMESPACES, place.namespace) from error
            raise already_exists(place.kind, name) from error
        return _shown_as_of(thing, revision)

    def replace(self, place: Place, sent: Object) -> Object:
        demanded = hollow_objects.demanded_revision(sent)
        return self._change(
            place, lambda current: hollow_objects.changed(place.kind, sent, current), demanded
        )

    def patch(self, place: Place, sent: Object, content_type: str) -> tuple[Object, bool]:
        """Merge a patch into an object; return it, and whether it had to be created.

        Only a server-side apply creates. Its field ownership is not tracked, so it merges, and
        removes nothing.
        """
        if content_type not in (*_MERGES, _APPLY):
            raise unsupported_media(
                f"a patch of type {content_type!r} is not understood here: {', '.join(_MERGES)}"
            )
        if content_type == _APPLY and self._store.get(place.key) is None:
            return self.create(place, sent), True
        demanded = hollow_objects.demanded_revision(sent)
        return self._change(place, lambda current: _patched(place, sent, current), demanded), False

    def delete(self, place: Place, options: Object) -> Object:
        """Delete an object, and with a namespace all that is in it; return the Status to show."""
        if place.kind is NAMESPACES and place.name in _OWN_NAMESPACES:
            raise forbidden(
                f'namespaces "{place.name}" is forbidden: this namespace may not be deleted'
            )
        below = [CONFIG_MAPS.prefix(place.name)] if place.kind is NAMESPACES else []
        while True:
            stored = self._stored(place)
            _check_preconditions(place, stored, options.get("preconditions") or {})
            try:
                self._store.delete(place.key, revision=stored.revision, below=below)
            except Conflict:
                continue
            return _deleted(place, stored)

    def _change(self, place: Place, change: Callable[[Object], Object], demanded: str) -> Object:
        while True:
            stored = self._stored(place)
            if demanded and demanded != str(stored.revision):
                raise conflict(place.kind, place.name)
            thing = change(stored.value)
            if thing == stored.value:
                return _shown(stored)
            try:
                return _shown_as_of(
                    thing, self._store.replace(place.key, thing, revision=stored.revision)
                )
            except Conflict:
                continue

    def _stored(self, place: Place) -> Stored:
        found = self._store.get(place.key)
        if found is None:
            raise not_found(place.kind, place.name)
        return found

    def _new(self, place: Place, sent: Object) -> Object:
        return hollow_objects.new(
            place.kind,
            sent,
            namespace=place.namespace,
            uid=str(uuid.uuid4()),
            time=self._time(),
        )

    def _time(self) -> str:
        return self._clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def _make_once(self, kind: Kind, sent: Object) -> None:
        namespace = sent["metadata"].get("namespace", "")
        thing = self._new(Place(kind=kind, namespace=namespace), sent)
        try:
            self._store.create(kind.key(namespace, thing["metadata"]["name"]), thing)
        except Conflict:
            return  # made in an earlier life, or by another master

    def _kubernetes_service(self) -> Object:
        ports = [{"name": "https", "port": 443, "protocol": "TCP"}]
        return {
            "metadata": {"name": "kubernetes", "namespace": "default"},
            "spec": {"type": "ClusterIP", "clusterIP": self._service_ip, "ports": ports},
        }


def _patched(place: Place, patch: Object, current: Object) -> Object:
    whole = hollow_objects.merged(current, patch)
    if not isinstance(whole.get("metadata"), dict):
        raise bad_request("the patch takes the metadata away")
    return hollow_objects.changed(place.kind, whole, current)


def _check_preconditions(place: Place, stored: Stored, wanted: Object) -> None:
    uid, revision = wanted.get("uid"), wanted.get("resourceVersion")
    if uid not in {None, stored.value["metadata"]["uid"]}:
        raise conflict(place.kind, place.name)
    if revision not in {None, str(stored.revision)}:
        raise conflict(place.kind, place.name)


def _deleted(place: Place, stored: Stored) -> Object:
    uid = stored.value["metadata"]["uid"]
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": {"name": place.name, "kind": place.kind.plural, "uid": uid},
    }


def _shown(stored: Stored) -> Object:
    return _shown_as_of(stored.value, stored.revision)


def _shown_as_of(thing: Object, revision: int) -> Object:
    return thing | {"metadata": thing["metadata"] | {"resourceVersion": str(revision)}}
