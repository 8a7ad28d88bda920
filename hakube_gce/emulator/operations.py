"""Operations: what stands for a change until it is done, and how it reads to a client.

Pure values. Who completes them, and when, is the `Lab`'s business.
"""

from dataclasses import dataclass, field, fields

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.links import link

_OPERATOR = "operator@hakube-lab.local"
_SYSTEM = "lab@cloudservices.gserviceaccount.com"


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One accepted change."""

    path: str
    """``projects/P/zones/Z/operations/NAME``, or of a region, or global."""
    id: str
    method: str
    target: str
    target_id: str
    due: float
    """Monotonic seconds; meaningless after a restart, when everything unfinished is due."""
    inserted: str
    """RFC 3339."""
    arguments: Json = field(default_factory=dict)
    request_id: str = ""
    request: str = ""
    """Verb and path of the request, to recognise one id used for two requests."""
    failure: Json | None = None
    """Error fields it will end with, or ended with; None for success."""
    ended: str = ""
    """RFC 3339; empty while it runs."""
    system: bool = False
    """Begun by a managed group, not by a client."""

    @property
    def done(self) -> bool:
        return bool(self.ended)

    @property
    def parent(self) -> str:
        return self.path.rsplit("/", 2)[0]

    def public(self) -> Json:
        """Return the operation as Google shows it."""
        shown: Json = {
            "kind": "compute#operation",
            "id": self.id,
            "name": self.path.rsplit("/", 1)[1],
            "operationType": self.method.partition(".")[2],
            "targetLink": link(self.target),
            "targetId": self.target_id,
            "user": _SYSTEM if self.system else _OPERATOR,
            "status": "DONE" if self.done else "RUNNING",
            "progress": 100 if self.done else 0,
            "insertTime": self.inserted,
            "startTime": self.inserted,
            "selfLink": link(self.path),
        }
        if self.request_id:
            shown["clientOperationId"] = self.request_id
        scope = self.parent.split("/")
        if len(scope) == 4:
            shown[scope[2].removesuffix("s")] = link(self.parent)
        if self.done:
            shown["endTime"] = self.ended
            shown.update(self.failure or {})
        return shown

    def to_json(self) -> Json:
        # Shallow: `dataclasses.asdict` copies all the way down, for all of them with every change.
        return {known.name: getattr(self, known.name) for known in fields(self)}
