"""Scripted trouble: a request that fails, hangs, is lost, or a zone that cannot be reached.

A fault is told which requests it means and from which match on it strikes, so that a test says
exactly what goes wrong and when. Nothing here is random.
"""

import difflib
import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.catalog import ZONES
from hakube_gce.emulator.refusals import EmulatorError, OperationFailed, Refusal

FOREVER = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One piece of scripted trouble."""

    id: int = 0
    method: str = "*"
    """Method id; a trailing ``*`` stands for any ending."""
    match: str = ""
    """Text that must occur in the request's method, path, query or body."""
    nth: int = 1
    """The first matching request that is hit."""
    count: int = 1
    """How many matching requests are hit; 0 for all from then on."""
    error: Json = field(default_factory=dict)
    """``{"http": 503, "reason": "backendError", "message": …}``: refused at once."""
    operation_error: Json = field(default_factory=dict)
    """``{"code": …, "http": 503, "message": …}``: accepted, and its operation fails."""
    delay_s: float = 0.0
    hold: bool = False
    """It waits until the faults are taken back, and goes on then."""
    drop: str = ""
    """``before``: the connection ends unheard; ``after``: done, but the answer is lost."""
    unreachable_zone: str = ""
    """A zone that cannot be reached while this fault stands; other fields then mean nothing."""

    def means(self, call: Call) -> bool:
        """Tell whether a request is one of those this fault is about."""
        if self.unreachable_zone:
            return False
        head, star, _ = self.method.partition("*")
        named = call.method.startswith(head) if star else call.method == self.method
        return named and (not self.match or self.match in describe(call))

    def refusal(self) -> Refusal | None:
        if not self.error:
            return None
        reason = self.error.get("reason", "backendError")
        return Refusal(
            int(self.error["http"]), reason, self.error.get("message", "scripted fault")
        )

    def failure(self) -> OperationFailed | None:
        if not self.operation_error:
            return None
        code, status = str(self.operation_error["code"]), int(self.operation_error["http"])
        return OperationFailed(code, status, self.operation_error.get("message", "scripted fault"))


NONE = Fault()


def describe(call: Call) -> str:
    """Return a request as one text to search in."""
    path = "/".join(f"{key}={value}" for key, value in call.parameters.items())
    return f"{call.method} {path} {json.dumps(dict(call.query))} {json.dumps(call.body)}"


def parse(script: Mapping[str, Any], *, methods: Sequence[str] = ()) -> Fault:
    """Return the fault a script describes.

    Args:
        script: Field → value.
        methods: The ids of all methods there are; a fault that means none of them would never
            strike. Empty: not known here.

    Raises:
        EmulatorError: an unknown field, or a value that makes no sense.
    """
    known = set(Fault.__dataclass_fields__) - {"id"}
    problems = [f"unknown field '{name}'" for name in sorted(set(script) - known)]
    problems += [why for field, fits, why in _RULES if field in script and not fits(script[field])]
    if not problems and not any(script.get(field) for field in _EFFECTS):
        problems = [f"it says nothing that goes wrong: {', '.join(_EFFECTS)}"]
    problems += _method_problems(script.get("method", "*"), methods)
    if problems:
        hint = f"a fault is a JSON object with some of: {', '.join(sorted(known))}"
        raise EmulatorError(f"fault not understood: {'; '.join(problems)}", hint=hint)
    return Fault(**script)


def _method_problems(wanted: object, methods: Sequence[str]) -> list[str]:
    if not isinstance(wanted, str) or not methods:
        return []
    head, star, _ = wanted.partition("*")
    if any(m.startswith(head) if star else m == wanted for m in methods):
        return []
    near = difflib.get_close_matches(wanted, methods, n=1)
    return [f"no method is called {wanted!r}" + "".join(f"; did you mean {m}?" for m in near)]


def _is_count(value: object, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _has_status(value: object) -> bool:
    status = value.get("http") if isinstance(value, dict) else None
    return isinstance(status, int) and 400 <= status <= 599


_EFFECTS: Final = ("error", "operation_error", "delay_s", "hold", "drop", "unreachable_zone")
_RULES: Final[Sequence[tuple[str, Callable[[Any], bool], str]]] = (
    ("method", _is_text, "method is a text"),
    ("match", _is_text, "match is a text"),
    ("nth", lambda v: _is_count(v, 1), "nth counts from 1"),
    ("count", lambda v: _is_count(v, 0), "count is 0 (for ever) or more"),
    ("error", _has_status, "error needs http, 400 to 599"),
    (
        "operation_error",
        lambda v: _has_status(v) and _is_text(v.get("code")),
        "operation_error needs code, and http, 400 to 599",
    ),
    (
        "delay_s",
        lambda v: isinstance(v, int | float) and 0 <= v <= 3600,
        "delay_s is a number of seconds",
    ),
    ("hold", lambda v: isinstance(v, bool), "hold is true or false"),
    ("drop", lambda v: v in ("before", "after"), "drop is 'before' or 'after'"),
    ("unreachable_zone", lambda v: v in ZONES, "unreachable_zone is a zone"),
)


class Faults:
    """The faults that stand, and how often each has been met."""

    def __init__(self) -> None:
        self._guard = threading.Condition()
        self._faults: dict[int, Fault] = {}
        self._met: dict[int, int] = {}
        self._last = 0

    def add(self, fault: Fault) -> Fault:
        with self._guard:
            self._last += 1
            self._faults[self._last] = replace(fault, id=self._last)
            self._met[self._last] = 0
            return self._faults[self._last]

    def clear(self) -> None:
        with self._guard:
            self._faults.clear()
            self._met.clear()
            self._guard.notify_all()

    def await_clear(self, fault: Fault) -> None:
        """Return once a fault stands no more."""
        with self._guard:
            self._guard.wait_for(lambda: fault.id not in self._faults)

    def take(self, call: Call) -> Fault:
        """Return the fault that hits a request, or one that does nothing."""
        with self._guard:
            hit = [fault for fault in self._faults.values() if self._strikes(fault, call)]
            return hit[0] if hit else NONE

    def _strikes(self, fault: Fault, call: Call) -> bool:
        if not fault.means(call):
            return False
        self._met[fault.id] += 1
        number = self._met[fault.id] - fault.nth
        return number >= 0 and (fault.count == FOREVER or number < fault.count)

    def unreachable(self) -> frozenset[str]:
        """Return the scopes that are cut off now."""
        with self._guard:
            zones = [fault.unreachable_zone for fault in self._faults.values()]
        return frozenset(f"zones/{zone}" for zone in zones if zone)

    def shown(self) -> list[Json]:
        with self._guard:
            return [{**asdict(f), "met": self._met[f.id]} for f in self._faults.values()]
