"""The lab's own API, under ``/hakube/v1/``: what people and tests may do beyond Google's.

All but ``GET lab`` asks for the lab's token, which only the lab's owner can read.
"""

import hmac
import os
from collections.abc import Callable, Mapping

from hakube_gce import __version__
from hakube_gce.emulator import faults
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.machines import virtual_machine
from hakube_gce.emulator.refusals import EmulatorError, Refusal, invalid, not_found
from hakube_gce.emulator.resources import instances
from hakube_gce.emulator.routes import BY_METHOD
from hakube_gce.emulator.world import World, nat_ips

_Handler = Callable[[Mapping[str, str], Json], Json]
_Power = Callable[[World, str], None]


class Admin:
    """Answers admin requests about one lab."""

    def __init__(self, lab: Lab, *, port: int, token: str, stop: Callable[[], None]) -> None:
        self._lab, self._port, self._token, self._stop = lab, port, token, stop
        self._routes: Mapping[tuple[str, str], _Handler] = {
            ("GET", "lab"): self._about,
            ("GET", "serving"): self._serving,
            ("GET", "env"): self._environment,
            ("GET", "dump"): self._dump,
            ("GET", "calls"): self._calls,
            ("GET", "faults"): self._faults,
            ("GET", "quotas"): self._quotas,
            ("POST", "quotas"): self._set_quotas,
            ("POST", "faults"): self._add_fault,
            ("DELETE", "faults"): self._clear_faults,
            ("POST", "shutdown"): self._shutdown,
        }

    def answer(
        self, verb: str, path: str, query: Mapping[str, str], body: Json, token: str
    ) -> Json:
        """Carry out one admin request.

        Raises:
            Refusal: 401 wrong token, 404 unknown path or VM, 400 not understood.
        """
        if (verb, path) != ("GET", "lab") and not hmac.compare_digest(
            token.encode(), self._token.encode()
        ):
            raise Refusal(401, "required", "The admin API needs the lab's X-Hakube-Token.")
        handler = self._routes.get((verb, path)) or self._power_handler(verb, path)
        try:
            return handler(query, body)
        except EmulatorError as error:
            raise Refusal(400, "invalid", f"{error.message}; {error.hint}") from error

    # ------------------------------------------------------------------------------- reading
    def _about(self, _query: Mapping[str, str], _body: Json) -> Json:
        lab = self._lab
        with lab.changed:
            lab.tick()
            found = list(lab.world.store.of_kind("compute#instance"))
            machines = [self._machine(path, record) for path, record in sorted(found)]
        return {
            "schema_version": 1,
            "version": __version__,
            "lab_id": lab.id,
            "pid": os.getpid(),
            "home": str(lab.home or ""),
            "runtime": lab.runtime.name,
            "latency": lab.latency.name,
            "compute_endpoint": f"http://127.0.0.1:{self._port}",
            "api_port": lab.runtime.api_port,
            "vms": machines,
        }

    def _machine(self, path: str, record: Json) -> Json:
        runtime = self._lab.runtime
        vm = virtual_machine(self._lab.world.store, path, record)
        on = self._lab.is_on(record)
        environment = runtime.etcd_environment(vm) if on else {}
        return {
            "name": vm.name,
            "zone": vm.zone,
            "project": vm.project,
            "status": record["status"],
            "internal_ip": vm.internal_ip,
            "external_ip": next(iter(nat_ips(record)), ""),
            "pids": list(runtime.pids(vm)) if on else [],
            "etcd_client_url": environment.get("ETCDCTL_ENDPOINTS", ""),
        }

    def _serving(self, query: Mapping[str, str], _body: Json) -> Json:
        with self._lab.changed:
            self._lab.tick()
            self._lab.refresh_traffic()
        address = query.get("address", "")
        try:
            # Asked without the lock: a runtime of real processes dials, which may take its time.
            return {"serving": self._lab.runtime.answers(address)}
        except ValueError as error:
            raise invalid("address", address, str(error)) from error

    def _environment(self, query: Mapping[str, str], _body: Json) -> Json:
        with self._lab.changed:
            path = self._find(query.get("vm", ""), query)
            record = self._lab.world.need(path)
            vm = virtual_machine(self._lab.world.store, path, record)
            on = self._lab.is_on(record)
            return dict(self._lab.runtime.etcd_environment(vm)) if on else {}

    def _dump(self, _query: Mapping[str, str], _body: Json) -> Json:
        with self._lab.changed:
            self._lab.tick()
            store = self._lab.world.store
            operations = {path: o.public() for path, o in store.operations.items()}
            return {"resources": dict(store.records), "operations": operations}

    def _calls(self, _query: Mapping[str, str], _body: Json) -> Json:
        return {"calls": list(self._lab.calls)}

    def _quotas(self, _query: Mapping[str, str], _body: Json) -> Json:
        with self._lab.changed:
            world = self._lab.world
            return {"quotas": {metric: world.limit(metric) for metric in sorted(world.limits)}}

    # ------------------------------------------------------------------------------ changing
    def _set_quotas(self, query: Mapping[str, str], body: Json) -> Json:
        """Set quotas, as if Google had granted a request; what waits for room goes on."""
        with self._lab.changed:
            world = self._lab.world
            for metric, limit in body.items():
                if metric not in world.limits:
                    raise invalid(
                        "metric", metric, f"Known are: {', '.join(sorted(world.limits))}."
                    )
                if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
                    raise invalid(metric, limit, "A quota is a whole number, 0 or more.")
            world.store.counters.update({f"limit:{metric}": n for metric, n in body.items()})
            self._lab.commit()
        return self._quotas(query, body)

    def _faults(self, _query: Mapping[str, str], _body: Json) -> Json:
        return {"faults": self._lab.faults.shown()}

    def _add_fault(self, _query: Mapping[str, str], body: Json) -> Json:
        added = self._lab.faults.add(faults.parse(body, methods=tuple(BY_METHOD)))
        return {"id": added.id}

    def _clear_faults(self, _query: Mapping[str, str], _body: Json) -> Json:
        self._lab.faults.clear()
        return {}

    def _shutdown(self, _query: Mapping[str, str], _body: Json) -> Json:
        self._stop()
        return {}

    def _power_handler(self, verb: str, path: str) -> _Handler:
        parts = path.split("/")
        actions = {
            "kill": instances.lose_power,
            "stop": instances.lose_power,
            "start": instances.gain_power,
            "reset": instances.cycle_power,
        }
        if verb == "POST" and len(parts) == 3 and parts[0] == "vms" and parts[2] in actions:
            return lambda query, _body: self._power(actions[parts[2]], parts[1], query)
        raise not_found(path)

    def _power(self, action: _Power, name: str, query: Mapping[str, str]) -> Json:
        with self._lab.changed:
            self._lab.tick()
            path = self._find(name, query)
            action(self._lab.world, path)
            self._lab.commit()
            return self._machine(path, self._lab.world.need(path))

    def _find(self, name: str, query: Mapping[str, str]) -> str:
        """Return the instance of a name; project and zone narrow it down when several share it."""
        found = [
            path
            for path, record in self._lab.world.store.of_kind("compute#instance")
            if record["name"] == name
            and query.get("project") in (None, "", path.split("/")[1])
            and query.get("zone") in (None, "", path.split("/")[3])
        ]
        if len(found) > 1:
            text = f"several VMs are called '{name}': {', '.join(found)}; name project and zone"
            raise Refusal(400, "invalid", text)
        if not found:
            raise Refusal(404, "notFound", f"the lab has no VM called '{name}'")
        return found[0]
