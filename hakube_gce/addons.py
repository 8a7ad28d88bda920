"""What `kube-up` puts into a cluster that serves: the manifest that HAKUBE_CNI_MANIFEST names.

The file is the operator's; it is read before anything is changed, so that a mistake in it is told
before a cluster stands there without its pod network.
"""

from collections.abc import Callable
from pathlib import Path

from hakube_gce import kubeconfig
from hakube_gce.assemble import Means
from hakube_gce.cluster_api import AdminApi
from hakube_gce.errors import SettingsError
from hakube_gce.manifest import MOST_BYTES, BadManifest, ManifestObject, read_manifest
from hakube_gce.manifest_apply import apply_manifest
from hakube_gce.settings import Settings


def read_wanted(settings: Settings) -> tuple[ManifestObject, ...]:
    """Read what is to be applied; nothing when nobody asks for it.

    Raises:
        SettingsError: The file cannot be read or applied.
    """
    if not settings.cni_manifest:
        return ()
    try:
        with Path(settings.cni_manifest).open(encoding="utf-8") as source:
            # no more than tells that it is too large: the name may be a device's
            return read_manifest(source.read(MOST_BYTES + 1))
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except UnicodeDecodeError:
        reason = "is not UTF-8 text"
    except BadManifest as error:
        reason = str(error)
    raise SettingsError([f"HAKUBE_CNI_MANIFEST={settings.cni_manifest!a}: {reason}"])


def apply_wanted(
    means: Means, manifest: tuple[ManifestObject, ...], say: Callable[[str], None]
) -> tuple[str, ...]:
    """Apply it through the cluster's API, and say what became of it.

    Raises:
        ClusterSilent: The API does not answer.
        StepFailed: It refused an object.
        KeysError: This machine's kubeconfig has no entry to ask with.
    """
    if not manifest:
        return ()
    if means.place.runtime == "records":
        said: tuple[str, ...] = (
            "HAKUBE_CNI_MANIFEST is not applied: in a lab of records is no API",
        )
    else:
        entry = kubeconfig.admin_entry(means.kubeconfig.files, means.kubeconfig.context)
        said = apply_manifest(AdminApi(entry=entry), manifest, clock=means.waits).lines()
    for line in said:
        say(line)
    return said
