"""Compute Engine's nouns that a network is made of, as the gateway reads and writes them.

Values only, raw like those in `resources`: no name or mark was looked at. Networks are global,
subnetworks lie in a region; both are in the network project, which may be another one than the
machines'.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A VPC network."""

    name: str
    automatic: bool = False
    """Compute Engine gave it a subnetwork of its own name in every region."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subnetwork:
    """A network's ranges in the region."""

    name: str
    network: str
    """Name of the network."""
    ip_range: str
    secondary: tuple[tuple[str, str], ...] = ()
    """(name of the range, range)."""
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkSpec:
    """A network to create."""

    name: str
    automatic: bool
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubnetworkSpec:
    """A subnetwork to create."""

    name: str
    region: str
    network: str
    ip_range: str
    secondary: tuple[tuple[str, str], ...] = ()
    description: str
