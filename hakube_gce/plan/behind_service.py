"""Masters behind a regional backend service: one unmanaged instance group a zone. Pure."""

from collections.abc import Collection
from dataclasses import dataclass

from hakube_gce import names
from hakube_gce.balancer_steps import (
    CreateBackendService,
    CreateGroup,
    CreateHealthCheck,
    DeleteBackendService,
    DeleteGroup,
    DeleteHealthCheck,
    JoinGroup,
    LeaveGroup,
    SetBackends,
)
from hakube_gce.model import Observed
from hakube_gce.plan.backends import Place
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Draft


@dataclass(frozen=True, slots=True)
class Service:
    """`Backends` of one cluster: service and health check are named alike."""

    blueprint: Blueprint

    def exist(self, seen: Observed) -> bool:
        return seen.backend_service is not None

    def stands(self, seen: Observed, place: Place) -> bool:
        zone, replica = place
        return any(g.zone == zone and replica in g.members for g in seen.groups)

    def is_healthy(self, seen: Observed, name: str) -> bool:
        service = seen.backend_service
        return service is not None and service.health.get(name) == "HEALTHY"

    def make(
        self, draft: Draft, seen: Observed, places: Collection[Place], after: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        zones = sorted({zone for zone, _ in places})
        after = ("reserve-address", *after)
        keys = list(self._groups(draft, seen, zones, after))
        name = self.blueprint.master
        if seen.health_check is None:
            check = CreateHealthCheck(name=name)
            keys.append(draft.add("create-health-check", check, after=after))
        groups = tuple((zone, self._group(zone)) for zone in zones)
        if seen.backend_service is None:
            service = CreateBackendService(name=name, health_check=name, groups=groups)
            keys.append(draft.add("create-backend-service", service, after=(*after, *keys)))
        elif not set(groups) <= set(seen.backend_service.groups):
            every = tuple(sorted({*groups, *seen.backend_service.groups}))
            step = SetBackends(name=name, groups=every)
            keys.append(draft.add("set-backends", step, after=tuple(keys)))
        return tuple(keys)

    def join(self, draft: Draft, place: Place, after: tuple[str, ...]) -> str:
        zone, name = place
        step = JoinGroup(group=self._group(zone), zone=zone, replica=name)
        return draft.add(f"join-group/{name}", step, after=after)

    def leave(
        self, draft: Draft, seen: Observed, place: Place, *, drain: bool, after: tuple[str, ...]
    ) -> tuple[str, ...]:
        zone, name = place
        if not self.stands(seen, place):
            return ()
        step = LeaveGroup(group=self._group(zone), zone=zone, replica=name, drain=drain)
        return (draft.add(f"leave-group/{name}", step, after=after),)

    def fit(
        self,
        draft: Draft,
        seen: Observed,
        places: Collection[Place],
        joining: Collection[Place],
        after: tuple[str, ...],
    ) -> tuple[str, ...]:
        made = self._groups(draft, seen, sorted({zone for zone, _ in joining}), after)
        after = self._fit_service(draft, seen, places, (*after, *made))
        for place in joining:
            self.join(draft, place, after)
        for group in seen.groups:
            if group.zone not in {zone for zone, _ in places}:
                drop = DeleteGroup(name=group.name, zone=group.zone)
                draft.add(f"delete-group/{group.zone}", drop, after=after)
        return after

    def delete(self, draft: Draft, seen: Observed, after: tuple[str, ...]) -> None:
        if seen.backend_service is not None:
            service = DeleteBackendService(name=seen.backend_service.name)
            after = (*after, draft.add("delete-backend-service", service, after=after))
        if seen.health_check is not None:
            check = DeleteHealthCheck(name=seen.health_check.name)
            draft.add("delete-health-check", check, after=after)
        for group in seen.groups:
            step = DeleteGroup(name=group.name, zone=group.zone)
            draft.add(f"delete-group/{group.zone}", step, after=after)

    def _group(self, zone: str) -> str:
        return names.group(self.blueprint.prefix, zone)

    def _groups(
        self, draft: Draft, seen: Observed, zones: list[str], after: tuple[str, ...]
    ) -> tuple[str, ...]:
        planned = {p.step.zone for p in draft.steps if isinstance(p.step, CreateGroup)}
        have = {g.zone for g in seen.groups} | planned
        return tuple(
            draft.add(
                f"create-group/{zone}",
                CreateGroup(name=self._group(zone), zone=zone),
                after=after,
            )
            for zone in zones
            if zone not in have
        )

    def _fit_service(
        self, draft: Draft, seen: Observed, places: Collection[Place], after: tuple[str, ...]
    ) -> tuple[str, ...]:
        made = {p.step.zone for p in draft.steps if isinstance(p.step, CreateGroup)}
        have = {g.zone for g in seen.groups} | made
        zones = sorted({zone for zone, _ in places} & have)
        wanted = tuple((zone, self._group(zone)) for zone in zones)
        service = seen.backend_service
        if service is None or set(service.groups) == set(wanted):
            return after
        step = SetBackends(name=service.name, groups=wanted)
        return (draft.add("set-backends", step, after=after),)
