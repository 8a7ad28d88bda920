"""What the agent keeps on the boot disk: phase, highest epoch, last answers, how etcd started.

Every change is on the disk before it is acted upon, so that a power cut at any moment leaves a
state from which `boot` goes on. Secrets are not kept here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from hakube_gce.agent.ports import EtcdLaunch, Storage
from hakube_gce.agent.protocol import SCHEMA, Fields

STATE_FILE = "state.json"
ANSWERS_KEPT = 32


class Phase(StrEnum):
    """How far this replica has come."""

    BOOTING = "booting"
    WAITING = "waiting-for-certificates"
    INSTALLED = "installed"
    """Keys and certificates in place, etcd not started: a joiner waiting to be admitted."""
    RUNNING = "running"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """Everything that must survive a power cut."""

    instance_id: str
    phase: Phase = Phase.BOOTING
    detail: str = ""
    """Why the phase is failed, for people."""
    epoch: int = 0
    """Highest lock epoch obeyed."""
    answers: Mapping[str, Fields] = field(default_factory=dict)
    """Request id → the answer's own fields (verb, ok, result or error), oldest first."""
    certified: bool = False
    """Certificates and shared keys are in place."""
    certificates_expire: str = ""
    peers: tuple[str, ...] = ()
    """Peer URLs a joiner proves its way to and asks for the membership."""
    launch: EtcdLaunch | None = None
    """How etcd was started, once it was."""
    recovering: str = ""
    """Folder of the data as it was, while a recovery is under way."""
    etcd_served: bool = False
    """This member has been part of a working cluster: its data may never be missing again."""

    def with_answer(self, request_id: str, answer: Fields) -> "Memory":
        """Return the memory with one answer more; the oldest beyond the limit are forgotten."""
        kept = {**self.answers, request_id: answer}
        for oldest in list(kept)[:-ANSWERS_KEPT]:
            del kept[oldest]
        return replace(self, answers=kept)


class Notebook:
    """The memory and its file."""

    def __init__(self, storage: Storage, instance_id: str) -> None:
        """Read what is there; a state written by another VM counts for its epoch only."""
        self._storage = storage
        self._memory = _recollect(storage.read(STATE_FILE), instance_id)

    @property
    def memory(self) -> Memory:
        """Return the memory as it is now, frozen: safe to read from any thread."""
        return self._memory

    def keep(self, memory: Memory) -> None:
        """Write a new memory, to the disk first."""
        if memory == self._memory:
            return
        content = {"schema": SCHEMA, **asdict(memory)}
        self._storage.write(STATE_FILE, json.dumps(content, indent=1).encode())
        self._memory = memory


def _recollect(content: bytes | None, instance_id: str) -> Memory:
    if content is None:
        return Memory(instance_id=instance_id)
    found: dict[str, Any] = json.loads(content)
    if found["instance_id"] != instance_id:
        return Memory(instance_id=instance_id, epoch=found["epoch"])
    launch = found["launch"]
    return Memory(
        instance_id=instance_id,
        phase=Phase(found["phase"]),
        detail=found["detail"],
        epoch=found["epoch"],
        answers=found["answers"],
        certified=found["certified"],
        certificates_expire=found["certificates_expire"],
        peers=tuple(found["peers"]),
        launch=None if launch is None else EtcdLaunch(**launch),
        recovering=found.get("recovering", ""),
        etcd_served=found["etcd_served"],
    )
