"""What a row of the table is: a variable, how it is read, how far its value goes, and what for.

The table drives parsing, the search for misspelt names, what replicas inherit, `hakube config`
and docs/CONFIGURATION.md. Values only; reading them is `setting_sources`' job.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind

T_co = TypeVar("T_co", covariant=True)


class Reach(StrEnum):
    """How far a variable's value goes."""

    RUN = "this run"
    """Read anew by every command."""
    CLUSTER = "the cluster"
    """Taken when the first master is made, kept in its metadata; replicas get the same."""
    SELECTOR = "which cluster"
    """Tells which cluster is meant: every command about it must say the same."""
    TEMPLATE = "the nodes' template"
    """Taken when the template of nodes is made: nodes in every zone are made from that one."""


class Support(StrEnum):
    """What became of a variable of the original scripts."""

    SAME = "supported"
    DIFFERENT = "supported differently"
    IGNORED = "accepted and ignored"
    REFUSED = "refused"
    OURS = "ours"
    """The original scripts had none of that name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable(Generic[T_co]):
    """One variable of the environment or of .env."""

    name: str
    kind: Kind[T_co]
    default: str = ""
    """As it would be written; empty when there is none, or when it depends on others."""
    default_says: str = ""
    """In words, when the default depends on others."""
    meaning: str = ""
    """What it says, for a reader who has never seen it; empty when it says nothing here."""
    example: str = ""
    reach: Reach = Reach.RUN
    support: Support = Support.SAME
    why: str = ""
    """How it differs from the original's, or why it is ignored or refused: one sentence."""
    pending: str = ""
    """What has to be built before it has an effect: until then it is read, checked and said."""
    decisive: bool = False
    """Decides what is made or destroyed: a misspelling of it stops the run."""
    secret: bool = False
    """Its value is never shown."""
    quiet: bool = False
    """Ignored without a word: other programs use the name for things of their own."""
    aliases: tuple[str, ...] = ()

    @property
    def is_read(self) -> bool:
        return self.support not in {Support.IGNORED, Support.REFUSED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that belong together, for people."""

    title: str
    rows: tuple[Variable[object], ...]


def ignored(name: str, why: str, *, secret: bool = False, quiet: bool = False) -> Variable[str]:
    """Make the row of a variable that is known and means nothing here."""
    return Variable(
        name=name,
        kind=kinds.TEXT,
        support=Support.IGNORED,
        why=why,
        secret=secret,
        quiet=quiet,
    )


def refused(name: str, why: str) -> Variable[str]:
    """Make the row of a variable whose wish is not fulfilled and must not be passed over."""
    return Variable(name=name, kind=kinds.TEXT, support=Support.REFUSED, why=why)
