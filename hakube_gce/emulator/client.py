"""Talks to a lab's admin API over loopback. No proxy, no retry."""

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.refusals import EmulatorError, NoSuchMachine


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminClient:
    """One lab's admin API."""

    port: int
    token: str = ""
    timeout_s: float = 30.0

    def ask(
        self,
        verb: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Json | None = None,
    ) -> Json:
        """Send one request and return its answer.

        Raises:
            NoSuchMachine: the lab has no such VM.
            EmulatorError: nobody answers, or the answer is a refusal.
        """
        status, answer = self._exchange(verb, f"/hakube/v1/{path}?{urlencode(query or {})}", body)
        if status == 200:
            return answer
        message = str(answer.get("error", {}).get("message", f"HTTP status {status}"))
        if status == 404:
            raise NoSuchMachine(message, hint="see them with: hakube emulator status")
        raise EmulatorError(message)

    def _exchange(self, verb: str, target: str, body: Json | None) -> tuple[int, Json]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout_s)
        try:
            headers = {"X-Hakube-Token": self.token, "Content-Type": "application/json"}
            text = json.dumps(body) if body is not None else None
            connection.request(verb, target, body=text, headers=headers)
            answer = connection.getresponse()
            found = json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            text = f"no lab answers on 127.0.0.1:{self.port}: {error}"
            raise EmulatorError(text, hint="look at it with: hakube emulator status") from error
        finally:
            connection.close()
        return answer.status, found if isinstance(found, dict) else {}
