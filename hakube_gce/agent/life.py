"""What a replica does by itself between requests: start, follow, keep up.

One look at a time and never a wait: `tend` does what can be done now and returns, so that the
caller sets the pace. It changes no membership; it starts etcd only as what the members already
list.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from hakube_gce.agent.disk import data_problem, has_data
from hakube_gce.agent.job import Master
from hakube_gce.agent.notebook import Phase
from hakube_gce.agent.ports import (
    EtcdError,
    EtcdLaunch,
    EtcdState,
    EtcdStatus,
    Member,
    PeerError,
    Role,
)

REMOVED = "the cluster removed this member; the replica can be deleted"


def resume(master: Master) -> None:
    """After a boot or an `install`: start again what ran, wait again where it waited."""
    memory = master.memory
    if not memory.certified or (memory.phase is Phase.FAILED and memory.detail == REMOVED):
        return
    problem = data_problem(master)
    if problem:
        master.enter(Phase.FAILED, problem)
        return
    master.enter(Phase.RUNNING if memory.launch else Phase.INSTALLED)
    if memory.launch:
        _launch(master, memory.launch)
    tend(master)


def tend(master: Master) -> None:
    """Do what is due now."""
    match master.memory.phase:
        case Phase.INSTALLED:
            _follow_membership(master)
        case Phase.RUNNING:
            _keep_up(master)
        case Phase.BOOTING | Phase.WAITING | Phase.FAILED:
            pass


def start_etcd(master: Master, *, state: str, others: Mapping[str, str]) -> None:
    """Start etcd for the first time on this VM and remember how.

    Args:
        master: This replica.
        state: ``new`` for a founder, ``existing`` for everybody else.
        others: The other members' names and peer URLs.
    """
    launch = EtcdLaunch(
        name=master.config.replica,
        token=master.config.uid,
        state=state,
        initial_cluster={**others, master.config.replica: master.identity.peer_url},
    )
    master.notebook.keep(replace(master.memory, phase=Phase.RUNNING, detail="", launch=launch))
    _launch(master, launch)


def _launch(master: Master, launch: EtcdLaunch) -> None:
    master.ports.services.close_reach()
    master.ports.services.start_etcd(launch)


def _follow_membership(master: Master) -> None:
    """As a joiner: start etcd once the members list this replica as a fresh learner."""
    if has_data(master):
        start_etcd(master, state="existing", others={})  # this disk's member comes back
        return
    master.ports.services.open_reach(master.memory.peers)
    for peer_url in master.memory.peers:
        try:
            listed = master.ports.peers.listed(peer_url)
        except PeerError:
            continue
        own = next((m for m in listed if m.peer_url == master.identity.peer_url), None)
        if own is None:
            continue
        problem = _place_problem(own, listed)
        if problem:
            master.enter(Phase.INSTALLED, problem)
            continue
        others = {m.name: m.peer_url for m in listed if m is not own}
        start_etcd(master, state="existing", others=others)
        return


def _place_problem(own: Member, listed: Sequence[Member]) -> str:
    """Say why the listed place is not for an empty data disk."""
    if own.name or own.role is not Role.LEARNER:
        # An empty disk in an old voter's place would be a voter that forgot what it acknowledged.
        return (
            f"member {own.id} at {own.peer_url} has been here before and this disk is empty: "
            "expel it first"
        )
    if any(not m.name for m in listed if m is not own):
        return "another member has not started yet"
    return ""


def _keep_up(master: Master) -> None:
    state = master.ports.services.etcd_state()
    if state is EtcdState.REMOVED:
        master.ports.services.stop_apiserver()
        master.ports.services.stop_etcd()
        master.enter(Phase.FAILED, REMOVED)
        return
    if state is EtcdState.CRASHED and not has_data(master):
        _start_over(master)
        return
    status = _status(master)
    if status is None or status.role is not Role.VOTER:
        return
    if not master.memory.etcd_served and status.leader_id:
        master.notebook.keep(replace(master.memory, etcd_served=True))
    master.ports.services.start_apiserver()


def _start_over(master: Master) -> None:
    """Begin again: etcd did not find its place, so it wrote nothing and voted never.

    The list it was started with was overtaken: a peer's list may be old.
    """
    launch = master.memory.launch
    if master.memory.etcd_served:
        master.ports.services.stop_etcd()
        master.enter(Phase.FAILED, data_problem(master))
    elif launch is not None and launch.state == "existing":
        master.ports.services.stop_etcd()
        master.notebook.keep(replace(master.memory, phase=Phase.INSTALLED, detail="", launch=None))


def _status(master: Master) -> EtcdStatus | None:
    try:
        return master.ports.etcd.status()
    except EtcdError:
        return None
