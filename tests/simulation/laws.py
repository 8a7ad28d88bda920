"""What must never happen, whatever goes wrong: judged after every change, by other means.

Written from the outside, on the lab's records and etcd's membership, with nothing of the product's
own judgements: whoever checks must not share the mistakes of what is checked. A broken law is
noted with the moment's request; the simulation that owns the world fails.
"""

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hakube_gce.emulator.membership_state import MemberRecord, Replicated
from tests.simulation.messages import Json
from tests.simulation.wire import Request

_MARKER = b"PRIVATE KEY"
_MARKERS = (
    _MARKER.decode(),
    # the same text inside base64, at each of the three places it may have there
    *(
        base64.b64encode(b"x" * shift + _MARKER).decode()[4 if shift else 0 : -4]
        for shift in range(3)
    ),
)
Members = Callable[[], Mapping[str, list[tuple[str, str]]]]


@dataclass(slots=True)
class Laws:
    """Watches one world."""

    serves: Callable[[str], bool]
    members: Members
    records: Mapping[str, Json] = field(default_factory=dict)
    unmoved: bool = False
    """The cluster IP is always balanced: it may never be gone, whatever anybody notes."""
    foreign: Mapping[str, Json] = field(default_factory=dict)
    """What stood there before anything of ours did."""
    broken: list[str] = field(default_factory=list)
    checks: int = 0
    _served: dict[str, bool] = field(default_factory=dict)
    """Cluster IP → whether it has served and nobody from outside has disturbed it since."""

    # ---------------------------------------------------------------------------- membership

    def membership_changed(
        self, before: Replicated, after: Replicated, running: frozenset[int]
    ) -> None:
        """Judge one change of etcd's members."""
        self.checks += 1
        old = {m.id: m for m in before.members}
        for member in after.voters():
            was = old.get(member.id)
            if was is None:
                self._break(f"a voter was added that had never been a learner: {_named(member)}")
            elif was.learner and (member.id not in running or not was.name):
                self._break(f"a learner became a voter before it had started: {_named(was)}")
        learners = [m for m in after.members if m.learner]
        if len(learners) > 1:
            self._break(f"{len(learners)} learners at once")
        up = sum(m.id in running for m in after.voters())
        if after.voters() and up < len(after.voters()) // 2 + 1:
            self._break(f"a change of ours lost the quorum: {up} of {len(after.voters())} run")

    # ------------------------------------------------------------------------------ requests

    def before(self, request: Request) -> None:
        """Judge a mutation by what it is about to do."""
        self.checks += 1
        target = request.path.removeprefix("/compute/v1/")
        whose = next((f for f in self.foreign if target == f or target.startswith(f"{f}/")), "")
        if whose:
            self._break(f"{request.method} on somebody else's {whose}")
        text = json.dumps(request.body)
        if any(marker in text for marker in _MARKERS):
            self._break(f"{request.method} carries a private key in the clear")
        if request.method == "instances.delete":
            self._deleting(target)
        if request.method == "addresses.delete":
            self._releasing(target)

    def _deleting(self, target: str) -> None:
        record = self.records.get(target)
        if record is None or "teardown" in self._operations():
            return
        address = record["networkInterfaces"][0]["networkIP"]
        for members in self.members().values():
            if address in [a for a, _ in members]:
                self._break(f"{target} was deleted while etcd lists its member")

    def _releasing(self, target: str) -> None:
        record = self.records.get(target)
        if record is None:
            return
        uid = json.loads(record.get("description") or "{}").get("uid", "")
        left = [p for p, r in self.records.items() if p != target and uid and uid in _marks(r)]
        if left:
            self._break(f"the address was released before {left}")

    def after(self, request: Request, who: str) -> None:
        """Judge the world that a mutation has left."""
        # a list: to look whether it serves lets the lab's time catch up
        for path, record in list(self.records.items()):
            if record["kind"] == "compute#address" and path not in self.foreign:
                self._reachable(record, f"{who}: {request.method}")

    def _reachable(self, record: Json, cause: str) -> None:
        address, labels = record["address"], record.get("labels", {})
        if self.unmoved and "hakube-outage-since" in labels:
            self._break(f"an always balanced cluster IP was to move, after {cause}")
        if self.serves(address):
            self._served[address] = True
        elif self._served.get(address):
            if "hakube-outage-since" not in labels and labels.get("hakube-op") != "teardown":
                self._break(f"the cluster IP is gone and nobody noted an outage, after {cause}")
            self._served[address] = "hakube-outage-since" in labels

    def disturbed(self) -> None:
        """Somebody from outside has cut power: what is unreachable now is not our doing."""
        self._served.clear()

    # ---------------------------------------------------------------------------- at the end

    def check_words(self, said: bytes) -> None:
        """No master has said a private key in the clear."""
        self.checks += 1
        if any(marker.encode() in said for marker in _MARKERS):
            self._break("a private key on a serial port")

    def check_foreign(self, records: Mapping[str, Json]) -> None:
        """Whatever was there before us is there, byte by byte."""
        for path, record in self.foreign.items():
            self.checks += 1
            if json.dumps(records.get(path)) != json.dumps(record):
                self._break(f"somebody else's {path} has changed")

    def check_empty(self, records: Mapping[str, Json]) -> None:
        """Nothing of ours is left."""
        self.checks += 1
        left = [p for p in records if p not in self.foreign]
        if left:
            self._break(f"left over: {left}")

    # ------------------------------------------------------------------------------- innards

    def _operations(self) -> set[str]:
        return {
            r.get("labels", {}).get("hakube-op", "")
            for r in self.records.values()
            if r["kind"] == "compute#address"
        }

    def _break(self, what: str) -> None:
        if what not in self.broken:
            self.broken.append(what)


def _named(member: MemberRecord) -> str:
    return f"{member.name or 'not started'} at {member.peer_url}"


def _marks(record: Json) -> str:
    return json.dumps([record.get("labels", {}), record.get("description", "")])
