"""What kind of place the Compute API at an endpoint is: one of our labs, or the real thing."""

import http.client
import json
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from hakube_gce.perform.context import Limits


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a run's requests go."""

    endpoint: str
    """Base URL; empty for Google's own."""
    runtime: str = ""
    """records or process in a lab; empty elsewhere."""
    latency: str = ""
    api_port: int = 443
    token: str = ""

    @property
    def is_lab(self) -> bool:
        return bool(self.runtime)

    def limits(self, *, ready_s: int | None = None) -> Limits:
        """Give the waits that suit the place: a lab need not be polled politely.

        Args:
            ready_s: How long a new master may take until it is ready, when somebody said.
        """
        limits = self._usual_limits()
        return limits if ready_s is None else replace(limits, ready_s=float(ready_s))

    def _usual_limits(self) -> Limits:
        if not self.is_lab:
            return Limits()
        slow = self.latency not in {"", "none"}
        drain_s = 0.0 if self.runtime == "records" else 1.0
        election_s = 0.0 if self.runtime == "records" else 5.0
        return Limits(
            poll_s=0.5 if slow else 0.05,
            drain_s=drain_s,
            election_s=election_s,
            release_s=0.0,
        )


def ask_place(endpoint: str) -> Place:
    """Find out whether a lab answers at an endpoint; whatever does not say so is none."""
    target = urlsplit(endpoint)
    if target.scheme != "http":
        return Place(endpoint=endpoint)
    connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=5)
    try:
        connection.request("GET", "/hakube/v1/lab")
        answer = connection.getresponse()
        facts = json.load(answer) if answer.status == 200 else {}
        token = Path(facts["home"], "token").read_text(encoding="ascii").strip() if facts else ""
        return Place(
            endpoint=endpoint,
            runtime=str(facts.get("runtime", "")),
            latency=str(facts.get("latency", "")),
            api_port=int(facts.get("api_port", 443)),
            token=token,
        )
    except (OSError, http.client.HTTPException, ValueError, TypeError):
        return Place(endpoint=endpoint)
    finally:
        connection.close()
