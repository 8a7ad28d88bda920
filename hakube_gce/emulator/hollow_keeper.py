"""Keeps Node objects as the lab's VMs are: what kubelets and a cloud controller do elsewhere.

Each hollow API server does it, with its own etcd: whichever lives, nodes are told right, and a
master that goes takes none along. They may do it at once, since each write is a transaction and
all of them are told the same. The lab is asked through the VM's metadata server, which answers
when something changed.
"""

import http.client
import json
import threading
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from hakube_gce.emulator.hollow_registry import Registry
from hakube_gce.emulator.hollow_store import StoreUnavailable

NODES_PATH: Final = "/hakube/v1/nodes"
"""Where a lab's metadata server tells it; Google's has no such path."""
_ANEW_S: Final = 10
"""How often all is compared though nothing changed: etcd may have been restored meanwhile."""
_TIMEOUT_S: Final = 30.0
_PAUSE_S: Final = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """What the lab said."""

    etag: str
    vms: list[dict[str, Any]]


Ask = Callable[[str], Roster]
"""Return the roster once it is another than the one of an etag, or after a while."""


def ask_metadata_server(host: str) -> Ask:
    """Return what asks a metadata server.

    Args:
        host: Its host and port.
    """

    def ask(etag: str) -> Roster:
        wait = f"?wait_for_change=true&timeout_sec={_ANEW_S}&last_etag={etag}" if etag else ""
        with closing(http.client.HTTPConnection(host, timeout=_TIMEOUT_S)) as wire:
            wire.request("GET", NODES_PATH + wait, headers={"Metadata-Flavor": "Google"})
            answer = wire.getresponse()
            body = answer.read()
        if answer.status != http.HTTPStatus.OK:
            msg = f"the metadata server says {answer.status}: {body!r}"
            raise ValueError(msg)
        return Roster(etag=answer.headers["ETag"], vms=json.loads(body))

    return ask


def keep_nodes(ask: Ask, registry: Registry, stopped: threading.Event) -> None:
    """Keep Node objects until stopped; what cannot be asked or written now is tried again."""
    etag = ""
    while not stopped.is_set():
        try:
            roster = ask(etag)
            registry.keep_nodes(roster.vms)
            etag = roster.etag
        except (OSError, http.client.HTTPException, ValueError, StoreUnavailable):
            etag = ""
            stopped.wait(_PAUSE_S)
