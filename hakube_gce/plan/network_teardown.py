"""A cluster's network goes with it: if the cluster made it, and nobody else is in it. Pure.

After everything in it, and before the address, which carries the mark's uid: a run that is cut
short knows its network by that alone.
"""

from hakube_gce.model import Observed
from hakube_gce.network_steps import DeleteNetwork, DeleteSubnetwork
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.graph import Draft


def delete_networks(draft: Draft, blueprint: Blueprint, seen: Observed) -> tuple[str, ...]:
    """Plan that no network of ours is left; give what is to be said of those that stay.

    A subnetwork that we put into somebody else's network always goes, as firewall rules do: like
    them it is of no use to anybody but the cluster.
    """
    stay = {name: why for name in seen.networks.ours if (why := _stays(blueprint, seen, name))}
    before = draft.keys
    subnets = tuple(
        draft.add(
            f"delete-subnetwork/{subnet.name}",
            DeleteSubnetwork(name=subnet.name, region=blueprint.region),
            after=before,
        )
        for subnet in seen.networks.subnetworks
        if subnet.name in seen.networks.our_subnetworks and subnet.network not in stay
    )
    for name in seen.networks.ours:
        if name not in stay:
            step = DeleteNetwork(name=name)
            draft.add(f"delete-network/{name}", step, after=(*before, *subnets))
    return (*stay.values(), *_not_ours(blueprint, seen))


def _not_ours(blueprint: Blueprint, seen: Observed) -> tuple[str, ...]:
    name, found = blueprint.network, seen.networks
    if found.named(name) is None or name in found.ours or not blueprint.networking.goes(name):
        return ()
    return (f"network {name} stays: this cluster did not make it",)


def _stays(blueprint: Blueprint, seen: Observed, name: str) -> str:
    by_hand = f"`gcloud compute networks delete {name}` deletes it"
    if not blueprint.networking.goes(name):
        return (
            f"network {name} stays, as KUBE_DELETE_NETWORK says, with its subnetworks; {by_hand}"
        )
    guests = seen.networks.guests.get(name, ())
    if guests:
        return (
            f"network {name} stays with its subnetworks: in it are somebody else's "
            f"{', '.join(guests)}; once they are gone, {by_hand}"
        )
    return ""
