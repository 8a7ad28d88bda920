"""What a forwarding rule can lead to, as the verbs see it. Pure.

A backend service over instance groups and a target pool are two ways to stand behind a rule. Here
is what both can be asked for; how each of them does it stands in a module of its own, and no verb
knows which one a cluster has.
"""

from collections.abc import Collection
from typing import Protocol

from hakube_gce.model import Observed
from hakube_gce.plan.graph import Draft

Place = tuple[str, str]
"""(zone, replica name)."""


class Backends(Protocol):
    """Those who stand behind the cluster's rule."""

    def exist(self, seen: Observed) -> bool:
        """Tell whether there is what a rule can lead to."""
        ...

    def stands(self, seen: Observed, place: Place) -> bool:
        """Tell whether a replica is among them."""
        ...

    def is_healthy(self, seen: Observed, name: str) -> bool:
        """Tell whether Compute Engine's probes find a replica healthy; never without a rule."""
        ...

    def make(
        self, draft: Draft, seen: Observed, places: Collection[Place], after: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        """Plan what is missing for these replicas to join; give the keys joining comes after."""
        ...

    def join(self, draft: Draft, place: Place, after: tuple[str, ...]) -> str:
        """Plan that a replica is among them; give the step's key."""
        ...

    def leave(
        self, draft: Draft, seen: Observed, place: Place, *, drain: bool, after: tuple[str, ...]
    ) -> tuple[str, ...]:
        """Plan that a replica is not among them any more; give the steps' keys."""
        ...

    def fit(
        self,
        draft: Draft,
        seen: Observed,
        places: Collection[Place],
        joining: Collection[Place],
        after: tuple[str, ...],
    ) -> tuple[str, ...]:
        """Plan room for these replicas alone, and that those who are joining are among them.

        Returns:
            The keys after which nobody else is served.
        """
        ...

    def delete(self, draft: Draft, seen: Observed, after: tuple[str, ...]) -> None:
        """Plan that nothing of it is left: the users of each part before the part."""
        ...
