"""What can go wrong with one request, as the gateway meets it.

Each trouble strikes before the request is heard or after it was carried out; operations that fail
after they were accepted are the emulator's own faults.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import requests

from hakube_gce.emulator.lab import AnswerLost
from hakube_gce.emulator.refusals import Refusal
from tests.simulation.process import Killed
from tests.simulation.wire import Request


def _refusal(status: int, reason: str, message: str = "") -> Callable[[], BaseException]:
    return lambda: Refusal(status, reason, message or f"simulated {status} {reason}")


REFUSALS: Mapping[str, Callable[[], BaseException]] = {
    "400 invalid": _refusal(400, "invalid"),
    "401": _refusal(401, "authError", "Request had invalid authentication credentials."),
    "403 forbidden": _refusal(
        403, "forbidden", "Required 'compute.instances.create' permission for 'projects/p'"
    ),
    "403 rate limit": _refusal(403, "rateLimitExceeded"),
    "403 API disabled": _refusal(403, "accessNotConfigured"),
    "403 quota": _refusal(403, "quotaExceeded", "Quota 'CPUS' exceeded.  Limit: 24.0"),
    "404": _refusal(404, "notFound"),
    "409": _refusal(409, "alreadyExists"),
    "412": _refusal(412, "conditionNotMet"),
    "429": _refusal(429, "rateLimitExceeded"),
    "500": _refusal(500, "backendError"),
    "502": _refusal(502, "backendError"),
    "503": _refusal(503, "backendError"),
    "reset before": AnswerLost,
    "timeout": lambda: requests.ReadTimeout("Read timed out."),
}
"""Before the request is heard."""
LOST: Mapping[str, Callable[[], BaseException]] = {
    "reset after": AnswerLost,
    "timeout after": lambda: requests.ReadTimeout("Read timed out."),
}
"""After it was carried out."""
PASSING = ("403 rate limit", "429", "500", "502", "503", "reset before", "timeout", "reset after")
"""What a program must get over by itself."""


def strike(name: str, *, before: bool) -> None:
    """Raise a trouble if it is of this side."""
    make = (REFUSALS if before else LOST).get(name)
    if make is not None:
        raise make()


@dataclass(slots=True)
class Weather:
    """Trouble by chance, now and then; and perhaps a sudden death."""

    rng: random.Random
    rate: float = 0.0
    kinds: tuple[str, ...] = PASSING
    death_at: int = 0
    """The mutation in which the process is killed; 0 for none."""
    struck: list[str] = field(default_factory=list)
    seen: int = 0

    def before(self, request: Request) -> None:
        self.seen += request.changes
        if self._dies(request) and self.rng.random() < 0.5:
            self._die(request)
        if self.rng.random() < self.rate:
            self._strike(self.rng.choice(self.kinds), request, before=True)

    def after(self, request: Request) -> None:
        if self._dies(request):
            self._die(request)
        if self.rng.random() < self.rate / 2:
            self._strike(self.rng.choice(self.kinds), request, before=False)

    def over(self) -> bool:
        return False

    def _dies(self, request: Request) -> bool:
        return bool(self.death_at) and request.changes and self.seen == self.death_at

    def _die(self, request: Request) -> None:
        self.struck.append(f"killed in {request.method}")
        raise Killed

    def _strike(self, name: str, request: Request, *, before: bool) -> None:
        if name in (REFUSALS if before else LOST):
            self.struck.append(f"{name} for {request.method}")
        strike(name, before=before)
