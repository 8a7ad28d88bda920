"""Changing single keys of an instance's metadata, which Compute Engine only takes as a whole.

Read, modify, write against the fingerprint; when somebody else wrote in between, read again. Keys
that are not named stay as they are. What the keys mean is no matter here.
"""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from hakube_gce.errors import ChannelError, StaleFingerprint
from hakube_gce.pki import Randomness
from hakube_gce.resources import Instance

_ATTEMPTS = 5


class MetadataGateway(Protocol):
    """The part of `ComputeGateway` that reads and writes metadata."""

    def find_instance(self, zone: str, name: str) -> Instance | None: ...
    def set_metadata(
        self,
        zone: str,
        instance: str,
        *,
        items: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None: ...


class InstanceMetadata:
    """Metadata of instances, key by key."""

    def __init__(self, gateway: MetadataGateway, randomness: Randomness) -> None:
        self._gateway = gateway
        self._randomness = randomness

    def write(self, instance: Instance, entries: Mapping[str, str]) -> Mapping[str, str]:
        """Set some keys; return all that stands there now.

        Args:
            instance: As last seen; its fingerprint may be stale.
            entries: The keys to set.

        Raises:
            StaleFingerprint: Others kept writing, five times in a row.
            ChannelError: The VM is gone or is another one now.
        """
        current = instance
        for _ in range(_ATTEMPTS - 1):
            try:
                return self._write_once(current, entries)
            except StaleFingerprint:
                current = self.read_again(instance)
        return self._write_once(current, entries)

    def read_again(self, instance: Instance) -> Instance:
        """Return the VM as it is now.

        Raises:
            ChannelError: It is gone, or another VM has its name.
        """
        current = self._gateway.find_instance(instance.zone, instance.name)
        if current is None or current.id != instance.id:
            gone = "is gone" if current is None else "was replaced by another VM of its name"
            raise ChannelError(
                f"{instance.name} {gone} while it was being asked",
                replica=instance.name,
                hint="run the same command again: it looks at the cluster anew",
            )
        return current

    def _write_once(self, current: Instance, entries: Mapping[str, str]) -> Mapping[str, str]:
        items = {**current.metadata, **entries}
        self._gateway.set_metadata(
            current.zone,
            current.name,
            items=items,
            fingerprint=current.metadata_fingerprint,
            # drawn anew for each write: the same id with another body would be the old request
            request_id=str(UUID(bytes=self._randomness(16), version=4)),
        )
        return items
