"""`renew`: take new certificates for the keys this replica has, while everything runs on.

etcd and kube-apiserver read their certificate files again at the next handshake, so nothing is
restarted. Keys and authorities never change here: that would be another cluster's doing.
"""

from dataclasses import replace

from hakube_gce.agent.install import certificates_in, check_leaves
from hakube_gce.agent.job import CERTIFICATES_KEY, Job, Master, Result
from hakube_gce.agent.keys import AUTHORITIES, pki
from hakube_gce.agent.protocol import format_time, refused


def renew(job: Job) -> Result:
    """Write the leaves of ``hakube-certificates`` over those in use.

    Raises:
        RequestError: ``refused`` when they are of other authorities; ``failed`` when they do not
            fit this replica's keys.
    """
    master = job.master
    certificates = certificates_in(job.attributes.get(CERTIFICATES_KEY, ""))
    for authority in AUTHORITIES:
        if _own_authority(master, authority) != certificates.authorities[authority].strip():
            raise refused(f"the {authority} authority in {CERTIFICATES_KEY} is not this cluster's")
    check_leaves(master, certificates)
    for leaf, content in certificates.leaves.items():
        master.ports.root.write(pki(f"{leaf}.crt"), content.encode("ascii"))
    earliest = min(master.ports.crypto.expires(leaf) for leaf in certificates.leaves.values())
    master.notebook.keep(replace(master.memory, certificates_expire=format_time(earliest)))
    return {"certificates_expire": format_time(earliest)}


def _own_authority(master: Master, name: str) -> str:
    content = master.ports.root.read(pki(f"{name}-ca.crt"))
    return "" if content is None else content.decode("ascii").strip()
