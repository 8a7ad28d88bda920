"""`node_ports.NodeGateway` on google-cloud-compute: one short method per call of the port."""

from collections.abc import Sequence

from hakube_gce.gce import node_messages
from hakube_gce.gce.inventory import Reader
from hakube_gce.gce.kinds import Kinds
from hakube_gce.gce.project import Project
from hakube_gce.node_resources import GroupError, ManagedGroup, TemplateSpec


class GoogleNodes:
    """What one project's nodes are made of."""

    def __init__(self, project: Project, host: Project, kinds: Kinds, reader: Reader) -> None:
        self._project, self._host = project, host
        self._kinds, self._reader = kinds, reader

    def insert_template(self, spec: TemplateSpec, *, request_id: str) -> None:
        message = node_messages.template(spec, network_project=self._host.id)
        place = self._kinds.instance_templates.of_project(spec.name)
        self._project.insert(place, message, request_id)

    def delete_template(self, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.instance_templates.of_project(name), request_id)

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
        message = node_messages.managed_group(
            name,
            template_name=template,
            size=size,
            project=self._project.id,
            description=description,
        )
        place = self._kinds.instance_group_managers.in_zone(zone, name)
        self._project.insert(place, message, request_id)

    def find_group(self, zone: str, name: str) -> ManagedGroup | None:
        found = self._project.find(self._kinds.instance_group_managers.in_zone(zone, name))
        return None if found is None else node_messages.read_managed_group(found)

    def group_errors(self, zone: str, name: str) -> Sequence[GroupError]:
        return self._reader.group_errors(zone, name)

    def members(self, zone: str, group: str) -> Sequence[str]:
        return self._reader.members(zone, group)

    def delete_group(self, zone: str, name: str, *, request_id: str) -> None:
        self._project.delete(self._kinds.instance_group_managers.in_zone(zone, name), request_id)

    def delete_route(self, name: str, *, request_id: str) -> None:
        self._host.delete(self._kinds.routes.of_project(name), request_id)
