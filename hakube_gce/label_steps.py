"""Steps about labels that come only after a resource's birth. Data only, as all of `steps`."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelRule:
    """The rule bears the user's labels, and our mark beside them."""

    name: str
