"""One member's JSON gateway, for clients that must know what became of every request.

Over one connection with mutual TLS, made anew when it breaks. What matters here is the difference
between "not sent" and "no answer": only the first is certain never to take effect.
"""

import base64
import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

ATTEMPT_S = 1.5
_LEARNER = "not supported for learner"


class NotDone(Exception):
    """The request certainly never took effect."""


class NoAnswer(Exception):
    """The request may have taken effect, or still may."""


class Gateway:
    """A member's client port."""

    def __init__(self, url: str, context: ssl.SSLContext, *, timeout_s: float = ATTEMPT_S) -> None:
        where = urlsplit(url)
        self._wire = http.client.HTTPSConnection(
            where.hostname or "", where.port, context=context, timeout=timeout_s
        )
        self._revision = "0"
        """What etcd calls the newest."""

    def get(self, key: str, *, stale: bool = False) -> str | None:
        """Read a key: through the quorum; or, a planted defect, as it was one such read ago.

        What a server's cache may give. A member's own lag is too short to be met reliably.
        """
        if not stale:
            return _value(self.ask("kv/range", {"key": encoded(key)}))
        answer = self.ask("kv/range", {"key": encoded(key), "revision": self._revision})
        self._revision = answer["header"]["revision"]
        return _value(answer)

    def put(self, key: str, value: str) -> None:
        self.ask("kv/put", {"key": encoded(key), "value": encoded(value)})

    def swap(self, key: str, expected: str, value: str) -> tuple[bool, str | None]:
        """Compare and swap; returns whether it swapped, and what it found where it did not."""
        answer = self.ask(
            "kv/txn",
            {
                "compare": [
                    {"key": encoded(key), "target": "VALUE", "value": encoded(expected)},
                ],
                "success": [{"requestPut": {"key": encoded(key), "value": encoded(value)}}],
                "failure": [{"requestRange": {"key": encoded(key)}}],
            },
        )
        if answer.get("succeeded"):
            return True, None
        (response,) = answer["responses"]
        return False, _value(response["response_range"])

    def delete(self, key: str) -> None:
        self.ask("kv/deleterange", {"key": encoded(key)})

    def ask(self, path: str, question: Mapping[str, object]) -> dict[str, Any]:
        """Send one request.

        Raises:
            NotDone: It was not sent, or refused without having been tried.
            NoAnswer: Anything else that is no good answer.
        """
        self._connect()
        try:
            self._wire.request("POST", f"/v3/{path}", json.dumps(question).encode())
            answer = self._wire.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.close()
            raise NoAnswer(f"{type(error).__name__}: {error}") from error
        if answer.status != 200:
            said = str(found.get("message") or found.get("error") or found)
            raise (NotDone if _LEARNER in said else NoAnswer)(said)
        return found

    def _connect(self) -> None:
        if self._wire.sock is not None:
            return
        try:
            self._wire.connect()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise NotDone(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        self._wire.close()


def encoded(text: str) -> str:
    """Give a text as the gateway takes it."""
    return base64.b64encode(text.encode()).decode("ascii")


def _value(found: Mapping[str, Any]) -> str | None:
    pairs = found.get("kvs", [])
    return base64.b64decode(pairs[0]["value"]).decode() if pairs else None
