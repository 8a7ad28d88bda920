"""What the simulated stories begin with."""

import shutil
from collections.abc import Iterator

import pytest

from tests.simulation.stories import Beginnings, Scene, in_memory


@pytest.fixture(scope="module")
def beginnings() -> Iterator[Beginnings]:
    """Worlds at rest, handed out as copies; those of a module are gone after it."""
    root = in_memory()
    yield Beginnings(root)
    shutil.rmtree(root)


@pytest.fixture
def scene(beginnings: Beginnings) -> Scene:
    """A world without a cluster."""
    return beginnings(0)
