"""A view reads as the library's own message does."""

import json
from typing import Any

import pytest

from hakube_gce.gce.library import compute
from tests.simulation.messages import View, view
from tests.simulation.stories import Beginnings

KINDS = {
    "compute#address": "Address",
    "compute#backendService": "BackendService",
    "compute#disk": "Disk",
    "compute#firewall": "Firewall",
    "compute#forwardingRule": "ForwardingRule",
    "compute#healthCheck": "HealthCheck",
    "compute#instance": "Instance",
    "compute#instanceGroup": "InstanceGroup",
    "compute#network": "Network",
    "compute#subnetwork": "Subnetwork",
}


def _plain(value: Any, shape: Any) -> Any:
    """Read every field of a message or a view, as deep as they go."""
    if isinstance(value, list | tuple) or type(value).__name__.startswith("Repeated"):
        return [_plain(entry, shape) for entry in value]
    if shape is None or isinstance(value, str | int | float | bool):
        return value
    found = {}
    for field in shape.fields:
        inner = field.message_type
        read = getattr(value, field.name)
        if inner is not None and inner.GetOptions().map_entry:
            found[field.name] = dict(read)
        elif inner is None or field.is_repeated or _has(value, field):
            found[field.name] = _plain(list(read) if field.is_repeated else read, inner)
    return found


def _has(value: Any, field: Any) -> bool:
    if isinstance(value, View):
        return field.json_name in value.content
    return field.name in value


@pytest.mark.parametrize("kind", KINDS)
def test_a_view_says_what_the_message_says(kind: str, beginnings: Beginnings) -> None:
    scene = beginnings(2)
    records = [r for r in scene.cloud.dump().values() if r["kind"] == kind]
    assert records
    message = getattr(compute, KINDS[kind])
    for record in records:
        shown = {k: v for k, v in record.items() if not k.startswith("@")}
        real = message.from_json(json.dumps(shown), ignore_unknown_fields=True)
        shape = message.pb().DESCRIPTOR
        assert _plain(view(KINDS[kind], shown), shape) == _plain(real, shape)
