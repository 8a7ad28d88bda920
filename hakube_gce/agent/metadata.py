"""The VM's metadata server, as a guest asks it: who am I, and what was written for me.

https://cloud.google.com/compute/docs/metadata/querying-metadata. Plain HTTP, as on Compute
Engine: the server is the hypervisor's own and is reached from inside this VM only.
"""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

ROOT = "/computeMetadata/v1/instance"
WAIT_S = 60
"""How long the server holds a request while nothing changes."""
_SLACK_S = 10.0
_MAX_BYTES = 4 << 20


class MetadataError(Exception):
    """The metadata server gave no usable answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """The instance's attributes and the tag of exactly this state of them."""

    values: Mapping[str, str]
    etag: str


class MetadataServer:
    """One VM's metadata server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host = parts.hostname or ""
        self._port = parts.port or 80

    def instance_id(self) -> str:
        """Return the numeric instance id.

        Raises:
            MetadataError: No usable answer.
        """
        body, _ = self._get(f"{ROOT}/id", timeout_s=_SLACK_S)
        return body.decode("ascii", errors="replace").strip()

    def attributes(self, *, after: str = "") -> Attributes:
        """Return the attributes, at once or as soon as they differ from the state ``after``.

        Args:
            after: The tag of the last state seen; empty to be answered at once.

        Raises:
            MetadataError: No usable answer.
        """
        query = {"recursive": "true"}
        if after:
            query |= {"wait_for_change": "true", "last_etag": after, "timeout_sec": str(WAIT_S)}
        path = f"{ROOT}/attributes/?{urlencode(query)}"
        body, etag = self._get(path, timeout_s=WAIT_S + _SLACK_S if after else _SLACK_S)
        try:
            found = json.loads(body)
            values = {str(key): str(value) for key, value in found.items()}
        except (ValueError, AttributeError) as error:
            msg = "the metadata server sent no attributes"
            raise MetadataError(msg) from error
        return Attributes(values=values, etag=etag)

    def _get(self, path: str, *, timeout_s: float) -> tuple[bytes, str]:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=timeout_s)
        try:
            connection.request("GET", path, headers={"Metadata-Flavor": "Google"})
            response = connection.getresponse()
            body = response.read(_MAX_BYTES)
            if response.status != 200:
                msg = f"the metadata server answered {response.status} to {path}"
                raise MetadataError(msg)
            return body, response.getheader("ETag", "")
        except (OSError, http.client.HTTPException) as error:
            msg = f"the metadata server does not answer: {str(error) or type(error).__name__}"
            raise MetadataError(msg) from error
        finally:
            connection.close()
