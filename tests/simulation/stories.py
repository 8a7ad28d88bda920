"""The verbs in their situations: how many masters there are before, and what must be in them."""

import random
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from hakube_gce.emulator.latency import profile
from tests.simulation.cloud import ZONES, Cloud
from tests.simulation.foreign import settle_neighbours
from tests.simulation.operator import Operator

B, C, D = ZONES
REPLICATE = "KUBE_REPLICATE_EXISTING_MASTER=true"
REMOVE = "KUBE_DELETE_NODES=false"
CONFIRMED = "HAKUBE_CONFIRM_TEARDOWN=kubernetes"


def up(zone: str) -> tuple[str, ...]:
    return "up", f"KUBE_GCE_ZONE={zone}"


def replicate(zone: str) -> tuple[str, ...]:
    return "up", f"KUBE_GCE_ZONE={zone}", REPLICATE


def remove(zone: str, name: str = "") -> tuple[str, ...]:
    named = (f"KUBE_REPLICA_NAME={name}",) if name else ()
    return "down", f"KUBE_GCE_ZONE={zone}", REMOVE, *named


def teardown(zone: str) -> tuple[str, ...]:
    return "down", f"KUBE_GCE_ZONE={zone}", CONFIRMED


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A verb in a situation."""

    masters: int
    """How many masters there are before it."""
    argv: tuple[str, ...]
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
_GROWING = (up(B), replicate(C), replicate(D), replicate(B), replicate(C))


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
    made: list[Scene] = field(default_factory=list)
    count: int = 0

    def __call__(self, masters: int) -> Scene:
        """Return a copy of its own."""
        while len(self.made) <= masters:
            self.made.append(self._next())
        return self.made[masters].copy(self.folder())

    def folder(self) -> Path:
        self.count += 1
        return self.root / str(self.count)

    def _next(self) -> Scene:
        if not self.made:
            return fresh_scene(self.folder())
        scene = self.made[-1].copy(self.folder())
        ended = scene.operator.alone(_GROWING[len(self.made) - 1])
        assert ended.status == 0, ended
        scene.cloud.clock.sleep(10.0)
        return scene


def in_memory() -> Path:
    """Return a folder that is quick to write to; it is the caller's to remove."""
    shm = Path("/dev/shm")  # noqa: S108 - a memory file system; the folder in it is private
    return Path(tempfile.mkdtemp(prefix="hakube-simulation-", dir=shm if shm.is_dir() else None))
