"""Names of keys and certificates on a master, and `export-keys`: seal what masters share.

Secrets leave a master only inside an envelope to a named RSA certificate. Who may write this
instance's metadata is trusted with them: that right is root on the VM already.
"""

import base64
import json

from hakube_gce.agent.job import Job, Result
from hakube_gce.agent.ports import CryptoError
from hakube_gce.agent.protocol import SCHEMA, failed, format_time, refused
from hakube_gce.agent.quorum import check_voter, linearizable_members

AUTHORITY_OF = {
    "agent": "cluster",
    "etcd": "etcd",
    "etcd-client": "etcd",
    "apiserver": "cluster",
}
"""Leaf → the authority that must have issued it."""

LEAVES = tuple(AUTHORITY_OF)
AUTHORITIES = ("cluster", "etcd", "front-proxy")

SHARED = (
    "cluster-ca.key",
    "etcd-ca.key",
    "front-proxy-ca.key",
    "service-account.key",
    "cluster-ca.crt",
    "etcd-ca.crt",
    "front-proxy-ca.crt",
)
"""What every master has the same copy of."""


def pki(name: str) -> str:
    """Return the file of a key or certificate, below the root folder."""
    return f"pki/{name}"


def export_keys(job: Job) -> Result:
    """Seal what masters share to the certificate ``recipient``.

    Raises:
        RequestError: ``refused`` on a replica outside a working cluster; ``failed`` when the
            certificate cannot be sealed to.
    """
    master = job.master
    check_voter(master)
    linearizable_members(master)
    keys: dict[str, str] = {}
    for name in SHARED:
        content = master.ports.root.read(pki(name))
        if content is None:
            raise refused(f"{master.config.replica} has no {name}: ask another replica")
        keys[name] = content.decode("ascii")
    secret = {
        "schema": SCHEMA,
        "request_id": job.request.id,
        "instance_id": master.identity.instance_id,
        "expires": format_time(job.request.expires),
        "keys": keys,
    }
    try:
        envelope = master.ports.crypto.seal(json.dumps(secret).encode(), job.text("recipient"))
    except CryptoError as error:
        raise failed(f"the recipient's certificate cannot be sealed to: {error}") from error
    return {"sealed": base64.b64encode(envelope).decode("ascii")}
