"""A client of the cluster IP that knows an admin's kubeconfig and nothing else.

It stands where kubectl would: TLS verified by the cluster's CA, the kubeconfig's own client
certificate, one connection a request. It imports nothing of the program it looks at.
"""

import base64
import http.client
import json
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

TIMEOUT_S = 5.0
MASTER = "node-role.kubernetes.io/control-plane"


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiClient:
    """Whom to ask, and as whom."""

    host: str
    port: int
    context: ssl.SSLContext

    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Send one request; return its status and the JSON object it was answered with.

        Raises:
            OSError: Nobody answered.
        """
        wire = http.client.HTTPSConnection(
            self.host, self.port, context=self.context, timeout=TIMEOUT_S
        )
        try:
            said = None if body is None else json.dumps(body)
            wire.request(method, path, said, {"Content-Type": "application/json"})
            answer = wire.getresponse()
            found: dict[str, Any] = json.loads(answer.read())
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"{self.host} gave no answer: {error!r}") from error
        finally:
            wire.close()
        return answer.status, found

    def nodes(self, *, masters: bool) -> dict[str, "Node"]:
        """Return masters or workers by name."""
        selector = MASTER if masters else f"!{MASTER}"
        status, found = self.call("GET", f"/api/v1/nodes?labelSelector={selector}")
        if status != 200:
            raise OSError(f"listing nodes was answered {status}")
        return {node["metadata"]["name"]: _node(node) for node in found["items"]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """What a Node object says."""

    zone: str
    ready: bool


def _node(said: dict[str, Any]) -> Node:
    conditions = said["status"]["conditions"]
    return Node(
        zone=said["metadata"]["labels"]["topology.kubernetes.io/zone"],
        ready=any(c["type"] == "Ready" and c["status"] == "True" for c in conditions),
    )


def read_access(kubeconfig: Path) -> ApiClient:
    """Take the only cluster and the only user of a kubeconfig."""
    config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    (cluster,) = [entry["cluster"] for entry in config["clusters"]]
    (user,) = [entry["user"] for entry in config["users"]]
    server = urlsplit(cluster["server"])
    context = ssl.create_default_context(
        cadata=_decoded(cluster["certificate-authority-data"]).decode("ascii")
    )
    with tempfile.NamedTemporaryFile() as pair:  # the library reads keys from files alone
        pair.write(_decoded(user["client-certificate-data"]) + _decoded(user["client-key-data"]))
        pair.flush()
        context.load_cert_chain(pair.name)
    return ApiClient(host=server.hostname or "", port=server.port or 443, context=context)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
