"""Files that a master's metadata holds for others: put where they are looked for, as they are.

Whoever writes metadata is root on the VM anyway. What the files mean, the agent does not know.
"""

from collections.abc import Mapping

from hakube_gce.agent.ports import Storage

FILES = {
    "hakube-cloud-config": "config/gce.conf",
    "hakube-autoscaler-flags": "config/autoscaler.flags",
}
"""Metadata key → file on the root disk."""


def keep_files(root: Storage, attributes: Mapping[str, str]) -> None:
    """Write each file that differs, and remove what the metadata has no more."""
    for key, name in FILES.items():
        wanted = attributes.get(key)
        if wanted is None:
            if root.exists(name):
                root.remove(name)
        elif root.read(name) != wanted.encode():
            root.write(name, wanted.encode())
