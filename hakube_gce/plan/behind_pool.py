"""Masters in a regional target pool, as kube-up had them, with a legacy health check. Pure.

A pool takes VMs of several zones directly, and no other kind of check. It keeps the name of a VM
that was deleted, and a new one of that name is in it at once.
"""

from collections.abc import Collection
from dataclasses import dataclass

from hakube_gce.balancer_steps import (
    CreateHttpCheck,
    CreatePool,
    DeleteHttpCheck,
    DeletePool,
    JoinPool,
    LeavePool,
)
from hakube_gce.model import Observed
from hakube_gce.plan.backends import Place
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Draft


@dataclass(frozen=True, slots=True)
class Pool:
    """`Backends` of one cluster: pool and health check are named alike."""

    blueprint: Blueprint

    def exist(self, seen: Observed) -> bool:
        return seen.pool is not None

    def stands(self, seen: Observed, place: Place) -> bool:
        return seen.pool is not None and place in seen.pool.members

    def is_healthy(self, seen: Observed, name: str) -> bool:
        return seen.pool is not None and seen.pool.health.get(name) == "HEALTHY"

    def make(
        self,
        draft: Draft,
        seen: Observed,
        places: Collection[Place],  # noqa: ARG002 - a pool has no zones
        after: tuple[str, ...] = (),
    ) -> tuple[str, ...]:
        keys: tuple[str, ...] = ()
        name, after = self.blueprint.master, ("reserve-address", *after)
        if seen.http_check is None:
            check = CreateHttpCheck(name=name)
            keys = (draft.add("create-http-check", check, after=after),)
        if seen.pool is None:
            pool = CreatePool(name=name, http_check=name)
            keys = (*keys, draft.add("create-pool", pool, after=(*after, *keys)))
        return keys

    def join(self, draft: Draft, place: Place, after: tuple[str, ...]) -> str:
        zone, name = place
        step = JoinPool(pool=self.blueprint.master, zone=zone, replica=name)
        return draft.add(f"join-pool/{name}", step, after=after)

    def leave(
        self, draft: Draft, seen: Observed, place: Place, *, drain: bool, after: tuple[str, ...]
    ) -> tuple[str, ...]:
        zone, name = place
        if not self.stands(seen, place):
            return ()
        step = LeavePool(pool=self.blueprint.master, zone=zone, replica=name, drain=drain)
        return (draft.add(f"leave-pool/{name}", step, after=after),)

    def fit(
        self,
        draft: Draft,
        seen: Observed,
        places: Collection[Place],
        joining: Collection[Place],
        after: tuple[str, ...],
    ) -> tuple[str, ...]:
        for place in joining:
            self.join(draft, place, after)
        strangers = [] if seen.pool is None else [p for p in seen.pool.members if p not in places]
        left = [
            self.leave(draft, seen, place, drain=False, after=after)
            for place in strangers
            if f"leave-pool/{place[1]}" not in draft.keys
        ]
        return (*after, *(key for keys in left for key in keys))

    def delete(self, draft: Draft, seen: Observed, after: tuple[str, ...]) -> None:
        if seen.pool is not None:
            pool = DeletePool(name=seen.pool.name)
            after = (*after, draft.add("delete-pool", pool, after=after))
        if seen.http_check is not None:
            check = DeleteHttpCheck(name=seen.http_check.name)
            draft.add("delete-http-check", check, after=after)
