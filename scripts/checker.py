"""The tour's eyes: looks at a cluster from outside, and imports nothing of the program it checks.

It knows what anybody would have: a kubeconfig, what `hakube emulator env` and `status` print, and
process ids. It dials the cluster IP as kubectl would, asks etcd on etcd's own ports and the
emulated Compute Engine as gcloud would, and looks into /proc. What the program says of itself is
compared with this, never believed. Nothing here waits or judges a whole stop: that is the tour's.
"""

from __future__ import annotations

import base64
import http.client
import json
import os
import socket
import ssl
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

TIMEOUT_S = 5.0


# ------------------------------------------------------------------------------------- kubeconfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """A kubeconfig entry, taken apart."""

    host: str
    port: int
    authority: str
    """PEM."""
    certificate: str
    key: str = field(repr=False)


def read_kubeconfig(path: Path, context: str) -> Access:
    """Read one context of a kubeconfig; fails loudly when anything of it is missing."""
    config = yaml.safe_load(path.read_text(encoding="utf-8"))
    entry = _named(config, "contexts", "context", context)
    cluster = _named(config, "clusters", "cluster", entry["cluster"])
    user = _named(config, "users", "user", entry["user"])
    server = urlsplit(cluster["server"])
    return Access(
        host=server.hostname or "",
        port=server.port or 443,
        authority=_decoded(cluster["certificate-authority-data"]),
        certificate=_decoded(user["client-certificate-data"]),
        key=_decoded(user["client-key-data"]),
    )


def has_context(path: Path, context: str) -> bool:
    """Tell whether a kubeconfig names a context anywhere."""
    return path.exists() and context in path.read_text(encoding="utf-8")


def mode(path: Path) -> str:
    """Give a file's permissions as chmod writes them, e.g. ``0600``."""
    return f"{path.stat().st_mode & 0o7777:04o}"


def _named(config: dict[str, Any], kind: str, inner: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(e[inner] for e in config[kind] if e["name"] == name)
    return found


def _decoded(text: str) -> str:
    return base64.b64decode(text, validate=True).decode("ascii")


# --------------------------------------------------------------------------------------------- API


def call_api(
    access: Access, method: str, path: str, body: object = None, *, certificate: bool = True
) -> tuple[int, Any]:
    """Send one request to the cluster IP; returns status and body, parsed where it is JSON.

    Args:
        access: Whom to ask, and as whom.
        method: GET, POST, …
        path: With the leading slash.
        body: Sent as JSON, if any.
        certificate: Show the kubeconfig's client certificate; False asks as nobody.
    """
    context = ssl.create_default_context(cadata=access.authority)
    if certificate:
        _show_certificate(context, access)
    connection = http.client.HTTPSConnection(
        access.host, access.port, context=context, timeout=TIMEOUT_S
    )
    try:
        payload = None if body is None else json.dumps(body)
        connection.request(method, path, payload, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        return answer.status, _parsed(answer.read())
    finally:
        connection.close()


def _show_certificate(context: ssl.SSLContext, access: Access) -> None:
    with tempfile.TemporaryDirectory() as folder:  # the library reads keys from files alone
        pair = Path(folder, "pair.pem")
        descriptor = os.open(pair, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(access.certificate + access.key)
        context.load_cert_chain(pair)


def _parsed(content: bytes) -> Any:
    try:
        return json.loads(content or b"null")
    except ValueError:
        return content.decode("utf-8", "replace")


def certified_names(access: Access, host: str) -> tuple[str, ...]:
    """Give all names and addresses in the certificate that a master's API server shows.

    The connection is made to ``host`` itself and verified: by the cluster's CA, for ``host``.
    """
    context = ssl.create_default_context(cadata=access.authority)
    with (
        socket.create_connection((host, access.port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as tls,
    ):
        shown = tls.getpeercert() or {}
    return tuple(str(pair[1]) for pair in shown.get("subjectAltName", ()))


# -------------------------------------------------------------------------------------------- etcd


def ask_etcd(url: str, tls: Mapping[str, str], path: str, body: object) -> Any:
    """Ask one member on its own client port, with the files that `hakube emulator env` names."""
    context = ssl.create_default_context(cafile=tls["ETCDCTL_CACERT"])
    context.load_cert_chain(tls["ETCDCTL_CERT"], tls["ETCDCTL_KEY"])
    where = urlsplit(url)
    connection = http.client.HTTPSConnection(
        where.hostname or "", where.port, context=context, timeout=TIMEOUT_S
    )
    try:
        connection.request("POST", path, json.dumps(body))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise OSError(f"etcd at {url} answered {answer.status}: {content[:200]!r}")
        return json.loads(content)
    finally:
        connection.close()


def members(url: str, tls: Mapping[str, str]) -> dict[str, str]:
    """List etcd's members as one of them sees it: name → voter or learner.

    etcd 3.4 answers a list from what the member has applied, so a read through the quorum goes
    first: what comes after it is at least as new.
    """
    read_key(url, tls, "-")
    listed = ask_etcd(url, tls, "/v3/cluster/member/list", {"linearizable": True})
    return {
        m.get("name") or f"not started: {m['ID']}": "learner" if m.get("isLearner") else "voter"
        for m in listed["members"]
    }


def read_key(url: str, tls: Mapping[str, str], key: str) -> bytes | None:
    """Read one key from etcd, through the quorum; None when there is none."""
    question = {"key": base64.b64encode(key.encode()).decode("ascii")}
    values = ask_etcd(url, tls, "/v3/kv/range", question).get("kvs", [])
    return base64.b64decode(values[0]["value"]) if values else None


def etcd_version(url: str, tls: Mapping[str, str]) -> str:
    """Ask a member which etcd it is."""
    return str(ask_etcd(url, tls, "/v3/maintenance/status", {})["version"])


# ---------------------------------------------------------------------------------- Compute Engine

KINDS = (
    "aggregated/addresses",
    "aggregated/disks",
    "aggregated/forwardingRules",
    "aggregated/instanceGroups",
    "aggregated/instances",
    "regions/europe-west1/backendServices",
    "regions/europe-west1/healthChecks",
    "global/firewalls",
)


def list_compute(endpoint: str, project: str, kind: str) -> list[dict[str, Any]]:
    """List one kind of a project's resources in all regions and zones, as gcloud would."""
    where = urlsplit(endpoint)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", f"/compute/v1/projects/{project}/{kind}?maxResults=500")
        answer = connection.getresponse()
        found = json.loads(answer.read())
        if answer.status != 200 or "nextPageToken" in found:
            raise OSError(f"{kind}: the Compute API answered {answer.status}: {found}")
    finally:
        connection.close()
    items = found.get("items", [])
    if isinstance(items, list):
        return items
    return [thing for scope in items.values() for things in _lists(scope) for thing in things]


def _lists(scope: Mapping[str, Any]) -> list[list[dict[str, Any]]]:
    return [value for name, value in scope.items() if name != "warning"]


def holders(endpoint: str, project: str, address: str) -> list[str]:
    """Tell what carries an address: the last two parts of each user's URL, e.g. instances/NAME."""
    found = list_compute(endpoint, project, "aggregated/addresses")
    users = [u for thing in found if thing["address"] == address for u in thing.get("users", [])]
    return ["/".join(user.split("/")[-2:]) for user in users]


# --------------------------------------------------------------------------------------- processes


def processes_naming(text: str) -> dict[int, str]:
    """Find every living process whose command line holds a text: pid → program."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode("utf-8", "replace")
        except OSError:
            continue  # it has ended
        pid = int(folder.name)
        if text in words and pid != os.getpid() and is_alive(pid):
            found[pid] = words.partition("\0")[0].rpartition("/")[2]
    return found


def listeners(address: str) -> dict[int, int]:
    """Find who listens on an address, by the kernel's table: port → pid; 0 for a stranger's."""
    inodes = {}
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        fields = line.split()
        host, _, port = fields[1].partition(":")
        if fields[3] == _LISTENING and socket.inet_ntoa(bytes.fromhex(host)[::-1]) == address:
            inodes[f"socket:[{fields[9]}]"] = int(port, 16)
    owners = dict.fromkeys(inodes.values(), 0)
    for link in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            target = str(link.readlink())
        except OSError:
            continue  # closed meanwhile, or somebody else's
        if target in inodes:
            owners[inodes[target]] = int(link.parts[2])
    return owners


_LISTENING = "0A"


def program(pid: int) -> str:
    """Give the name of a process's program."""
    return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()


def is_alive(pid: int) -> bool:
    """Tell whether a process runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
