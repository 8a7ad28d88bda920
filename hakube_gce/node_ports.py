"""The edge towards Compute Engine for worker nodes, as the rest of the program sees it.

Beside `ports.ComputeGateway`, by whose rules it goes: every change returns once its operation is
DONE. What there is of nodes stands in the inventory; nothing here is asked for each node.
"""

from collections.abc import Sequence
from typing import Protocol

from hakube_gce.node_resources import GroupError, ManagedGroup, TemplateSpec


class NodeGateway(Protocol):
    """Port to the kinds that worker nodes are made of, one project."""

    def insert_template(self, spec: TemplateSpec, *, request_id: str) -> None: ...
    def delete_template(self, name: str, *, request_id: str) -> None: ...
    def insert_group(
        self,
        zone: str,
        name: str,
        *,
        template: str,
        size: int,
        description: str,
        request_id: str,
    ) -> None:
        """Make a managed group. Its VMs are still to come when this returns."""
        ...

    def find_group(self, zone: str, name: str) -> ManagedGroup | None: ...
    def group_errors(self, zone: str, name: str) -> Sequence[GroupError]:
        """List what a group failed in of late, as Compute Engine tells it: an hour, at most."""
        ...

    def members(self, zone: str, group: str) -> Sequence[str]:
        """List a group's VMs by name, as Compute Engine has them."""
        ...

    def delete_group(self, zone: str, name: str, *, request_id: str) -> None:
        """Delete a managed group with all of its VMs."""
        ...

    def delete_route(self, name: str, *, request_id: str) -> None: ...
