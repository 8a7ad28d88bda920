"""The cluster's public CA, as its masters' metadata shows it. Pure.

Whoever may write that metadata is root on the masters anyway, so believing it adds nobody's power.
"""

import json

from hakube_gce.model import Observed


def authority_of(seen: Observed) -> str:
    """Give the cluster CA's certificate, PEM; empty while no master has one."""
    for replica in seen.replicas:
        try:
            content = json.loads(replica.instance.metadata.get("hakube-certificates", ""))
            authority = content["authorities"]["cluster"]
        except (ValueError, KeyError, TypeError):
            continue
        if isinstance(authority, str):
            return authority
    return ""
