"""Commands that must change nothing, and the variables that name a cluster."""

import json
from collections.abc import Mapping, Sequence

from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import Desk

REPLICATE = {"KUBE_REPLICATE_EXISTING_MASTER": "true"}
REMOVE = {"KUBE_DELETE_NODES": "false"}


def named(prefix: str, zone: str, **more: str) -> dict[str, str]:
    """Return the variables that name a cluster and a zone, and more."""
    return {"KUBE_GCE_INSTANCE_PREFIX": prefix, "KUBE_GCE_ZONE": zone, **more}


def refused(desk: Desk, argv: Sequence[str], variables: Mapping[str, str]) -> Ended:
    """Run a command that must change nothing; its screen must be one for people."""
    before, calls = json.dumps(desk.lab.dump()), len(desk.lab.calls())
    ended = desk.begin(argv, variables).wait()
    assert len(desk.lab.calls()) == calls, ended
    assert json.dumps(desk.lab.dump()) == before, ended
    assert "Traceback" not in ended.stderr, ended
    assert "bug:" not in ended.stderr, ended
    assert "Nothing was changed" in ended.stdout + ended.stderr, ended
    return ended
