"""`install`: take certificates and shared keys, then start, or wait to be admitted.

A founder starts, a joiner waits. Everything is checked before anything is written, and everything
is written before anything starts. The same job may come again: with new certificates, new peers,
or after a crash half-way.
"""

import base64
import binascii
import json
from dataclasses import dataclass, replace

from hakube_gce.agent import restore
from hakube_gce.agent.disk import claim, data_problem
from hakube_gce.agent.job import CERTIFICATES_KEY, Job, Master, Result
from hakube_gce.agent.keys import AUTHORITIES, AUTHORITY_OF, SHARED, pki
from hakube_gce.agent.life import resume, start_etcd, tend
from hakube_gce.agent.notebook import Phase
from hakube_gce.agent.ports import CryptoError
from hakube_gce.agent.protocol import failed, format_time, parse_time, refused

FOUNDER_TIMEOUT_S = 240.0
"""A real API server takes 6 to 10 s on an empty etcd; a cold, small VM several times that.
Operators wait longer than this."""
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificates:
    """What ``hakube-certificates`` holds."""

    authorities: dict[str, str]
    leaves: dict[str, str]


def install(job: Job) -> Result:
    """Install certificates and keys; start what this replica's role lets it start.

    Raises:
        RequestError: ``refused`` when the data disk is another cluster's or member's; ``failed``
            when certificates, envelope or start do not work.
    """
    master = job.master
    role, peers, restores = _role(job), _peers(job), restore.is_asked_for(job)
    certificates = certificates_in(job.attributes.get(CERTIFICATES_KEY, ""))
    check_leaves(master, certificates)
    keys = _unseal(job, certificates)
    restored = restore.restore(job) if restores else {}
    problem = data_problem(master)
    if problem:
        master.enter(Phase.FAILED, problem)
        raise refused(problem)
    _store(master, certificates, keys)
    claim(master)
    _remember(master, certificates, peers)
    resume(master)
    if role == "founder":
        return {**_found(job, restores=restores), **({"restored": restored} if restored else {})}
    return {"phase": master.memory.phase.value}


def _role(job: Job) -> str:
    role = job.text("role")
    if role not in ("founder", "joiner"):
        raise failed(f"install: role {role!r} is neither founder nor joiner")
    return role


def _peers(job: Job) -> tuple[str, ...]:
    peers = job.request.args.get("peers", [])
    if not isinstance(peers, list) or not all(isinstance(url, str) for url in peers):
        raise failed("install: argument peers is not a list of peer URLs")
    others = tuple(url for url in peers if url != job.master.identity.peer_url)
    role = job.text("role")
    if role == "founder" and others:
        raise refused("a founder has no peers: where members exist already, a newcomer joins them")
    if role == "joiner" and not others:
        raise failed("install: a joiner needs the peer URL of a member")
    return others


def certificates_in(text: str) -> Certificates:
    """Read ``hakube-certificates``.

    Raises:
        RequestError: ``failed``: it is missing or incomplete.
    """
    try:
        found = json.loads(text)
        certificates = Certificates(
            authorities={name: str(found["authorities"][name]) for name in AUTHORITIES},
            leaves={name: str(found["leaves"][name]) for name in AUTHORITY_OF},
        )
    except (ValueError, KeyError, TypeError) as error:
        raise failed(f"{CERTIFICATES_KEY} is missing or incomplete: {error!r}") from error
    return certificates


def check_leaves(master: Master, certificates: Certificates) -> None:
    """Check that each leaf fits its key here and was issued by its authority.

    Raises:
        RequestError: ``failed``: one does not.
    """
    for leaf, authority in AUTHORITY_OF.items():
        problem = master.ports.crypto.leaf_problem(
            leaf, certificates.leaves[leaf], certificates.authorities[authority]
        )
        if problem:
            raise failed(f"certificate {leaf} does not fit: {problem}")


def _unseal(job: Job, certificates: Certificates) -> dict[str, str]:
    """Open the envelope and return the shared keys, by file name."""
    try:
        envelope = base64.b64decode(job.text("sealed"), validate=True)
        found = json.loads(job.master.ports.crypto.unseal(envelope))
        keys = {name: str(found["keys"][name]) for name in SHARED}
        bound = (found["request_id"], found["instance_id"])
        expires = parse_time(found["expires"])
    except (binascii.Error, CryptoError) as error:
        raise failed(f"the envelope does not open: {error}") from error
    except (ValueError, KeyError, TypeError) as error:
        # The error's own text could quote what was inside; only its kind is said.
        raise failed(f"what the envelope holds is not readable ({type(error).__name__})") from None
    if bound != (job.request.id, job.master.identity.instance_id):
        raise refused("the envelope was sealed for another request or another VM")
    now = job.master.ports.clock.now()
    if expires <= now:
        raise refused(f"the envelope expired at {format_time(expires)}, it is {format_time(now)}")
    for authority in AUTHORITIES:
        if keys[f"{authority}-ca.crt"].strip() != certificates.authorities[authority].strip():
            raise refused(
                f"the envelope's {authority} authority is not the one in {CERTIFICATES_KEY}"
            )
    return keys


def _store(master: Master, certificates: Certificates, keys: dict[str, str]) -> None:
    for name, content in keys.items():
        master.ports.root.write(pki(name), content.encode("ascii"))
    for leaf, content in certificates.leaves.items():
        master.ports.root.write(pki(f"{leaf}.crt"), content.encode("ascii"))


def _remember(master: Master, certificates: Certificates, peers: tuple[str, ...]) -> None:
    crypto, memory = master.ports.crypto, master.memory
    earliest = min(crypto.expires(leaf) for leaf in certificates.leaves.values())
    master.notebook.keep(
        replace(
            memory,
            certified=True,
            certificates_expire=format_time(earliest),
            peers=peers,
            phase=Phase.RUNNING if memory.launch else Phase.INSTALLED,
            detail="",
        )
    )


def _found(job: Job, *, restores: bool) -> Result:
    """Start etcd and the API server and wait until both are healthy."""
    master, clock = job.master, job.master.ports.clock
    if master.memory.launch is None:
        start_etcd(master, state="new", others={})
    if restores:
        restore.settle(master)
    deadline = clock.monotonic() + FOUNDER_TIMEOUT_S
    while True:
        tend(master)
        if master.memory.phase is Phase.FAILED:
            raise failed(master.memory.detail)
        if master.memory.etcd_served and master.ports.services.apiserver_ready():
            return {"phase": master.memory.phase.value}
        if clock.monotonic() >= deadline:
            what = "the API server" if master.memory.etcd_served else "etcd"
            raise failed(
                f"{what} was not ready within {FOUNDER_TIMEOUT_S:.0f} s; see the agent's logs"
            )
        clock.sleep(PAUSE_S)
