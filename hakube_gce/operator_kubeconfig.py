"""The cluster's entry in the operator's kubeconfig: does it fit, write it, remove it."""

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from hakube_gce import kubeconfig, names, pki
from hakube_gce.cluster_keys import ClusterKeys
from hakube_gce.errors import HakubeError, KeysError
from hakube_gce.kubeconfig_text import Entry
from hakube_gce.model import Observed
from hakube_gce.observe import KubeconfigState
from hakube_gce.ports import Clock
from hakube_gce.trust import authority_of

RENEW_BELOW_DAYS = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorKubeconfig:
    """One context in the files of KUBECONFIG."""

    files: tuple[Path, ...]
    clock: Clock
    context: str
    port: int
    server: str = ""
    """URL of the API; empty: that of the cluster IP."""
    set_current: bool = True
    """Whether the context becomes the current one."""

    def state(self, seen: Observed) -> KubeconfigState:
        """Compare the entry with the cluster.

        A kubeconfig that cannot be read counts as one without the entry: looking at a cluster must
        not fail for it. Writing to it will, and says why; before a cluster is founded, that is
        looked at.
        """
        problem = kubeconfig.write_problem(self.files, self.context)
        try:
            entry = kubeconfig.read_entry(self.files, self.context)
        except HakubeError:
            return KubeconfigState(problem=problem)
        if entry is None:
            return KubeconfigState(problem=problem)
        current = self._fits(entry, seen)
        return KubeconfigState(present=True, current=current, problem=problem)

    def _fits(self, entry: Entry, seen: Observed) -> bool:
        address = seen.address.address if seen.address else ""
        return (
            entry.server == (self.server or names.server_url(address, self.port))
            and entry.certificate_authority.strip() == authority_of(seen).strip()
            and _lasts(entry.client_certificate, self.clock.now())
        )

    def write(self, context: str, server: str, keys: ClusterKeys | None) -> Path:
        """Write the entry with a new admin certificate, as the current one unless told otherwise.

        Returns:
            The file that holds it now.

        Raises:
            KeysError: There are no keys to sign with, or a file of KUBECONFIG cannot be written.
        """
        if keys is None:
            raise KeysError("this machine has no keys of the cluster to sign a kubeconfig with")
        admin = pki.admin_credential(keys, now=self.clock.now(), randomness=os.urandom)
        entry = Entry(
            name=context,
            server=server,
            certificate_authority=keys.cluster.certificate,
            client_certificate=admin.certificate,
            client_key=admin.key,
        )
        return kubeconfig.write_entry(
            self.files, entry, set_current=self.set_current, clock=self.clock
        )

    def remove(self, context: str) -> Path | None:
        """Remove the entry wherever it is; gives the first file that held it.

        Raises:
            KeysError: A file of KUBECONFIG is broken or cannot be written.
        """
        return kubeconfig.remove_entry(self.files, context, clock=self.clock)


def _lasts(certificate: str, now: datetime) -> bool:
    try:
        return pki.days_left(certificate, now) >= RENEW_BELOW_DAYS
    except KeysError:
        return False
