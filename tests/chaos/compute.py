"""The emulated Compute Engine, asked as gcloud would: for disasters that no command makes."""

import http.client
import json
import threading
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.labs import Lab

PROJECT = "hakube-lab"
GONE_WITHIN_S = 30.0
LOOK_EVERY_S = 0.1


class StillThere(Exception):
    """What was deleted did not go."""


def delete_machines(lab: Lab, names: set[str]) -> None:
    """Delete VMs; data disks are not deleted with them."""
    _delete(lab, "instances", names)


def delete_data_disks(lab: Lab, names: set[str]) -> None:
    """Delete the data disks of masters whose VMs are gone."""
    _delete(lab, "disks", {f"{name}-pd" for name in names})


def _delete(lab: Lab, kind: str, names: set[str]) -> None:
    endpoint = str(lab.hakube("emulator", "status")["compute_endpoint"])
    for thing in _list(endpoint, kind):
        if thing["name"] in names:
            _call(endpoint, "DELETE", urlsplit(thing["selfLink"]).path)
    for _ in range(int(GONE_WITHIN_S / LOOK_EVERY_S)):
        if not names & {thing["name"] for thing in _list(endpoint, kind)}:
            return
        threading.Event().wait(LOOK_EVERY_S)
    raise StillThere(f"{kind}: some of {', '.join(sorted(names))}")


def _list(endpoint: str, kind: str) -> list[dict[str, Any]]:
    path = f"/compute/v1/projects/{PROJECT}/aggregated/{kind}?maxResults=500"
    scopes = _call(endpoint, "GET", path)["items"]
    return [thing for scope in scopes.values() for thing in scope.get(kind, [])]


def _call(endpoint: str, method: str, path: str) -> dict[str, Any]:
    where = urlsplit(endpoint)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        found: dict[str, Any] = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status != 200:
        raise OSError(f"{method} {path}: {answer.status} {found}")
    return found
