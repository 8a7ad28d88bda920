"""Keeps managed groups as they are wished: makes instances that are missing, removes the rest.

Like the rest of the lab declarative: after every change the groups are compared with what there
is. So an instance that was deleted behind a group's back is made again under its old name, and so
is one that went down [K]. Making is done some at a time, so that a group of a thousand holds
nobody up, and tried again after a while when a quota or the zone does not allow it.
"""

from collections.abc import Callable
from typing import Final

from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.links import link, short, zone_of
from hakube_gce.emulator.refusals import OperationFailed, Refusal
from hakube_gce.emulator.resources import instance_templates, instances
from hakube_gce.emulator.resources.managers import (
    ATTEMPTS,
    FAILURE,
    KIND,
    LEAVING,
    NAMES,
    group_of,
    instance_path,
    project_number,
)
from hakube_gce.emulator.traffic import MEMBERS, members
from hakube_gce.emulator.world import World

_AT_ONCE: Final = 25
_BREATH_S: Final = 0.05
"""Between two portions: whoever waits for the lab's lock gets it, and makes none himself."""
_RETRY_S: Final = 5.0
_NAME_LETTERS: Final = 4
_ATTEMPTS_KEPT: Final = 20

Begin = Callable[[str, str], None]
"""Note an operation of a method about an instance, begun by the system."""
Refuse = Callable[[Call], OperationFailed | None]
"""Tell what scripted trouble a request of the system meets."""


def tend(world: World, begin: Begin, refuse: Refuse) -> None:
    """Bring every managed group nearer to what it is to be."""
    for path, _ in list(world.store.of_kind(KIND)):
        if not world.pending(path, "insert") and not world.pending(path, "delete"):
            _Tending(world, path, begin, refuse).tend()


class _Tending:
    """One group, tended once."""

    def __init__(self, world: World, path: str, begin: Begin, refuse: Refuse) -> None:
        self._world, self._path, self._begin, self._refuse = world, path, begin, refuse

    @property
    def _record(self) -> Json:
        return self._world.need(self._path)

    def tend(self) -> None:
        self._forget_the_gone()
        self._size_up()
        self._size_down()
        self._remove_the_fallen()
        self._make_missing()

    def _forget_the_gone(self) -> None:
        leaving = self._record[LEAVING]
        left = [name for name in leaving if self._instance(name) is not None]
        if left != leaving:
            self._change(**{LEAVING: left})

    def _size_up(self) -> None:
        record = self._record
        names, used = list(record[NAMES]), {*record[NAMES], *record[LEAVING]}
        while len(names) < record["targetSize"]:
            suffix = self._world.random_name(_NAME_LETTERS)
            name = f"{record['baseInstanceName']}-{suffix}"
            if name not in used and self._instance(name) is None:
                names.append(name)
                used.add(name)
        if len(names) != len(record[NAMES]):
            self._change(**{NAMES: names})

    def _size_down(self) -> None:
        record = self._record
        surplus = len(record[NAMES]) - record["targetSize"]
        if surplus <= 0:
            return
        # Those that do not run go first, then the youngest; which ones Google takes is not known.
        ranked = sorted(
            enumerate(record[NAMES]), key=lambda entry: (self._runs(entry[1]), -entry[0])
        )
        victims = {name for _, name in ranked[:surplus]}
        stay = [name for name in record[NAMES] if name not in victims]
        self._change(**{NAMES: stay, LEAVING: [*record[LEAVING], *sorted(victims)]})
        for name in sorted(victims):
            self._begin_removal(name)

    def _runs(self, name: str) -> bool:
        return (self._instance(name) or {}).get("status") == "RUNNING"

    def _remove_the_fallen(self) -> None:
        for name in self._record[NAMES]:
            if (self._instance(name) or {}).get("status") == "TERMINATED":
                self._begin_removal(name)

    def _begin_removal(self, name: str) -> None:
        path = instance_path(self._path, name)
        if self._instance(name) is not None and not self._world.pending(path, "delete"):
            self._world.store.change(path, status="STOPPING")
            self._begin("instances.delete", path)

    def _make_missing(self) -> None:
        missing = [name for name in self._record[NAMES] if self._instance(name) is None]
        if not missing:
            self._world.alarms.pop(self._path, None)
            return
        now = self._world.clock.monotonic()
        if self._world.alarms.get(self._path, now) > now and not self._record.get(FAILURE):
            return  # the next portion's time has not come
        failure, made = None, []
        for name in missing[:_AT_ONCE]:
            failure = self._make(name)
            if failure is not None:
                self._keep_attempt(name, failure)
                break
            made.append(instance_path(self._path, name))
        self._join(made)
        self._note(failure)
        if failure is not None or len(made) < len(missing):
            pause_s = _RETRY_S if failure is not None else _BREATH_S
            self._world.alarms[self._path] = now + pause_s
        else:
            self._world.alarms.pop(self._path, None)

    def _make(self, name: str) -> Json | None:
        """Begin an instance; return why not, if it cannot be."""
        call = self._insert_call(name)
        before = self._world.store.snapshot()
        try:
            trouble = self._refuse(call)
            if trouble is not None:
                raise trouble
            instances.insert(self._world, call)
        except OperationFailed as error:
            self._world.store.restore(before)
            return {"code": error.code, "message": error.message}
        except Refusal as error:
            self._world.store.restore(before)
            return {"code": error.reason, "message": error.message}
        self._begin("instances.insert", instance_path(self._path, name))
        return None

    def _insert_call(self, name: str) -> Call:
        record, project = self._record, self._path.split("/")[1]
        template, zone = short(record["instanceTemplate"]), zone_of(self._path)
        owner = f"projects/{project_number(project)}/"
        added = {
            "created-by": owner + self._path.split("/", 2)[2],
            "instance-template": owner + template.split("/", 2)[2],
        }
        body = instance_templates.instance_body(
            self._world.need(template), zone=zone, name=name, added_metadata=added
        )
        parameters = {"project": project, "zone": zone}
        return Call(method="instances.insert", parameters=parameters, body=body)

    def _join(self, made: list[str]) -> None:
        if not made:
            return
        group, interface = group_of(self._path), self._first_interface(made[0])
        present = [*members(self._world, group), *made]
        self._world.store.change(group, **{MEMBERS: present}, **interface)

    def _first_interface(self, path: str) -> Json:
        interface = self._world.need(path)["networkInterfaces"][0]
        return {key: interface.get(key) for key in ("network", "subnetwork")}

    def _keep_attempt(self, name: str, failure: Json) -> None:
        details = {
            "action": "CREATING",
            "instance": link(instance_path(self._path, name)),
            "version": {"instanceTemplate": self._record["instanceTemplate"]},
        }
        at = self._world.timestamp()
        attempt = {"error": failure, "instanceActionDetails": details, "timestamp": at}
        kept = [*self._record.get(ATTEMPTS, []), attempt][-_ATTEMPTS_KEPT:]
        self._change(**{ATTEMPTS: kept})

    def _note(self, failure: Json | None) -> None:
        if self._record.get(FAILURE) != failure:
            self._change(**{FAILURE: failure})

    def _instance(self, name: str) -> Json | None:
        return self._world.store.get(instance_path(self._path, name))

    def _change(self, **fields: object) -> None:
        self._world.store.change(self._path, **fields)
