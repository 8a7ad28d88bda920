"""When a cluster counts as ready: validate-cluster, on what Compute Engine says. Pure.

It expects a Node for every master that is there, not for a number in the operator's shell, and
reads Node conditions instead of kubectl's table. Nodes that are not ready may be allowed for; more
nodes than expected are worth a word and no failure (a deleted VM's Node lingers for a while).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A Node object, as far as it matters here."""

    name: str
    ready: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is waited for."""

    nodes: int
    """VMs that should be Nodes."""
    allowed_not_ready: int
    additional_time_s: int
    """How long the rest may take once no more than the allowed ones are missing."""

    @property
    def required(self) -> int:
        return max(0, self.nodes - self.allowed_not_ready)


class Judgement(StrEnum):
    """What one more look came to."""

    READY = "ready"
    ENOUGH = "enough"
    """As many as required, and the rest did not come in the additional time."""
    WAIT = "wait"


def count_ready(nodes: Sequence[NodeState]) -> int:
    """Count the Nodes that say they are ready."""
    return sum(node.ready for node in nodes)


def judge(wanted: Wanted, nodes: Sequence[NodeState], *, enough_for_s: float) -> Judgement:
    """Judge a look at the nodes.

    Args:
        wanted: What is waited for.
        nodes: The Node objects.
        enough_for_s: For how long as many as required have been ready.
    """
    ready = count_ready(nodes)
    if ready >= wanted.nodes:
        return Judgement.READY
    if ready >= wanted.required and enough_for_s >= wanted.additional_time_s:
        return Judgement.ENOUGH
    return Judgement.WAIT


def is_weak(wanted: Wanted, nodes: Sequence[NodeState]) -> bool:
    """Tell whether it ended with nodes that were only allowed to be missing."""
    return count_ready(nodes) < wanted.nodes


def waiting(wanted: Wanted, nodes: Sequence[NodeState]) -> str:
    """Say in the original's words what is waited for."""
    ready = count_ready(nodes)
    return (
        f"Waiting for {wanted.nodes} ready nodes. {ready} ready nodes, {len(nodes)} registered. "
        "Retrying."
    )


def summary(
    wanted: Wanted, nodes: Sequence[NodeState], checks: Sequence[tuple[str, bool]]
) -> tuple[str, ...]:
    """Say in the original's words how it ended."""
    lines = []
    if len(nodes) > wanted.nodes:
        lines.append(
            f"Found {len(nodes)} nodes, {len(nodes) - wanted.nodes} more than there are VMs: of "
            "VMs that are gone, most likely"
        )
    lines += [f"Found {len(nodes)} node(s).", "Validate output:"]
    lines += [f"  {name}: {'ok' if ok else 'FAILED'}" for name, ok in checks]
    weak = is_weak(wanted, nodes)
    lines.append(
        "Cluster validation encountered some problems, but cluster should be in working order"
        if weak
        else "Cluster validation succeeded"
    )
    return tuple(lines)
