"""What a plan is: steps, each naming the steps it comes after; blockers; notes. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hakube_gce.model import Operation
from hakube_gce.steps import Step


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A step and its place in the graph."""

    key: str
    """Names the step within the operation: request ids and the journal use it."""
    step: Step
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """Why a change must not happen: the rule, the arithmetic, and the command that is right."""

    reason: str
    """CamelCase; a heading of docs/OPERATIONS.md."""
    message: str
    exit_status: int
    next_command: str = ""
    override: str = ""
    """What to set to have it all the same, where that is possible at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run would do, or why it may not. A plan with blockers has no steps."""

    operation: Operation | None = None
    steps: tuple[Planned, ...] = ()
    blockers: tuple[Blocker, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.steps and not self.blockers


def blocked(blockers: Sequence[Blocker], *, notes: Sequence[str] = ()) -> Plan:
    """Make the plan of a change that must not happen."""
    return Plan(blockers=tuple(blockers), notes=tuple(notes))


@dataclass(slots=True)
class Draft:
    """A plan being written: steps are added in an order in which they could run one by one."""

    steps: list[Planned] = field(default_factory=list)

    def add(self, key: str, step: Step, *, after: Iterable[str] = ()) -> str:
        """Add a step and give back its key.

        What it comes after and is not planned is already so.
        """
        planned = {p.key for p in self.steps}
        order = tuple(dict.fromkeys(k for k in after if k in planned))
        self.steps.append(Planned(key=key, step=step, after=order))
        return key

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(p.key for p in self.steps)
