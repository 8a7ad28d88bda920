"""A forecast in a few lines for people, and as the stable JSON object. Pure."""

from hakube_gce.render import SCHEMA
from hakube_gce.whatif import Event, Forecast

_LOSSES = (Event.LOSE, Event.LOSE_ZONE)


def forecast_lines(found: Forecast) -> tuple[str, ...]:
    """Say the sums, the verdict, what it means, and what to run."""
    lines = [
        f"{found.question}: now {found.now}; then {found.then}",
        f"verdict: {found.before.value} -> {found.after.value}",
        meaning(found),
        *(f"note: {note}" for note in found.notes),
    ]
    if found.next_command:
        lines.append(f"{_when(found)}: {found.next_command}")
    return tuple(lines)


def meaning(found: Forecast) -> str:
    """Say what it means to whoever depends on the cluster."""
    if found.refused is not None:
        return f"it would be refused ({found.refused.reason}): {found.refused.message}."
    if not found.now.voters:
        return "nobody trustworthy answers for etcd now, so nothing can be foretold."
    if found.question.event in _LOSSES and not found.lost:
        return "no master is there, so nothing changes."
    if not found.writable:
        return (
            "etcd stops writing, and the API with it, until a majority of its voters is "
            "back; nothing can be removed or added meanwhile. Pods and services that run go on; "
            "kubectl, new nodes, scaling and replacing pods have to wait."
        )
    served = "clients are served on" if found.endpoint_survives else "nobody answers on"
    spare = tolerates(found)
    left = (
        "the next failure stops writing"
        if spare == 0
        else f"{spare} more {'failure is' if spare == 1 else 'failures are'} tolerated"
    )
    return f"writing goes on and {served} the cluster IP; {left}."


def _when(found: Forecast) -> str:
    if found.refused is not None:
        return "the command that is right"
    if found.question.event not in _LOSSES:
        return "to do it, run"
    if found.writable:
        return "when it has happened, run"
    if found.may_come_back:
        return "before it happens, bring back the masters that are off; next"
    return "before it happens, spread more masters over the zones; next"


def tolerates(found: Forecast) -> int:
    """Count the failures that would still be survived."""
    return max(0, found.then.healthy - found.then.needed) if found.then.voters else 0


def forecast_object(found: Forecast) -> dict[str, object]:
    """Give the forecast as docs/INTERFACE.md has it."""
    return {
        "schema_version": SCHEMA,
        "verb": "whatif",
        "changed": False,
        "exit_status": 0,
        "replica": None,
        "window": None,
        "question": str(found.question),
        "verdict": {"before": found.before.value, "after": found.after.value},
        "voters": found.then.voters,
        "healthy": found.then.healthy,
        "quorum": found.then.needed if found.then.voters else 0,
        "tolerates": tolerates(found),
        "writable": found.writable,
        "endpoint_survives": found.endpoint_survives,
        "lost": list(found.lost),
        "refused": found.refused.reason if found.refused else None,
        "meaning": meaning(found),
        "notes": list(found.notes),
        "next_command": found.next_command or None,
    }
