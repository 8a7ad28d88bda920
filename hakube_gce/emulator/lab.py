"""One lab: its records, its runtime, its time, and the order in which things happen to them.

A request is judged and carried out under one lock; waiting for an operation gives the lock up. A
change is in the file before it is answered, and the runtime is told what became true after that.
Requests come from `server`, time from an injected clock.
"""

import json
import secrets
import threading
import uuid
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hakube_gce.emulator import health as probing
from hakube_gce.emulator import managed, traffic
from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.faults import Fault, Faults
from hakube_gce.emulator.handlers import Change, Read, Route
from hakube_gce.emulator.health import Health
from hakube_gce.emulator.latency import Latency
from hakube_gce.emulator.listing import unreachable_scope
from hakube_gce.emulator.machines import Machines
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import OperationFailed, Refusal, invalid
from hakube_gce.emulator.resources.networks import ensure_default
from hakube_gce.emulator.resources.operations import find as find_operation
from hakube_gce.emulator.routes import BY_METHOD, find
from hakube_gce.emulator.runtime import Route as TrafficRoute
from hakube_gce.emulator.runtime import Runtime
from hakube_gce.emulator.state_file import StateFile
from hakube_gce.emulator.store import Store
from hakube_gce.emulator.world import LIMITS, Clock, World

_WAIT_S = 120.0
"""How long ``operations.wait`` holds a request at most, as Google's documentation says."""
_CALLS_KEPT = 10_000
_WITH_METADATA = frozenset(
    {"instances.insert", "instances.setMetadata", "instanceTemplates.insert"}
)
"""Methods whose bodies hold metadata: what it says is not kept."""
STATE_FILE = "state.json"


class AnswerLost(Exception):
    """A scripted fault: the connection ends without an answer."""


class Lab:
    """A small Compute Engine, without its HTTP server."""

    def __init__(
        self,
        *,
        runtime: Runtime,
        clock: Clock,
        latency: Latency,
        home: Path | None = None,
        lab_id: str = "",
        limits: Mapping[str, float] = LIMITS,
    ) -> None:
        """Open a lab; with a ``home`` folder it goes on where it was left."""
        self.runtime, self.clock, self.latency, self.home = runtime, clock, latency, home
        self.id = lab_id or secrets.token_hex(8)
        self.faults, self.health = Faults(), Health()
        self.calls: deque[Json] = deque(maxlen=_CALLS_KEPT)
        self.changed = threading.Condition()
        self.closing = False
        self._owed = False
        """Something is done and could not be kept yet."""
        self._machines = Machines(runtime)
        self._file = StateFile(home / STATE_FILE) if home else None
        self.world = World(
            store=self._file.load() if self._file else Store(),
            clock=clock,
            runtime=runtime,
            health=self.health.healthy,
            propagation_s=latency.propagation_s,
            limits=limits,
            seed=self.id,
        )
        # Ids that no earlier lab gave: an agent's disk may outlive the lab that made it.
        self.world.store.counters.setdefault("id", 10**18 + secrets.randbits(59))

    # ---------------------------------------------------------------------------------- life
    def resume(self) -> None:
        """Finish what was under way when the lab was left, and boot what was running."""
        with self.changed:
            self._complete([operation.path for operation in self.world.unfinished()])
            self.commit()

    def close(self) -> None:
        """Let go of every waiting request, and end everything that runs. Records stay."""
        with self.changed:
            self.closing = True  # first: a request that was held is not to be carried out any more
            self.faults.clear()
            self.changed.notify_all()
            self.runtime.close()

    # ------------------------------------------------------------------------------ requests
    def answer(self, verb: str, path: str, query: Mapping[str, str], body: Json) -> Json:
        """Carry out one request to the Compute API.

        Raises:
            Refusal: Google's error JSON for it.
            AnswerLost: a fault ate the answer.
        """
        route, call = find(verb, path, query, body)
        if isinstance(route, Change):
            self.calls.append(_recorded(path, call))
        fault = self.faults.take(call)
        self._suffer(fault)
        self._refuse_unreachable(call)
        if route.method.endswith("Operations.wait"):
            self._hold(call)
        with self.changed:
            answer = self._carry_out(route, call, fault, f"{verb} {path}")
        if fault.drop == "after":
            raise AnswerLost
        return answer

    def _suffer(self, fault: Fault) -> None:
        if fault.delay_s:
            self.clock.sleep(fault.delay_s)
        if fault.hold:
            self.faults.await_clear(fault)
        if fault.drop == "before":
            raise AnswerLost
        refusal = fault.refusal()
        if refusal:
            raise refusal

    def _refuse_unreachable(self, call: Call) -> None:
        scopes = self.faults.unreachable()
        if call.scope in scopes:
            raise unreachable_scope(call.scope)
        with self.changed:
            self.world.unreachable = scopes

    def _carry_out(self, route: Route, call: Call, fault: Fault, request: str) -> Json:
        if self.closing:
            raise Refusal(503, "backendError", "The emulator is shutting down.")
        self.tick()
        if not call.method.startswith("images."):  # Google's image projects are nobody's
            ensure_default(self.world, call.project)
        match route:
            case Read():
                if route.method.endswith(".getHealth"):
                    self.refresh_traffic()
                return route.answer(self.world, call)
            case Change():
                return self._change(route, call, fault, request)

    def _hold(self, call: Call) -> None:
        deadline = self.clock.monotonic() + _WAIT_S
        with self.changed:
            while not self.closing:
                self.tick()
                operation = self.world.store.operations[find_operation(self.world, call)]
                now = self.clock.monotonic()
                if operation.done or now >= deadline:
                    return
                self.changed.wait(max(0.0, min(deadline, operation.due) - now))

    # ------------------------------------------------------------------------------- changes
    def _change(self, route: Change, call: Call, fault: Fault, request: str) -> Json:
        request_id = _request_id(call)
        earlier = self._earlier(call.project, request_id)
        if earlier is not None:
            return _repeated(earlier, request).public()
        before, failure = self.world.store.snapshot(), None
        try:
            accepted = self._accept(route, call, fault)
            target_id = str((self.world.store.get(accepted.target) or {}).get("id", "0"))
        except OperationFailed as error:
            self.world.store.restore(before)
            accepted, target_id = Accepted(target=_target(route, call)), self.world.new_id()
            failure = error.fields()
        except BaseException:  # a refusal, or a bug: either way nothing has happened
            self.world.store.restore(before)
            raise
        operation = replace(
            self._operation(call.method, call.parent, accepted.target, target_id),
            arguments=accepted.arguments,
            failure=failure,
            request_id=request_id,
            request=request,
        )
        self.world.store.put_operation(operation)
        self.commit()
        return operation.public()

    def _accept(self, route: Change, call: Call, fault: Fault) -> Accepted:
        accepted = route.accept(self.world, call)
        failure = fault.failure()
        if failure:
            raise failure
        return accepted

    def _operation(self, method: str, parent: str, target: str, target_id: str) -> Operation:
        number = self.world.store.count("operation")
        milliseconds = int(self.clock.now().timestamp() * 1000)
        return Operation(
            path=f"{parent}/operations/operation-{milliseconds}-{number:08x}",
            id=self.world.new_id(),
            method=method,
            target=target,
            target_id=target_id,
            due=self.clock.monotonic() + self.latency.of(method),
            inserted=self.world.timestamp(),
        )

    def _begin(self, method: str, instance: str) -> None:
        """Note an operation that a managed group begins about one of its instances."""
        target_id = str(self.world.need(instance)["id"])
        parent = instance.rsplit("/", 2)[0]
        operation = self._operation(method, parent, instance, target_id)
        self.world.store.put_operation(replace(operation, system=True))

    def _earlier(self, project: str, request_id: str) -> Operation | None:
        head = f"projects/{project}/"
        found = (
            operation
            for operation in self.world.store.operations.values()
            if request_id
            and operation.request_id == request_id
            and operation.path.startswith(head)
        )
        return next(found, None)

    # ---------------------------------------------------------------------------------- time
    def tick(self) -> None:
        """Complete what is due, unless the lab is closing. The lock must be held."""
        if self.closing:
            return
        now = self.clock.monotonic()
        due = sorted((o for o in self.world.unfinished() if o.due <= now), key=lambda o: o.due)
        spread = [rule for rule, moment in self.world.propagating.items() if moment <= now]
        for rule in spread:
            del self.world.propagating[rule]
        rung = [path for path, moment in self.world.alarms.items() if moment <= now]
        for path in rung:
            del self.world.alarms[path]
        self._complete([operation.path for operation in due])
        self._owed = self._owed or bool(due or spread or rung)
        if self._owed:
            self.commit()

    def next_due(self) -> float | None:
        """Return the monotonic moment at which something is due next. The lock must be held."""
        moments = [o.due for o in self.world.unfinished()]
        later = [*self.world.propagating.values(), *self.world.alarms.values()]
        return min([*moments, *later], default=None)

    def _complete(self, paths: list[str]) -> None:
        for path in paths:
            operation = replace(self.world.store.operations[path], ended=self.world.timestamp())
            self.world.store.put_operation(operation)
            route = BY_METHOD[operation.method]
            if isinstance(route, Change) and route.complete and operation.failure is None:
                route.complete(self.world, operation)

    def commit(self) -> None:
        """Keep what changed, and let it come true. The lock must be held."""
        managed.tend(self.world, self._begin, lambda call: self.faults.take(call).failure())
        self.world.store.forget_old_operations()
        if self._file:
            self._file.save(self.world.store)
        self._machines.settle(self.world.store, self._routes)
        self._owed = False
        self.changed.notify_all()

    def is_on(self, record: Json) -> bool:
        """Tell whether an instance's machine is powered on."""
        return self._machines.is_on(record)

    # ------------------------------------------------------------------------------- traffic
    def refresh_traffic(self) -> None:
        """Lead traffic as health is now. The lock must be held."""
        self._machines.lead(self._routes())

    def _routes(self) -> list[TrafficRoute]:
        if self.computes_health:
            self.health.ask(self.runtime, probing.targets(self.world))
        return traffic.routes(self.world)

    @property
    def computes_health(self) -> bool:
        """Whether the runtime can say at any moment who serves, without being probed."""
        return self.runtime.name == "records"


def _request_id(call: Call) -> str:
    text = call.query.get("requestId", "")
    if not text:
        return ""
    try:
        parsed = uuid.UUID(text)
    except ValueError as error:
        raise invalid("requestId", text, "Must be a UUID.") from error
    if parsed.int == 0:
        raise invalid("requestId", text, "The zero UUID is not allowed.")
    return str(parsed)


def _repeated(earlier: Operation, request: str) -> Operation:
    """Return the operation of a request's first sending.

    Raises:
        Refusal: 400 when the id was another request's; what Google does then is not known [K].
    """
    if earlier.request != request:
        why = f"This id was used for another request: {earlier.request}."
        raise invalid("requestId", earlier.request_id, why)
    return earlier


def _target(route: Change, call: Call) -> str:
    path = route.template.format(**call.parameters)
    return f"{path}/{call.body.get('name')}" if call.method.endswith(".insert") else path


def _recorded(path: str, call: Call) -> Json:
    """Return a mutating request for the record, with lengths instead of metadata values."""
    body = json.loads(json.dumps(call.body))
    for holder in (body, body.get("metadata", {}), body.get("properties", {}).get("metadata", {})):
        if isinstance(holder, dict) and call.method in _WITH_METADATA:
            for item in holder.get("items") or []:
                item["value"] = len(str(item.get("value", "")))
    return {"method": call.method, "path": path, "query": dict(call.query), "body": body}
