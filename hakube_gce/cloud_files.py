"""Configuration files for what runs beside the API server on a master: their text. Pure.

The cloud provider's `gce.conf`, and the cluster autoscaler's flags, as the original wrote them.
They come to a master by its metadata, hold no secret, and lie where its agent puts them. Nothing
here runs what reads them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from hakube_gce import names

CLOUD_CONFIG_KEY = "hakube-cloud-config"
AUTOSCALER_KEY = "hakube-autoscaler-flags"
"""Metadata keys under which a master finds them."""

_API = "https://www.googleapis.com/compute/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class CloudFacts:
    """What the cloud provider has to know of a cluster."""

    project: str
    network_project: str
    network: str
    subnetwork: str
    secondary_range: str
    prefix: str
    multizone: bool


def gce_conf(facts: CloudFacts) -> str:
    """Write the cloud provider's configuration; what is empty is left out."""
    node = names.node(facts.prefix)
    said = {
        "project-id": facts.project,
        "network-project-id": facts.network_project,
        "network-name": facts.network,
        "subnetwork-name": facts.subnetwork,
        "secondary-range-name": facts.secondary_range,
        "node-tags": node,
        "node-instance-prefix": node,
        "multizone": "true" if facts.multizone else "",
    }
    lines = [f"{key} = {value}" for key, value in said.items() if value]
    return "\n".join(["[global]", *lines, ""])


def autoscaler_flags(
    groups: Sequence[str], *, project: str, zone: str, least: int, most: int
) -> str:
    """Write the autoscaler's flags, one for each of a zone's managed groups.

    What is left of each bound is divided by the groups that are left, as the original did.
    """
    lines = []
    for place, group in enumerate(groups):
        low, high = least // (len(groups) - place), most // (len(groups) - place)
        least, most = least - low, most - high
        url = f"{_API}/projects/{project}/zones/{zone}/instanceGroups/{group}"
        lines.append(f"--nodes={low}:{high}:{url}\n")
    return "".join(lines)
