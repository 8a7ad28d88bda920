"""What `hakube detect` says of settings and of what was seen; and that a shell may evaluate it."""

import subprocess
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hakube_gce import facts
from hakube_gce.errors import TargetNotFound, Unavailable
from hakube_gce.model import Observed, Replica
from hakube_gce.resources import Address, Instance, Inventory
from hakube_gce.settings import Settings

NOW = datetime(2026, 11, 21, tzinfo=UTC)
B, C = "europe-west1-b", "europe-west1-c"
SETTINGS = Settings.parse(
    {
        "PROJECT": "acme",
        "KUBE_GCE_ZONE": B,
        "KUBE_GCE_INSTANCE_PREFIX": "prod",
        "HOME": "/nonexistent",
    }
)


def vm(name: str, zone: str = B, created_by: str = "") -> Instance:
    return Instance(
        name=name,
        zone=zone,
        id="1",
        status="RUNNING",
        internal_ip="10.0.0.2",
        access_config=None,
        machine_type="e2-standard-2",
        metadata={"created-by": created_by} if created_by else {},
        metadata_fingerprint="",
        labels={},
    )


def seen(*masters: str, address: bool = True, unreadable: tuple[str, ...] = ()) -> Observed:
    own = (
        Address(name="prod-master-ip", address="203.0.113.5", status="IN_USE") if address else None
    )
    return Observed(
        project="acme",
        region="europe-west1",
        cluster="prod",
        server_time=NOW,
        zones=(),
        address=own,
        replicas=tuple(Replica(instance=vm(m), report=None, fresh=False) for m in masters),
        unreadable=unreadable,
    )


def of_cluster(look: Observed, *instances: Instance) -> dict[str, facts.Value]:
    inventory = Inventory(server_time=NOW, zones=(), instances=instances)
    return facts.of_cluster(facts.KEYS, SETTINGS, inventory, look)


def test_the_names_are_kube_up_s() -> None:
    assert facts.of_settings(SETTINGS) == {
        "PROJECT": "acme",
        "NETWORK_PROJECT": "acme",
        "KUBERNETES_PROVIDER": "gce",
        "ZONE": B,
        "REGION": "europe-west1",
        "INSTANCE_PREFIX": "prod",
        "NETWORK": "default",
        "MASTER_NAME": "prod-master",
        "MASTER_TAG": "prod-master",
        "KUBE_MASTER": "prod-master",
        "NODE_INSTANCE_PREFIX": "prod-minion",
        "NODE_TAG": "prod-minion",
    }


def test_every_key_is_answered_by_one_of_the_two() -> None:
    found = {**facts.of_settings(SETTINGS), **of_cluster(seen("prod-master"))}
    assert sorted(found) == sorted(facts.KEYS)
    assert not facts.needs_a_look(facts.SETTINGS_KEYS)
    assert all(facts.needs_a_look([key]) for key in facts.CLUSTER_KEYS)


def test_masters_of_all_zones_and_nodes_of_this_one() -> None:
    manager = f"projects/1/zones/{B}/instanceGroupManagers/prod-minion-group"
    found = of_cluster(
        seen("prod-master", "prod-master-7c1"),
        vm("prod-minion-group-x2", created_by=manager),
        vm("prod-minion-group-a1", created_by=manager),
        vm("prod-minion-heapster"),
        vm("prod-minion-group-c3", zone=C, created_by=manager),
        vm("test-prod-minion-group-d4", created_by=manager),
        vm("prod-minions"),
    )
    assert found == {
        "KUBE_MASTER_IP": "203.0.113.5",
        "MASTER_NAMES": ("prod-master", "prod-master-7c1"),
        "INSTANCE_GROUPS": ("prod-minion-group",),
        "NODE_NAMES": ("prod-minion-group-a1", "prod-minion-group-x2", "prod-minion-heapster"),
    }


def test_no_cluster_is_no_master_but_its_address_is_missed() -> None:
    nothing = seen(address=False)
    inventory = Inventory(server_time=NOW, zones=())
    found = facts.of_cluster(["MASTER_NAMES"], SETTINGS, inventory, nothing)
    assert found["MASTER_NAMES"] == ()
    with pytest.raises(TargetNotFound, match="prod-master-ip"):
        of_cluster(nothing)


def test_what_could_not_be_read_is_never_counted_as_absent() -> None:
    look = seen("prod-master", unreadable=(f"zones/{C}: UNREACHABLE",))
    with pytest.raises(Unavailable, match=C):
        of_cluster(look)


def test_unknown_keys_are_named_all_at_once() -> None:
    (problem,) = facts.problems(["ZONE", "B\nAD", "KUBE_ROOT"])
    assert "'B\\nAD', 'KUBE_ROOT'; it knows PROJECT" in problem
    assert facts.problems(facts.KEYS) == ()


HOSTILE = (
    "$(touch /nonexistent/x; echo ran)",
    "`echo ran`",
    "'; exit 9; '",
    '"; exit 9; "',
    "a\nexit 9",
    ") ; exit 9 ; (",
    "[0]=$(echo ran)",
    "~",
    "*",
    "!!",
    "\\",
    "{a,b}",
    "",
    "#",
    "é ü",
)


def evaluated(values: tuple[str, ...]) -> list[str]:
    """Let a real bash evaluate each value as a scalar and all of them as an array."""
    found = {f"KEY_{n}": value for n, value in enumerate(values)}
    text = facts.assignments({**found, "ALL": values}, [*found, "ALL"])
    # failglob: a pattern that stands unquoted would end the script
    script = 'set -euo pipefail; shopt -s failglob; eval "$1"; printf "%s\\0" "${ALL[@]-}" '
    script += " ".join(f'"${name}"' for name in found)
    ended = subprocess.run(
        ["bash", "-c", script, "bash", text], capture_output=True, timeout=30, check=True
    )
    return ended.stdout.decode("utf-8", "surrogateescape").split("\0")[:-1]


def test_hostile_values_come_out_as_they_went_in_and_run_nothing() -> None:
    assert evaluated(HOSTILE) == [*HOSTILE, *HOSTILE]


@settings(max_examples=20, deadline=None)
@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="\0")),
        min_size=1,
        max_size=40,
    )
)
def test_any_value_comes_out_of_a_shell_as_it_went_in(values: list[str]) -> None:
    assert evaluated(tuple(values)) == [*values, *values]
