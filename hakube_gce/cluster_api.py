"""Asks the cluster's own API, as its admin: which Nodes there are, and which checks pass.

Beside these two questions it carries what `manifest_apply` sends; all else is kubectl's. The
admin's key is the kubeconfig's and never leaves a private folder that is gone again at once.
"""

import http.client
import json
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from hakube_gce.errors import ClusterSilent
from hakube_gce.files import write_private
from hakube_gce.kubeconfig_text import Entry
from hakube_gce.validation import NodeState

_TIMEOUT_S = 10.0
_PAGE = 500


class ClusterApi(Protocol):
    """Port to the cluster's API."""

    def nodes(self) -> tuple[NodeState, ...]: ...
    def checks(self) -> tuple[tuple[str, bool], ...]:
        """Return the API server's own readiness checks by name."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminApi:
    """The API behind a kubeconfig entry."""

    entry: Entry

    def nodes(self) -> tuple[NodeState, ...]:
        """List all Node objects, page by page.

        Raises:
            ClusterSilent: The API did not answer, or not with a list.
        """
        found: list[NodeState] = []
        more = ""
        while True:
            suffix = f"&continue={more}" if more else ""
            status, body = self._get(f"/api/v1/nodes?limit={_PAGE}{suffix}")
            if status != 200:
                raise ClusterSilent(f"{self.entry.server} answers {status} for its nodes")
            listed = json.loads(body)
            found += [_node(item) for item in listed.get("items") or ()]
            more = listed.get("metadata", {}).get("continue", "")
            if not more:
                return tuple(found)

    def checks(self) -> tuple[tuple[str, bool], ...]:
        """Return what ``/readyz?verbose`` lists; one entry for all when it lists nothing."""
        status, body = self._get("/readyz?verbose")
        lines = body.decode(errors="replace").splitlines()
        listed = tuple(
            (line[3:].split()[0], line.startswith("[+]"))
            for line in lines
            if line.startswith(("[+]", "[-]")) and len(line) > 3
        )
        return listed or (("readyz", status == 200),)

    def _get(self, path: str) -> tuple[int, bytes]:
        return self.request("GET", path)

    def request(
        self, method: str, path: str, body: bytes = b"", *, content_type: str = ""
    ) -> tuple[int, bytes]:
        """Ask one thing; gives status and body.

        Raises:
            ClusterSilent: The API did not answer.
        """
        headers = {"Accept": "application/json"}
        if content_type:
            headers["Content-Type"] = content_type
        target = urlsplit(self.entry.server)
        try:
            with _context(self.entry) as context:
                wire = http.client.HTTPSConnection(
                    target.hostname or "", target.port, timeout=_TIMEOUT_S, context=context
                )
                try:
                    wire.request(method, path, body=body or None, headers=headers)
                    answer = wire.getresponse()
                    return answer.status, answer.read()
                finally:
                    wire.close()
        except (OSError, http.client.HTTPException) as error:
            raise ClusterSilent(f"{self.entry.server} does not answer: {error}") from error


def _node(item: dict[str, object]) -> NodeState:
    metadata, status = item.get("metadata"), item.get("status")
    name = metadata.get("name") if isinstance(metadata, dict) else ""
    conditions = status.get("conditions") if isinstance(status, dict) else None
    ready = any(
        c.get("type") == "Ready" and c.get("status") == "True"
        for c in conditions or ()
        if isinstance(c, dict)
    )
    return NodeState(name=str(name), ready=ready)


@contextmanager
def _context(entry: Entry) -> Iterator[ssl.SSLContext]:
    """Give a context that shows the admin's certificate; ssl takes keys from files alone."""
    context = ssl.create_default_context(cadata=entry.certificate_authority)
    with tempfile.TemporaryDirectory(prefix="hakube-admin-") as folder:  # 0700
        pair = Path(folder, "admin.pem")
        write_private(pair, (entry.client_certificate + "\n" + entry.client_key).encode())
        context.load_cert_chain(pair)
    yield context
