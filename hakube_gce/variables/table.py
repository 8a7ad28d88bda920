"""All rows: for who parses, for who looks for misspelt names, for who writes them down."""

from hakube_gce.variables import (
    access,
    cluster,
    etcd,
    left_behind,
    masters,
    network,
    nodes,
    ours,
)
from hakube_gce.variables.row import Group, Support, Variable

GROUPS: tuple[Group, ...] = (
    cluster.GROUP,
    masters.GROUP,
    nodes.GROUP,
    network.GROUP,
    etcd.GROUP,
    access.GROUP,
    ours.GROUP,
    *left_behind.GROUPS,
)

ROWS: tuple[Variable[object], ...] = tuple(row for group in GROUPS for row in group.rows)
VARIABLES = tuple(row for row in ROWS if row.is_read)
"""Those that say something."""
IGNORED = tuple(row for row in ROWS if row.support is Support.IGNORED)
REFUSED = tuple(row for row in ROWS if row.support is Support.REFUSED)

OUR_OWN_TESTS = ("HAKUBE_TEST_", "HAKUBE_LIVE_")
"""Beginnings of variables that the test suite speaks to itself with."""
