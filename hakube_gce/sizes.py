"""How large things are by default, by the number of nodes: the original scripts' tables. Pure.

Masters follow the scripts' last version (e2 machines), ranges the one they always had.
"""

from collections.abc import Sequence

_Steps = Sequence[tuple[int, str]]
"""From more than so many nodes on; the first step is for any number."""

_MACHINES: _Steps = (
    (-1, "e2-standard-2"),
    (10, "e2-standard-4"),
    (50, "e2-standard-8"),
    (100, "e2-standard-16"),
    (500, "e2-standard-32"),
)
_DATA_DISKS: _Steps = ((-1, "20GB"), (1000, "100GB"), (2000, "200GB"))
_BOOT_DISKS: _Steps = ((-1, "20GB"), (500, "100GB"), (3000, "500GB"))
_POD_RANGES: _Steps = (
    (-1, "10.64.0.0/14"),
    (1000, "10.64.0.0/13"),
    (2000, "10.64.0.0/12"),
    (4000, "10.64.0.0/11"),
)
_NODE_RANGES: _Steps = (
    (-1, "10.40.0.0/22"),
    (1000, "10.40.0.0/21"),
    (2000, "10.40.0.0/20"),
    (4000, "10.40.0.0/19"),
)


def machine_type(nodes: int) -> str:
    """Give a master's machine type.

    >>> [machine_type(n) for n in (0, 10, 11, 51, 501)]
    ['e2-standard-2', 'e2-standard-2', 'e2-standard-4', 'e2-standard-8', 'e2-standard-32']
    """
    return _step(_MACHINES, nodes)


def data_disk(nodes: int) -> str:
    """Give the size of a master's data disk."""
    return _step(_DATA_DISKS, nodes)


def boot_disk(nodes: int) -> str:
    """Give the size of a master's boot disk."""
    return _step(_BOOT_DISKS, nodes)


def pod_range(nodes: int) -> str:
    """Give the addresses of pods."""
    return _step(_POD_RANGES, nodes)


def node_range(nodes: int) -> str:
    """Give the addresses of machines."""
    return _step(_NODE_RANGES, nodes)


def _step(steps: _Steps, nodes: int) -> str:
    return next(value for more_than, value in reversed(steps) if nodes > more_than)
