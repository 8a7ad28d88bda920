"""What the variables say about worker nodes: one frozen value, for whoever plans them. Pure."""

from dataclasses import dataclass

from hakube_gce.list_kinds import Pairs
from hakube_gce.setting_sources import Reader
from hakube_gce.variables import nodes

DEFAULT_GROUP_SIZE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Autoscaling:
    """The bounds between which the cluster autoscaler works."""

    least: int
    most: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeSettings:
    """Worker nodes, as the environment wishes them."""

    count: int
    """NUM_NODES, whether they are to be made or not."""
    create: bool
    machine_type: str
    disk_size_gb: int
    disk_type: str
    image: str
    """``projects/P/global/images/family/F`` or ``projects/P/global/images/I``."""
    service_account: str
    """``default``, or an address."""
    scopes: tuple[str, ...]
    """Whole URLs."""
    provisioning: str
    """standard, preemptible or spot."""
    labels: Pairs
    """In Kubernetes, sorted."""
    group_size: int
    """Most nodes in one managed instance group."""
    autoscaling: Autoscaling | None

    @property
    def wanted(self) -> int:
        """How many nodes a command that makes nodes makes, and waits for."""
        return self.count if self.create else 0

    @property
    def groups(self) -> int:
        """How many managed instance groups hold them: full ones, and one for the rest."""
        return -(-self.wanted // self.group_size)


def read_nodes(reader: Reader) -> NodeSettings:
    """Read the variables about nodes."""
    return NodeSettings(
        count=reader.read(nodes.NUM_NODES),
        create=reader.read(nodes.CREATE_NODES),
        machine_type=reader.read(nodes.NODE_SIZE),
        disk_size_gb=reader.read(nodes.NODE_DISK_SIZE),
        disk_type=reader.read(nodes.NODE_DISK_TYPE),
        image=image_path(reader.read(nodes.NODE_IMAGE_PROJECT), reader.read(nodes.NODE_IMAGE)),
        service_account=reader.read(nodes.NODE_SERVICE_ACCOUNT),
        scopes=reader.read(nodes.NODE_SCOPES),
        provisioning=reader.read(nodes.PREEMPTIBLE_NODE),
        labels=reader.read_if_set(nodes.NODE_LABELS) or (),
        group_size=_group_size(reader),
        autoscaling=_autoscaling(reader),
    )


def image_path(project: str, image: str) -> str:
    """Join image and project to the path that the API takes."""
    return image if image.startswith("projects/") else f"projects/{project}/global/images/{image}"


def _group_size(reader: Reader) -> int:
    size = reader.read(nodes.GROUP_SIZE)
    if size > 0:
        return size
    reader.notes.append(
        f"MAX_INSTANCES_PER_MIG={size}: is no size of a group; {DEFAULT_GROUP_SIZE} it is"
    )
    return DEFAULT_GROUP_SIZE


def _autoscaling(reader: Reader) -> Autoscaling | None:
    """Read the autoscaler's bounds: both are needed with it, and mean nothing without it."""
    wanted = reader.read(nodes.AUTOSCALER)
    bounds = {v: reader.read_if_set(v) for v in (nodes.AUTOSCALER_MIN, nodes.AUTOSCALER_MAX)}
    least, most = bounds.values()
    if not wanted:
        if names := [v.name for v in bounds if reader.is_set(v)]:
            reader.notes.append(
                f"{' and '.join(names)}: without KUBE_ENABLE_CLUSTER_AUTOSCALER=true ignored"
            )
        return None
    if missing := [v for v in bounds if not reader.is_set(v)]:
        reader.problems.append(
            f"KUBE_ENABLE_CLUSTER_AUTOSCALER=true needs {' and '.join(v.name for v in missing)}; "
            f"for example {' '.join(f'{v.name}={v.example}' for v in missing)}"
        )
    if least is None or most is None:
        return None
    if least > most:
        reader.wrong(nodes.AUTOSCALER_MIN, f"is more than {nodes.AUTOSCALER_MAX.name}={most}")
    return Autoscaling(least=least, most=most)
