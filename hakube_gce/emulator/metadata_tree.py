"""What a VM's metadata server says: a tree of values, and how Google spells its parts.

Pure. Only what `VirtualMachine` and the instance's attributes hold is there: no service accounts,
no tokens, no external address. Paths and formats:
https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hakube_gce.emulator.runtime import VirtualMachine

Node = Mapping[str, "Node"] | Sequence["Node"] | str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One answer."""

    body: str
    content_type: str

    @property
    def etag(self) -> str:
        """Sixteen hexadecimal digits that change when the body does."""
        return hashlib.sha256(self.body.encode()).hexdigest()[:16]


def tree(vm: VirtualMachine, attributes: Mapping[str, str]) -> Node:
    """Return everything below ``/computeMetadata/v1/``."""
    project_number = int(hashlib.sha256(vm.project.encode()).hexdigest()[:10], 16)
    return {
        "instance": {
            "attributes": attributes,
            "disks": _disks(vm),
            "hostname": f"{vm.name}.{vm.zone}.c.{vm.project}.internal",
            "id": int(vm.id),
            "name": vm.name,
            "networkInterfaces": [
                {"accessConfigs": [], "ip": vm.internal_ip, "network": "default"}
            ],
            "zone": f"projects/{project_number}/zones/{vm.zone}",
        },
        "project": {
            "attributes": {},
            "numericProjectId": project_number,
            "projectId": vm.project,
        },
    }


def find(node: Node, path: str) -> Node | None:
    """Follow a path of names, numbers and slashes; None when it leads nowhere.

    >>> find({"networkInterfaces": [{"ip": "127.16.1.2"}]}, "network-interfaces/0/ip")
    '127.16.1.2'
    >>> find({"attributes": {"a-b": "x"}}, "attributes/a-b"), find({}, "nothing")
    ('x', None)
    """
    for part in filter(None, path.split("/")):
        children = _children(node)
        if part not in children:
            return None
        node = children[part]
    return node


def is_folder(node: Node) -> bool:
    """Tell whether a node has children rather than a value."""
    return not isinstance(node, str | int)


def page(node: Node, *, recursive: bool, as_json: bool | None = None) -> Page:
    """Write a node as the metadata server does.

    Args:
        node: What `find` found.
        recursive: The whole branch as one JSON object, instead of a list of names.
        as_json: Force JSON or text; None leaves it to the kind of answer.
    """
    if not is_folder(node):
        return _page(json.dumps(node) if as_json else str(node), as_json=bool(as_json))
    if recursive:
        return _page(json.dumps(node, separators=(",", ":")), as_json=True)
    names = [name + "/" if is_folder(child) else name for name, child in _children(node).items()]
    if as_json:
        return _page(json.dumps(names), as_json=True)
    return _page("".join(name + "\n" for name in names), as_json=False)


def _page(body: str, *, as_json: bool) -> Page:
    return Page(body=body, content_type="application/json" if as_json else "application/text")


def _children(node: Node) -> Mapping[str, Node]:
    """Children by their names in a path, where networkInterfaces is network-interfaces."""
    if isinstance(node, str | int):
        return {}
    if isinstance(node, Mapping):
        return {_PATH_NAMES.get(name, name): child for name, child in node.items()}
    return {str(index): child for index, child in enumerate(node)}


_PATH_NAMES = {
    "accessConfigs": "access-configs",
    "deviceName": "device-name",
    "networkInterfaces": "network-interfaces",
    "numericProjectId": "numeric-project-id",
    "projectId": "project-id",
}


def _disks(vm: VirtualMachine) -> list[Node]:
    boot: Node = {"deviceName": "persistent-disk-0", "index": 0, "type": "PERSISTENT"}
    data: Node = {"deviceName": "master-pd", "index": 1, "type": "PERSISTENT"}
    return [boot, data] if vm.data_disk_id else [boot]
