"""Applies an operator's manifest to the cluster's API, as `kubectl apply --server-side` does.

Nothing is downloaded, nothing is deleted, and nobody's field is taken: an object of which somebody
else manages a field is left as it is, and that is said. Kinds that a hollow API server has not are
left out, and that is said, too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from hakube_gce.errors import ClusterSilent, StepFailed
from hakube_gce.manifest import ManifestObject, group_path, path_of
from hakube_gce.ports import Clock

_APPLY = "application/apply-patch+yaml"
_QUERY = "fieldManager=hakube&fieldValidation=Warn"
_TRIES = 15
"""Seconds that a kind may take to be known after its definition was applied."""
_SHOWN = 200


class Wire(Protocol):
    """Port to the API: one request, as its admin."""

    def request(
        self, method: str, path: str, body: bytes = b"", *, content_type: str = ""
    ) -> tuple[int, bytes]: ...


@dataclass(slots=True, kw_only=True)
class Applied:
    """What became of a manifest."""

    done: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """In part somebody else's."""
    unknown: list[str] = field(default_factory=list)
    """Of kinds that the hollow API server has not."""

    def lines(self) -> tuple[str, ...]:
        """Say it."""
        said = [f"applied {len(self.done)} objects of HAKUBE_CNI_MANIFEST"]
        if self.left:
            said.append(f"left as they are, for others manage fields of them: {_some(self.left)}")
        if self.unknown:
            said.append(
                f"not applied, for the hollow API server has no such kinds: {_some(self.unknown)}"
            )
        return tuple(said)


def apply_manifest(wire: Wire, manifest: Sequence[ManifestObject], *, clock: Clock) -> Applied:
    """Apply every object, in order; applying them again changes nothing.

    Raises:
        ClusterSilent: The API does not answer.
        StepFailed: It refused an object, or knows no such kind.
    """
    found = Applied()
    hollow = _is_hollow(wire)
    for thing in manifest:
        path = _place(wire, thing, clock, hollow=hollow)
        if path is None:
            found.unknown.append(str(thing))
        elif _apply(wire, thing, path):
            found.done.append(str(thing))
        else:
            found.left.append(str(thing))
    return found


def _is_hollow(wire: Wire) -> bool:
    status, body = wire.request("GET", "/version")
    return status == 200 and bool(_read(body).get("hollow"))


def _place(wire: Wire, thing: ManifestObject, clock: Clock, *, hollow: bool) -> str | None:
    """Find where an object goes.

    A kind that a definition in the same manifest makes is known a moment later.
    """
    for _ in range(1 if hollow else _TRIES):
        status, body = wire.request("GET", group_path(thing.api_version))
        if status >= 500:
            raise ClusterSilent(f"the API answers {status} when asked for {thing.api_version}")
        path = path_of(thing, _read(body).get("resources") or ()) if status == 200 else None
        if path is not None or hollow:
            return path
        clock.sleep(1.0)
    raise StepFailed(
        f"the API server knows no {thing.kind} of {thing.api_version}, which HAKUBE_CNI_MANIFEST "
        "holds",
        hint="look whether the manifest is for this version of Kubernetes; what stands before it "
        "in the manifest is applied",
    )


def _apply(wire: Wire, thing: ManifestObject, path: str) -> bool:
    """Apply an object; False when it is somebody else's in part."""
    content = json.dumps(thing.body).encode()
    status, body = wire.request("PATCH", f"{path}?{_QUERY}", content, content_type=_APPLY)
    if status in {200, 201}:
        return True
    if status == 409:
        return False
    # an API server's message may quote what it could not read
    message = str(_read(body).get("message", ""))[:_SHOWN] if thing.kind != "Secret" else "-"
    raise StepFailed(
        f"the API server refused {thing} of HAKUBE_CNI_MANIFEST with {status}: {message!a}",
        hint="the cluster serves; mend the manifest, then run what is printed below",
    )


def _read(body: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")
