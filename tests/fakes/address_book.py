"""A Compute Engine that knows only addresses, and refuses what the real one does."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace

from hakube_gce.errors import ResourceConflict, ResourceNotFound, StaleFingerprint
from hakube_gce.resources import Address
from tests.fakes.clock import FakeClock


class AddressBook:
    """Insert, find, compare-and-set labels, delete. Counts every write."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.before_write: Callable[[], None] = lambda: None
        """Called before each write: lets somebody else be quicker."""
        self.writes = 0
        self._addresses: dict[str, Address] = {}
        self._request_ids: set[str] = set()
        self._guard = threading.Lock()

    def server_time(self) -> object:
        return self.clock.now()

    def find_address(self, _region: str, name: str) -> Address | None:
        return self._addresses.get(name)

    def insert_address(
        self, _region: str, name: str, *, description: str, request_id: str
    ) -> None:
        self._once(request_id)
        with self._guard:
            if name in self._addresses:
                raise ResourceConflict(f"address {name} exists")
            self._addresses[name] = Address(
                name=name,
                address="203.0.113.5",
                status="RESERVED",
                description=description,
                label_fingerprint=f"{self.writes}",
            )

    def set_address_labels(
        self,
        _region: str,
        name: str,
        *,
        labels: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None:
        before, self.before_write = self.before_write, lambda: None
        before()
        self._once(request_id)
        with self._guard:
            found = self._addresses.get(name)
            if found is None:
                raise ResourceNotFound(f"no address {name}")
            if found.label_fingerprint != fingerprint:
                raise StaleFingerprint("conditionNotMet")
            self.writes += 1
            self._addresses[name] = replace(
                found, labels=dict(labels), label_fingerprint=f"{self.writes}"
            )

    def delete_address(self, name: str) -> None:
        del self._addresses[name]

    def _once(self, request_id: str) -> None:
        if request_id in self._request_ids:
            msg = f"request id {request_id} was used for another request already"
            raise AssertionError(msg)
        self._request_ids.add(request_id)
