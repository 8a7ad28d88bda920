"""What a cluster's network is to be, and what of it each machine gets. Pure.

Which network and which subnetwork stands in the `Blueprint` itself; here is how they are made
where they are not there yet, and how pods get their addresses.
"""

from dataclasses import dataclass

PODS, SERVICES = "pods-default", "services-default"
"""The original's names of a subnetwork's secondary ranges."""

CLOUD_ALLOCATOR = "CloudAllocator"


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkBlueprint:
    """Everything about networks that is not observed."""

    project: str = ""
    """The network project, as this run's environment has it; empty: the machines'."""
    custom: bool = False
    """A network that is made has one subnetwork, of ``node_range``, instead of one a region."""
    big: bool = False
    """An automatic subnetwork of ours grows to a /19."""
    delete: bool | None = None
    """Whether a network of ours goes with the cluster; None: unless it is called ``default``."""
    node_range: str = "10.40.0.0/22"
    pod_range: str = "10.64.0.0/14"
    service_range: str = "10.0.0.0/16"
    aliases: bool = False
    """Pods' addresses are alias ranges of their machines, instead of routes."""
    ipam_mode: str = "RangeAllocator"
    alias_size: str = "/24"
    secondary_range: str = ""
    """Empty: the one this program makes."""

    @property
    def pods(self) -> str:
        """Name of the secondary range that alias ranges are taken from."""
        return self.secondary_range or PODS

    @property
    def of_node(self) -> tuple[tuple[str, str], ...]:
        """Alias ranges of a node: (secondary range, size)."""
        return ((self.pods, self.alias_size),) if self.aliases else ()

    @property
    def of_master(self) -> tuple[tuple[str, str], ...]:
        """Alias ranges of a master: only where Compute Engine gives pods their addresses."""
        return self.of_node if self.ipam_mode == CLOUD_ALLOCATOR else ()

    def goes(self, network: str) -> bool:
        """Tell whether a network of ours goes with the cluster."""
        return self.delete if self.delete is not None else network != "default"
