"""What a verb gets to work with: who we are, the ports, the notebook, the request."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from hakube_gce.agent.notebook import Memory, Notebook, Phase
from hakube_gce.agent.ports import PEER_PORT, Ports
from hakube_gce.agent.protocol import SCHEMA, Request, failed, text_field

CONFIG_KEY = "hakube-config"
CERTIFICATES_KEY = "hakube-certificates"
REQUEST_KEY = "hakube-request"

Result = dict[str, object]
"""What a verb answers with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """The part of ``hakube-config`` that the agent acts upon."""

    uid: str
    """Of the cluster."""
    replica: str
    """Name of this VM, of its etcd member, and in its certificates."""
    nonce: str
    readiness_port: int = 0
    """Where to say in plain HTTP whether this master can serve; 0: nowhere."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which VM this is."""

    instance_id: str
    boot_id: str
    address: str
    """Own internal IP."""

    @property
    def peer_url(self) -> str:
        """Where the other members reach this one's etcd."""
        return f"https://{self.address}:{PEER_PORT}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Master:
    """One replica: what stays the same over all its jobs."""

    identity: Identity
    config: Config
    ports: Ports
    notebook: Notebook

    @property
    def memory(self) -> Memory:
        """What the notebook says now."""
        return self.notebook.memory

    def enter(self, phase: Phase, detail: str = "") -> None:
        """Move on to a phase."""
        self.notebook.keep(replace(self.memory, phase=phase, detail=detail))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One request being carried out."""

    master: Master
    request: Request
    attributes: Mapping[str, str]
    """The instance's metadata as it was when the request was read."""
    progress: Callable[[str], None]
    """Says something to the operator while the job goes on."""

    def text(self, key: str) -> str:
        """Return a text argument.

        Raises:
            RequestError: It is missing or no text.
        """
        try:
            return text_field(self.request.args, key)
        except ValueError as error:
            raise failed(f"{self.request.verb}: argument {error}") from error


def parse_config(text: str) -> Config:
    """Read ``hakube-config``.

    Raises:
        ValueError: It is not a configuration of this schema.
    """
    found = json.loads(text)
    if not isinstance(found, dict) or found.get("schema") != SCHEMA:
        msg = f"{CONFIG_KEY} is not a configuration of schema {SCHEMA}"
        raise ValueError(msg)
    return Config(
        uid=text_field(found, "uid"),
        replica=text_field(found, "replica"),
        nonce=text_field(found, "nonce"),
        readiness_port=_port(found.get("readiness_port", 0)),
    )


def _port(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= 65535:
        msg = f"{CONFIG_KEY}: {value!r} is no port"
        raise ValueError(msg)
    return value
