"""Answers nodes that ask to join: looks for them, signs, and puts certificates where they look.

Every answer is harmless to repeat, and two that answer at once give a node two good certificates,
the later of which stays: no lock is needed. Whom to believe is `node_requests`'.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from hakube_gce import node_requests
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import ChannelError, GatewayError, KeysError, ResourceNotFound
from hakube_gce.instance_metadata import InstanceMetadata
from hakube_gce.node_requests import CERTIFICATE_KEY, NodeRequest, Standing
from hakube_gce.pki import Randomness, issue_node
from hakube_gce.ports import Clock, ComputeGateway
from hakube_gce.resources import Instance
from hakube_gce.serial_lines import tail_of

_AT_ONCE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where one cluster's nodes ask."""

    gateway: ComputeGateway
    clock: Clock
    region: str
    prefix: str
    uid: str
    keys: ClusterKeys
    randomness: Randomness
    pools: Callable[[int], Executor] = ThreadPoolExecutor
    """Gives so many hands for nodes side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What became of the nodes in one look at all of them."""

    standings: Mapping[tuple[str, str], Standing]
    """(zone, name) → how it was; who asked has a certificate by now."""
    unreadable: tuple[str, ...] = ()
    """What could not be listed: nodes may ask there, unheard."""

    def named(self, standing: Standing) -> tuple[str, ...]:
        """List nodes by name."""
        return tuple(name for (_, name), s in self.standings.items() if s is standing)


def answer_nodes(door: Door) -> Look:
    """Look at all nodes once, and answer those that ask.

    Raises:
        GatewayError: Compute Engine could not be asked.
        KeysError: A name is too long for a certificate.
    """
    inventory = door.gateway.inventory(door.region)
    found = node_requests.candidates(inventory, prefix=door.prefix, uid=door.uid)
    nodes = _of_groups(door, found)
    now = inventory.server_time
    with door.pools(_AT_ONCE) as pool:
        standings = pool.map(lambda node: _answer_if_there(door, node, now), nodes)
        found_so = {(n.zone, n.name): s for n, s in zip(nodes, standings, strict=True)}
    return Look(standings=found_so, unreadable=inventory.unreadable)


def wait_for_nodes(
    door: Door, *, wait_s: float, poll_s: float, say: Callable[[str], None]
) -> Look:
    """Answer nodes until all were seen and none is without a certificate, or the time is over.

    Returns:
        The last look, in which a node counts as asking when any look found it so.
    """
    deadline = door.clock.monotonic() + wait_s
    asked: set[tuple[str, str]] = set()
    while True:
        look = answer_nodes(door)
        for node, standing in look.standings.items():
            if standing is Standing.ASKS and node not in asked:
                say(f"{node[1]} in {node[0]} has its certificate")
                asked.add(node)
        whole = {n: Standing.ASKS if n in asked else s for n, s in look.standings.items()}
        over = Standing.SILENT not in whole.values() and not look.unreadable
        if over or door.clock.monotonic() >= deadline:
            return Look(standings=whole, unreadable=look.unreadable)
        door.clock.sleep(poll_s)


def answering(door: Door, say: Callable[[str], None]) -> Callable[[], None]:
    """Give what answers all that ask, once, at every call: for who waits for something else.

    A cloud that cannot be asked is said and no reason to stop waiting.
    """

    def answer() -> None:
        try:
            look = answer_nodes(door)
        except (GatewayError, ChannelError, KeysError) as error:
            say(f"nodes that ask to join were not answered: {error.message}")
            return
        for node, standing in look.standings.items():
            if standing is Standing.ASKS:
                say(f"{node[1]} in {node[0]} has its certificate")

    return answer


def _of_groups(door: Door, nodes: Sequence[Instance]) -> tuple[Instance, ...]:
    """Leave out VMs that no group of Compute Engine's knows: anybody can name and label one."""
    groups = {node_requests.group_of(node) for node in nodes}
    members = {group: set(door.gateway.nodes.members(*group)) for group in sorted(groups)}
    return tuple(n for n in nodes if n.name in members[node_requests.group_of(n)])


def _answer_if_there(door: Door, node: Instance, now: datetime) -> Standing:
    """Answer a node; one that Compute Engine took away meanwhile keeps nobody else waiting."""
    try:
        return _answer(door, node, now)
    except (ResourceNotFound, ChannelError):
        return Standing.SILENT


def _answer(door: Door, node: Instance, now: datetime) -> Standing:
    authority = door.keys.cluster.certificate
    request: NodeRequest | None = None
    if node_requests.needs_listening(node, authority=authority, now=now):
        lines = tail_of(door.gateway, node)
        request = node_requests.newest_request(lines, instance_id=node.id)
    found = node_requests.standing(node, request, now=now)
    if found is Standing.ASKS and request is not None:
        certificate = issue_node(
            door.keys, request.pem, node.name, now=now, randomness=door.randomness
        )
        metadata = InstanceMetadata(door.gateway, door.randomness)
        metadata.write(node, {CERTIFICATE_KEY: certificate})
    return found
