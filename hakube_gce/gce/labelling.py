"""Labels of resources that are there: compare-and-set by fingerprint, whatever the kind.

The requests of these methods call the resource `resource`, unlike all others of its kind.
"""

from collections.abc import Callable, Mapping
from typing import Any

from hakube_gce.gce.clients import Clients
from hakube_gce.gce.kinds import Kinds, Place
from hakube_gce.gce.library import compute
from hakube_gce.gce.project import Project

Send = Callable[..., compute.Operation]


class Labelling:
    """Sets labels in one project."""

    def __init__(self, project: Project, clients: Clients, kinds: Kinds) -> None:
        self._project, self._clients, self._kinds = project, clients, kinds

    def address(
        self, region: str, name: str, labels: Mapping[str, str], fingerprint: str, request_id: str
    ) -> None:
        self._regional(
            self._kinds.addresses.in_region(region, name),
            self._clients.addresses.set_labels_unary,
            {"region": region, "request_id": request_id},
            labels,
            fingerprint,
        )

    def forwarding_rule(
        self, region: str, name: str, labels: Mapping[str, str], fingerprint: str, request_id: str
    ) -> None:
        self._regional(
            self._kinds.forwarding_rules.in_region(region, name),
            self._clients.forwarding_rules.set_labels_unary,
            {"region": region, "request_id": request_id},
            labels,
            fingerprint,
        )

    def disk(
        self, zone: str, name: str, labels: Mapping[str, str], fingerprint: str, request_id: str
    ) -> None:
        body = compute.ZoneSetLabelsRequest(labels=dict(labels), label_fingerprint=fingerprint)
        request = {
            "zone": zone,
            "zone_set_labels_request_resource": body,
            "request_id": request_id,
        }
        place = self._kinds.disks.in_zone(zone, name)
        self._send(place, self._clients.disks.set_labels_unary, request, labels)

    def _regional(
        self,
        place: Place,
        send: Send,
        request: Mapping[str, Any],
        labels: Mapping[str, str],
        fingerprint: str,
    ) -> None:
        body = compute.RegionSetLabelsRequest(labels=dict(labels), label_fingerprint=fingerprint)
        whole = {**request, "region_set_labels_request_resource": body}
        self._send(place, send, whole, labels)

    def _send(
        self, place: Place, send: Send, request: Mapping[str, Any], labels: Mapping[str, str]
    ) -> None:
        self._project.change(
            place,
            send,
            {"project": self._project.id, "resource": place.name, **request},
            lambda found: dict(found.labels) == dict(labels),
        )
