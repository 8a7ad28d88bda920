"""What handlers work with: the records, the time, and the few rules that hold for every kind.

The lab's lock is held whenever any of this runs. Nothing here knows HTTP.
"""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, Protocol

from hakube_gce.emulator import holdings
from hakube_gce.emulator.calls import Call, Json
from hakube_gce.emulator.catalog import REGIONS, ZONES
from hakube_gce.emulator.links import link, region_of, zone_of
from hakube_gce.emulator.operations import Operation
from hakube_gce.emulator.refusals import (
    NAME_PATTERN,
    Refusal,
    already_exists,
    invalid,
    not_found,
    not_ready,
    required,
    stale,
)
from hakube_gce.emulator.runtime import Runtime
from hakube_gce.emulator.store import Store

LIMITS: Final[Mapping[str, float]] = MappingProxyType(
    {
        "CPUS": 500,
        "DISKS_TOTAL_GB": 8192,
        "FORWARDING_RULES": 15,
        "INSTANCES": 72,
        "IN_USE_ADDRESSES": 69,
        "STATIC_ADDRESSES": 8,
    }
)
"""Quotas of each region in each project; [K] figures of a young project."""

_ADDRESSES = 2000
"""Internal and external addresses of a lab are the runtime's first 2000."""
_LETTERS = "0123456789abcdefghijklmnopqrstuvwxyz"
_LABEL_KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
_LABEL_VALUE = re.compile(r"[a-z0-9_-]{0,63}", re.ASCII)


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


@dataclass(slots=True, kw_only=True)
class World:
    """The lab as handlers see it."""

    store: Store
    clock: Clock
    runtime: Runtime
    health: Callable[[str, str], bool]
    """(backend service or target pool, instance) → healthy, as last probed."""
    propagation_s: float = 0.0
    """How long a new forwarding rule leads nowhere after its operation is done."""
    limits: Mapping[str, float] = field(default_factory=lambda: LIMITS)
    unreachable: frozenset[str] = frozenset()
    """Scopes that a fault has cut off, e.g. ``zones/europe-west1-b``."""
    propagating: dict[str, float] = field(default_factory=dict)
    """Forwarding rule → monotonic moment from which it leads somewhere."""
    alarms: dict[str, float] = field(default_factory=dict)
    """Managed group → monotonic moment at which it goes on making its instances."""
    seed: str = ""
    """What the lab's chance is drawn from."""

    # ------------------------------------------------------------------------------- records
    def timestamp(self) -> str:
        return self.clock.now().isoformat(timespec="milliseconds")

    def create(self, path: str, kind: str, fields: Mapping[str, object]) -> Json:
        """Put a new record with what every resource has.

        Raises:
            Refusal: the name is malformed (400) or taken (409).
        """
        name = path.rsplit("/", 1)[1]
        if not re.fullmatch(NAME_PATTERN, name, re.ASCII):
            why = f"Must be a match of regex '{NAME_PATTERN}'"
            raise invalid("resource.name", name, why)
        if self.store.get(path) is not None:
            raise already_exists(path)
        record = {
            "kind": kind,
            "id": self.new_id(),
            "creationTimestamp": self.timestamp(),
            "name": name,
            **fields,
            **_place(path),
            "selfLink": link(path),
        }
        self.store.put(path, {key: value for key, value in record.items() if value is not None})
        return self.store.records[path]

    def limit(self, metric: str) -> float:
        """Return a quota: what the lab was told, else what every project begins with."""
        return self.store.counters.get(f"limit:{metric}", self.limits[metric])

    def new_id(self) -> str:
        return str(self.store.count("id", start=4_100_000_000_000_000_001))

    def random_name(self, length: int) -> str:
        """Return lower-case letters and digits by chance: another lab gets others."""
        drawn = f"{self.seed} {self.store.count('chance')}".encode()
        number = int.from_bytes(hashlib.sha256(drawn).digest())
        return "".join(_LETTERS[number // 36**place % 36] for place in range(length))

    def named(self, call: Call, collection: str) -> str:
        """Return the path an insert request's body asks for."""
        name = call.body.get("name")
        if not isinstance(name, str) or not name:
            raise required("resource.name")
        return f"{call.parent}/{collection}/{name}"

    def need(self, path: str) -> Json:
        """Return a record.

        Raises:
            Refusal: 404.
        """
        record = self.store.get(path)
        if record is None:
            raise not_found(path)
        return record

    def settled(self, path: str) -> Json:
        """Return a record that may be changed or referred to now.

        Raises:
            Refusal: 404; 400 resourceNotReady while it is being made or deleted [K].
        """
        record = self.need(path)
        if self.pending(path, "insert") or self.pending(path, "delete"):
            raise not_ready(path)
        return record

    def pending(self, path: str, kind: str = "") -> bool:
        """Tell whether an unfinished operation (of a kind) is about this resource."""
        return any(
            operation.failure is None and operation.method.endswith(f".{kind}" if kind else "")
            for operation in self.store.unfinished_about(path)
        )

    def unfinished(self) -> Iterable[Operation]:
        return list(self.store.unfinished.values())

    # ----------------------------------------------------------------------------- addresses
    def free_internal_ip(self) -> str:
        return self._free("internal", self.runtime.internal_ip, holdings.internal)

    def free_external_ip(self) -> str:
        return self._free("external", self.runtime.external_ip, holdings.external)

    def is_internal(self, address: str) -> bool:
        """Tell whether the lab could give this address to a VM."""
        return any(self.runtime.internal_ip(n) == address for n in range(_ADDRESSES))

    def _free(
        self, counter: str, address_of: Callable[[int], str], holding: Callable[[str], str]
    ) -> str:
        # Round and round rather than lowest first: an address just given up is not reused at once.
        for _ in range(_ADDRESSES):
            address = address_of(self.store.count(counter) % _ADDRESSES)
            if not self.store.holders(holding(address)):
                return address
        raise Refusal(503, "backendError", f"the lab has no free {counter} address left")


def nat_ips(instance: Json) -> list[str]:
    """Return the external addresses an instance's access configs carry."""
    return [
        config["natIP"]
        for interface in instance["networkInterfaces"]
        for config in interface.get("accessConfigs", [])
        if config.get("natIP")
    ]


def _place(path: str) -> Json:
    project = "/".join(path.split("/")[:2])
    place: Json = {}
    if zone := zone_of(path):
        place["zone"] = link(f"{project}/zones/{zone}")
    if region := region_of(path):
        place["region"] = link(f"{project}/regions/{region}")
    return place


def check_place(call: Call) -> None:
    """Refuse a zone or region that does not exist.

    Raises:
        Refusal: 400 invalid [K].
    """
    for kind, known in (("zone", ZONES), ("region", REGIONS)):
        name = call.parameters.get(kind)
        if name is not None and name not in known:
            raise invalid(kind, name, f"Unknown {kind}.")


def public(record: Json) -> Json:
    """Return a record without what only the lab keeps about it."""
    return {key: value for key, value in record.items() if not key.startswith("@")}


def fingerprint(value: object) -> str:
    """Return a hash of contents, as Google hands out for optimistic locking.

    Of the contents alone: writing the same contents again gives the same fingerprint [K].
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return base64.b64encode(hashlib.sha256(text.encode()).digest()[:8]).decode()


def check_fingerprint(given: object, current: str, what: str) -> None:
    """Refuse a write that does not build on the current contents.

    Raises:
        Refusal: 412 conditionNotMet; a missing fingerprint is a stale one [K].
    """
    if given != current:
        raise stale(what)


def check_labels(labels: object, field_name: str = "resource.labels") -> dict[str, str]:
    """Return labels that Google would take.

    Raises:
        Refusal: 400 invalid.
    """
    if labels is None:
        return {}
    if not isinstance(labels, dict) or len(labels) > 64:
        raise invalid(field_name, labels, "At most 64 labels are allowed.")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or not _LABEL_VALUE.fullmatch(str(value)):
            why = "Label keys and values hold lower-case letters, digits, '_' and '-' only."
            raise invalid(field_name, f"{key}={value}", why)
    return dict(labels)
