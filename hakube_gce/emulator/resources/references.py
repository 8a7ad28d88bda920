"""Which network a request means: what subnetworks, routes, firewalls and instances all ask."""

from hakube_gce.emulator.calls import Call
from hakube_gce.emulator.links import link, resolve
from hakube_gce.emulator.refusals import invalid
from hakube_gce.emulator.world import World


def find_network(world: World, call: Call, reference: object, field: str) -> str:
    """Return the network a request means; none given means ``default``.

    Raises:
        Refusal: 400 when it does not exist [K].
    """
    path = resolve(reference or "global/networks/default", call, field)
    if world.store.get(path) is None:
        raise invalid(field, link(path), "The referenced network resource cannot be found.")
    world.settled(path)
    return path
