"""The verbs in their situations: how many masters there are before, and what must be in them."""

import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from hakube_gce.emulator.latency import profile
from tests.simulation.cloud import ZONES, Cloud
from tests.simulation.foreign import settle_neighbours
from tests.simulation.operator import Operator

B, C, D = ZONES
REPLICATE = "KUBE_REPLICATE_EXISTING_MASTER=true"
REMOVE = "KUBE_DELETE_NODES=false"
CONFIRMED = "HAKUBE_CONFIRM_TEARDOWN=kubernetes"


def masters_in(*zones: str) -> tuple[str, ...]:
    return *up(zones[0]), f"KUBE_MASTER_ZONES={','.join(zones)}"


def scale(masters: int) -> tuple[str, ...]:
    return "scale", f"--to={masters}", f"KUBE_GCE_ZONE={B}"


def replacement(name: str) -> tuple[str, ...]:
    return "replace", name, "--new", f"KUBE_GCE_ZONE={B}"


def up(zone: str) -> tuple[str, ...]:
    return "up", f"KUBE_GCE_ZONE={zone}"


def replicate(zone: str) -> tuple[str, ...]:
    return "up", f"KUBE_GCE_ZONE={zone}", REPLICATE


def remove(zone: str, name: str = "") -> tuple[str, ...]:
    named = (f"KUBE_REPLICA_NAME={name}",) if name else ()
    return "down", f"KUBE_GCE_ZONE={zone}", REMOVE, *named


def teardown(zone: str) -> tuple[str, ...]:
    return "down", f"KUBE_GCE_ZONE={zone}", CONFIRMED


SHAPES: Mapping[str, tuple[str, ...]] = {
    "": (),
    "always-lb": ("HAKUBE_ENDPOINT_MODE=always-lb",),
    "target-pool": ("HAKUBE_LB=target-pool",),
    "always-lb on a pool": ("HAKUBE_ENDPOINT_MODE=always-lb", "HAKUBE_LB=target-pool"),
    "own network": (
        "KUBE_GCE_NETWORK=mine",
        "CREATE_CUSTOM_NETWORK=true",
        "KUBE_GCE_ENABLE_IP_ALIASES=true",
    ),
}
"""Kinds of clusters, by what their first master is made with; later commands do not say it."""


LABELLED: Mapping[str, tuple[str, ...]] = {
    "labelled": ("HAKUBE_LABELS=team=dev,owner=john_doe",),
    "always-lb, labelled": ("HAKUBE_ENDPOINT_MODE=always-lb", "HAKUBE_LABELS=team=dev"),
}
"""As usual or always balanced, with labels of the user's on everything."""


def founded(zone: str, shape: str) -> tuple[str, ...]:
    return *up(zone), *{**SHAPES, **LABELLED}[shape]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A verb in a situation."""

    masters: int
    """How many masters there are before it."""
    shape: str = ""
    """The kind of cluster; empty: as usual."""
    argv: tuple[str, ...]
    loses: str = ""
    """The zone whose master lost its power for good before it."""
    essential: str
    """A step without which this is not the story that its name tells."""


STORIES: Mapping[str, Story] = {
    "create": Story(masters=0, argv=up(B), essential="install"),
    "replicate 1 to 2": Story(masters=1, argv=replicate(C), essential="promote-endpoint"),
    "replicate 2 to 3": Story(masters=2, argv=replicate(D), essential="admit"),
    "replicate 3 to 4": Story(masters=3, argv=replicate(B), essential="admit"),
    "replicate 5 to 6": Story(masters=5, argv=replicate(D), essential="admit"),
    "remove 2 to 1": Story(masters=2, argv=remove(C), essential="demote-endpoint"),
    "remove 3 to 2": Story(masters=3, argv=remove(C), essential="expel"),
    "remove the leader, 3 to 2": Story(masters=3, argv=remove(B), essential="yield-leadership"),
    "remove 5 to 4": Story(masters=5, argv=remove(C), essential="expel"),
    "tear down 1": Story(masters=1, argv=teardown(B), essential="release-address"),
    "tear down 2": Story(masters=2, argv=teardown(B), essential="delete-rule"),
    "tear down 3": Story(masters=3, argv=teardown(B), essential="delete-rule"),
    "tear down 5": Story(masters=5, argv=teardown(B), essential="delete-rule"),
}
_SHAPED: Mapping[str, Mapping[str, Story]] = {
    "always-lb": {
        "create": Story(masters=0, argv=(), essential="create-rule"),
        "replicate 1 to 2": Story(masters=1, argv=replicate(C), essential="await-backends"),
        "replicate 2 to 3": Story(masters=2, argv=replicate(D), essential="admit"),
        "remove 2 to 1": Story(masters=2, argv=remove(C), essential="delete-group/" + C),
        "remove the first, 2 to 1": Story(masters=2, argv=remove(B), essential="set-backends"),
        "remove 3 to 2": Story(masters=3, argv=remove(C), essential="expel"),
        "tear down 1": Story(masters=1, argv=teardown(B), essential="delete-rule"),
        "tear down 3": Story(masters=3, argv=teardown(B), essential="delete-rule"),
    },
    "target-pool": {
        "create": Story(masters=0, argv=(), essential="create-firewall/health"),
        "replicate 1 to 2": Story(masters=1, argv=replicate(C), essential="promote-endpoint"),
        "replicate 2 to 3": Story(masters=2, argv=replicate(D), essential="admit"),
        "remove 2 to 1": Story(masters=2, argv=remove(C), essential="demote-endpoint"),
        "remove 3 to 2": Story(masters=3, argv=remove(C), essential="expel"),
        "tear down 1": Story(masters=1, argv=teardown(B), essential="release-address"),
        "tear down 3": Story(masters=3, argv=teardown(B), essential="delete-pool"),
    },
    "always-lb on a pool": {
        "create": Story(masters=0, argv=(), essential="create-rule"),
        "replicate 1 to 2": Story(masters=1, argv=replicate(C), essential="await-backends"),
        "remove 2 to 1": Story(masters=2, argv=remove(C), essential="expel"),
        "tear down 2": Story(masters=2, argv=teardown(B), essential="delete-pool"),
    },
    "labelled": {
        "replicate 1 to 2": Story(masters=1, argv=replicate(C), essential="label-rule"),
        "remove 2 to 1": Story(masters=2, argv=remove(C), essential="demote-endpoint"),
    },
    "always-lb, labelled": {
        "create": Story(masters=0, argv=(), essential="label-rule"),
    },
    "own network": {
        "create": Story(masters=0, argv=(), essential="create-subnetwork"),
        "replicate 1 to 2": Story(masters=1, argv=replicate(C), essential="promote-endpoint"),
        "tear down 1": Story(masters=1, argv=teardown(B), essential="delete-network/mine"),
        "tear down 2": Story(masters=2, argv=teardown(B), essential="delete-network/mine"),
    },
}
SHAPED_STORIES: Mapping[str, Story] = {
    f"{shape}: {name}": replace(story, shape=shape, argv=story.argv or founded(B, shape))
    for shape, stories in _SHAPED.items()
    for name, story in stories.items()
}
"""The verbs whose course depends on the kind of the cluster, in clusters that are not as usual."""
SEVERAL: Mapping[str, Story] = {
    "three masters at once": Story(
        masters=0, argv=masters_in(B, C, D), essential="promote-endpoint"
    ),
    "scale 1 to 3": Story(masters=1, argv=scale(3), essential="promote-endpoint"),
    "scale 3 to 1": Story(masters=3, argv=scale(1), essential="demote-endpoint"),
    "replace the dead first of 3": Story(
        masters=3, loses=B, argv=replacement("kubernetes-master"), essential="expel"
    ),
    "replace a sound one of 3": Story(
        masters=3, argv=replacement("kubernetes-master"), essential="expel"
    ),
    "replace one on its own disk": Story(
        masters=3,
        loses=B,
        argv=(*replacement("kubernetes-master")[:2], f"KUBE_GCE_ZONE={B}"),
        essential="start-instance/kubernetes-master",
    ),
}
"""Commands of several operations, the later ones' VMs made beside the earlier."""
MENDING: Mapping[str, Story] = {
    "kube-up starts a dead master": Story(
        masters=3, loses=C, argv=up(B), essential="start-instance/kubernetes-master-71a"
    ),
}
_GROWING = (replicate(C), replicate(D), replicate(B), replicate(C))


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A world and a machine in it."""

    cloud: Cloud
    operator: Operator

    def copy(self, folder: Path) -> "Scene":
        cloud = self.cloud.copy()
        return Scene(cloud=cloud, operator=self.operator.copy(cloud, folder))


def fresh_scene(folder: Path, *, seed: int = 1, latency: str = "realistic") -> Scene:
    """Return a world with somebody else's resources in it, and a machine that knows nothing."""
    cloud = Cloud(profile(latency))
    settle_neighbours(cloud)
    rng = random.Random(seed)
    return Scene(cloud=cloud, operator=Operator(cloud=cloud, folder=folder, rng=rng))


@dataclass(slots=True)
class Beginnings:
    """Worlds at rest with so many masters, made when they are first asked for."""

    root: Path
    made: dict[str, list[Scene]] = field(default_factory=dict)
    """By the kind of cluster, then by how many masters there are."""
    count: int = 0

    def __call__(self, masters: int, shape: str = "") -> Scene:
        """Return a copy of its own."""
        made = self.made.setdefault(shape, [])
        while len(made) <= masters:
            made.append(self._next(made, shape))
        return made[masters].copy(self.folder())

    def of(self, story: Story) -> Scene:
        """Return a copy of the world that a story begins in."""
        scene = self(story.masters, story.shape)
        for path, _ in scene.cloud.masters() if story.loses else ():
            if f"/zones/{story.loses}/" in path:
                scene.cloud.power("kill", path)
        scene.cloud.clock.sleep(60.0 if story.loses else 0.0)
        return scene

    def folder(self) -> Path:
        self.count += 1
        return self.root / str(self.count)

    def _next(self, made: list[Scene], shape: str) -> Scene:
        if not made:
            scene = fresh_scene(self.folder())
            scene.cloud.laws.unmoved = shape.startswith("always-lb")
            return scene
        scene = made[-1].copy(self.folder())
        growing = (founded(B, shape), *_GROWING)
        ended = scene.operator.alone(growing[len(made) - 1])
        assert ended.status == 0, ended
        scene.cloud.clock.sleep(10.0)
        return scene


def in_memory() -> Path:
    """Return a folder that is quick to write to; it is the caller's to remove."""
    shm = Path("/dev/shm")  # noqa: S108 - a memory file system; the folder in it is private
    return Path(tempfile.mkdtemp(prefix="hakube-simulation-", dir=shm if shm.is_dir() else None))
