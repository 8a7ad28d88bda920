"""Networks and subnetworks: made, grown, and deleted unless somebody else is in them."""

from collections.abc import Callable
from ipaddress import IPv4Network
from typing import assert_never

from hakube_gce.errors import ResourceInUse, TargetNotFound
from hakube_gce.network_steps import (
    CreateNetwork,
    CreateSubnetwork,
    DeleteNetwork,
    DeleteSubnetwork,
    ExpandSubnetwork,
    NetworkStep,
)
from hakube_gce.perform.context import Context

_ASK_AGAIN_S = 5.0


def perform_network_step(context: Context, key: str, step: NetworkStep) -> None:
    """Make a step's statement true."""
    networks = context.gateway.networks
    match step:
        case CreateNetwork(spec=spec):
            networks.insert_network(spec, request_id=context.request_id(key, "insert"))
        case CreateSubnetwork(spec=subnet):
            networks.insert_subnetwork(subnet, request_id=context.request_id(key, "insert"))
        case ExpandSubnetwork():
            _expand(context, key, step)
        case DeleteSubnetwork(name=name, region=region):
            _unless_used(
                context,
                f"subnetwork {name}",
                lambda: networks.delete_subnetwork(
                    region, name, request_id=context.request_id(key, "delete")
                ),
            )
        case DeleteNetwork(name=name):
            _unless_used(
                context,
                f"network {name}",
                lambda: networks.delete_network(
                    name, request_id=context.request_id(key, "delete")
                ),
            )
        case _:
            assert_never(step)


def _expand(context: Context, key: str, step: ExpandSubnetwork) -> None:
    """Grow a range to the wanted size; one that is as large already stays.

    Raises:
        TargetNotFound: The subnetwork is not there.
    """
    found = context.gateway.networks.find_subnetwork(step.region, step.name)
    if found is None:
        raise TargetNotFound(f"subnetwork {step.name} is not in {step.region} any more")
    now = IPv4Network(found.ip_range)
    if now.prefixlen <= step.prefix_length:
        return
    context.gateway.networks.expand_subnetwork(
        step.region,
        step.name,
        ip_range=str(now.supernet(new_prefix=step.prefix_length)),
        request_id=context.request_id(key, "expand"),
    )


def _unless_used(context: Context, what: str, delete: Callable[[], None]) -> None:
    """Delete what nobody else uses: all of ours in it is gone by now, so what is left is not ours.

    Compute Engine has the last word on that. The lists that the plan was made from show one
    region; its refusal names a user wherever it is. How soon it forgets a user that was deleted
    a moment ago is written nowhere, so it is asked again for a while.
    """
    deadline = context.clock.monotonic() + context.limits.release_s
    while True:
        try:
            return delete()
        except ResourceInUse as error:
            if context.clock.monotonic() >= deadline:
                context.tell(f"{what} stays: somebody else uses it. {error.message}")
                return None
        context.clock.sleep(_ASK_AGAIN_S)
