"""Draws environments from a seeded generator: our variables, near ones, fit and unfit values."""

import random

from hakube_gce.variables import table
from tests.fakes.hostile_environments import NEITHER, NO, NO_NAMES, YES

_NAMES = tuple(variable.name for variable in table.VARIABLES)
_SWITCHES = tuple(v.name for v in table.VARIABLES if v.kind.says == "true or false")
_MODES = ("KUBE_DELETE_NODES", "KUBE_REPLICATE_EXISTING_MASTER", "KUBE_REPLICA_NAME")
"""What decides between the four verbs: drawn often, however long the table becomes."""
_GOOD = {variable.name: (variable.example, variable.default) for variable in table.VARIABLES}
_NASTY = tuple(text for text in NO_NAMES.values() if len(text) < 1000)
_LETTERS = "ab-_.:/=0\0\n\r\t\x1b\x9b\u202e\u0663\uff11\udcff\U0001f4a5 $`'\"\\*"


def drawn(rng: random.Random) -> tuple[str, dict[str, str]]:
    """Draw a verb (``up`` or ``down``) and the variables somebody set."""
    variables = {}
    for _ in range(rng.choice((1, 1, 2, 2, 3, 5, 12))):
        name = rng.choice(rng.choices((_MODES, _SWITCHES, _NAMES), (3, 2, 5))[0])
        variables[_bent(name, rng)] = _value(name, rng)
    return rng.choice(("up", "down")), variables


def _value(name: str, rng: random.Random) -> str:
    kind = rng.random()
    if kind < 0.3:
        return rng.choice(_GOOD[name])
    if kind < 0.6 and name in _SWITCHES:
        return rng.choice((*YES, *NO, *NEITHER))
    if kind < 0.8:
        return rng.choice(_NASTY)
    if kind < 0.9:
        return _bent(rng.choice(_GOOD[name]), rng)
    return "".join(rng.choice(_LETTERS) for _ in range(rng.randrange(40)))


def _bent(text: str, rng: random.Random) -> str:
    """Leave a text as it is, or let a finger slip."""
    if not text or rng.random() < 0.85:
        return text
    at = rng.randrange(len(text))
    return rng.choice(
        (
            text[:at] + text[at + 1 :],
            text[:at] + rng.choice(_LETTERS) + text[at:],
            text[:at] + text[at].swapcase() + text[at + 1 :],
            text[::-1],
        )
    )
