"""What the variables say about the operator's kubeconfig, and when a cluster is ready. Pure."""

from dataclasses import dataclass

from hakube_gce.identity_settings import absolute
from hakube_gce.setting_sources import Reader
from hakube_gce.variables import access


@dataclass(frozen=True, slots=True, kw_only=True)
class KubeconfigSettings:
    """How the cluster stands in the operator's kubeconfig."""

    context: str
    """Name of the entries; empty: ``<project>_<prefix>``."""
    server: str
    """URL without a slash at its end; empty: the cluster IP's."""
    set_current: bool
    """Whether the context becomes the current one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadinessSettings:
    """When a cluster is ready, and how long that may take."""

    initialization_timeout_s: int | None
    """How long a new master may take; None: nobody said."""
    allowed_not_ready_nodes: int
    additional_time_s: int


def read_kubeconfig(reader: Reader) -> KubeconfigSettings:
    """Read the variables about the kubeconfig."""
    return KubeconfigSettings(
        context=reader.text_of(access.OVERRIDE_CONTEXT),
        server=reader.text_of(access.KUBE_SERVER),
        set_current=not reader.read(access.SECONDARY_KUBECONFIG),
    )


def read_readiness(reader: Reader) -> ReadinessSettings:
    """Read the variables about waiting."""
    timeout = reader.read(access.INITIALIZATION_TIMEOUT)
    return ReadinessSettings(
        initialization_timeout_s=timeout if reader.is_set(access.INITIALIZATION_TIMEOUT) else None,
        allowed_not_ready_nodes=reader.read(access.ALLOWED_NOTREADY_NODES),
        additional_time_s=reader.read(access.ADDITIONAL_TIME),
    )


def read_files(reader: Reader) -> tuple[str, ...]:
    """Read where the kubeconfig is."""
    found = tuple(
        absolute(reader, file) for file in reader.read(access.KUBECONFIG).split(":") if file
    )
    if not found:
        reader.problems.append("KUBECONFIG=':': names no file; for example KUBECONFIG=/tmp/config")
    return found
