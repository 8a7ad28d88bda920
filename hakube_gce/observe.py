"""Look at the cluster once: Compute Engine's lists and the agents' last words. Reads only."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hakube_gce import names
from hakube_gce.model import Observed, Report
from hakube_gce.ports import Channel, ComputeGateway
from hakube_gce.resources import Inventory
from hakube_gce.understand import understand


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigState:
    """What this machine's kubeconfig says of the cluster."""

    present: bool = False
    current: bool = False
    problem: str = ""
    """Why it cannot be written, as far as that can be told without trying."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observer:
    """Looks at one cluster as often as asked."""

    gateway: ComputeGateway
    channel: Channel
    project: str
    prefix: str
    region: str
    kubeconfig: Callable[[Observed], KubeconfigState]
    """Compares this machine's kubeconfig with what was seen of the cluster."""
    meet: Callable[[str], None]
    """Learns the cluster's uid before any agent is believed: whose keys are this machine's?"""

    def observe(self) -> Observed:
        """Look once.

        Raises:
            GatewayError: Compute Engine could not be asked.
        """
        inventory = self.gateway.inventory(self.region)
        self.meet(self._understand(inventory, {}).uid)
        masters = [i for i in inventory.instances if names.is_master(self.prefix, i.name)]
        reports = self.channel.reports(masters) if masters else {}
        seen = self._understand(inventory, reports)
        state = self.kubeconfig(seen)
        return replace(
            seen,
            kubeconfig_present=state.present,
            kubeconfig_current=state.current,
            kubeconfig_problem=state.problem,
        )

    def _understand(self, inventory: Inventory, reports: Mapping[str, Report]) -> Observed:
        return understand(
            inventory, reports, project=self.project, region=self.region, prefix=self.prefix
        )
