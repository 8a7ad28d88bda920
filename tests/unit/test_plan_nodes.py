"""Which nodes a command makes or deletes: values in, plans out."""

from dataclasses import replace

import pytest

from hakube_gce import marks
from hakube_gce.model import Conflict, Intent, Mark, Nodes, Observed, Operation, Verb
from hakube_gce.node_resources import InstanceTemplate, ManagedGroup, Route
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.node_blueprint import NodeBlueprint
from hakube_gce.plan.planner import plan
from hakube_gce.plan.resolve import Resolved, resolve
from hakube_gce.resources import Instance, Inventory, Zone
from hakube_gce.understand_nodes import understand_nodes
from tests.fakes.clusters import NOW, REGION, UID, ZONES, cluster

B, C, D = ZONES
GROUP = "kubernetes-minion-group"
BLUEPRINT = Blueprint(
    project="p",
    prefix="kubernetes",
    region=REGION,
    machine_type="e2-standard-2",
    image="projects/debian-cloud/global/images/family/debian-12",
    data_disk_gb=20,
    root_disk_gb=20,
    nodes=NodeBlueprint(count=3, said=(("NUM_NODES", "3"),)),
)
TEMPLATE = InstanceTemplate(name="kubernetes-minion-template", description="")


def group(zone: str, *, size: int = 3, running: int = 3, name: str = GROUP) -> ManagedGroup:
    return ManagedGroup(
        name=name,
        zone=zone,
        template=TEMPLATE.name,
        target_size=size,
        stable=size == running,
        running=running,
    )


def with_nodes(*zones: str, sketch: str = "+", operation: Operation | None = None) -> Observed:
    nodes = Nodes(template=TEMPLATE if zones else None, groups=tuple(map(group, zones)))
    return replace(cluster(sketch, operation=operation), nodes=nodes)


def operation(verb: Verb, zone: str) -> Operation:
    return Operation(id="a" * 12, verb=verb, zone=zone)


def keys(verb: Verb, zone: str, seen: Observed) -> list[str]:
    found = plan(BLUEPRINT, operation(verb, zone), seen)
    assert not found.blockers
    return [p.key for p in found.steps]


def wish(verb: Verb, zone: str, seen: Observed, *, confirmed: bool = False) -> Resolved:
    intent = Intent(verb=verb, zone=zone, confirmed_teardown=confirmed)
    return resolve(BLUEPRINT, intent, seen, operation_id="c" * 12)


@pytest.mark.parametrize(
    ("count", "most", "sizes"),
    [
        (0, 1000, []),
        (1, 1000, [1]),
        (1000, 1000, [1000]),
        (1001, 1000, [500, 501]),
        (5, 2, [1, 2, 2]),
        (7, 3, [2, 2, 3]),
    ],
)
def test_groups_are_as_large_as_the_originals(count: int, most: int, sizes: list[int]) -> None:
    """The original divides what is left by the groups that are left, rounding down."""
    found = NodeBlueprint(count=count, group_size=most).groups("kubernetes")
    assert [size for _, size in found] == sizes
    assert [name for name, _ in found][-1:] == [GROUP] * bool(sizes)


def test_a_template_serves_every_zone_and_a_group_that_is_there_is_left() -> None:
    rules = [
        "create-firewall/kubernetes-minion-all",
        "create-firewall/kubernetes-default-internal-master",
        "create-firewall/kubernetes-default-internal-node",
    ]
    made = [f"create-node-group/{C}/{GROUP}", f"await-node-group/{C}/{GROUP}"]
    assert keys(Verb.ADD_NODES, C, with_nodes()) == [*rules, "create-node-template", *made]
    assert keys(Verb.ADD_NODES, C, with_nodes(B)) == [*rules, *made]
    assert keys(Verb.ADD_NODES, B, with_nodes(B)) == rules


def test_a_group_that_is_still_making_nodes_is_waited_for_and_never_resized() -> None:
    slow = replace(with_nodes(), nodes=Nodes(template=TEMPLATE, groups=(group(B, running=2),)))
    assert f"await-node-group/{B}/{GROUP}" in keys(Verb.ADD_NODES, B, slow)
    larger = replace(slow, nodes=Nodes(template=TEMPLATE, groups=(group(B, size=9, running=9),)))
    assert not [k for k in keys(Verb.ADD_NODES, B, larger) if "group" in k]
    (note,) = plan(BLUEPRINT, operation(Verb.ADD_NODES, B), larger).notes
    assert "has 9 nodes and keeps them, 3 were asked for" in note


def test_what_stands_in_the_way_of_nodes_hinders_only_whoever_makes_some() -> None:
    foreign = Conflict(resource="instanceTemplates/kubernetes-minion-template", why="exists")
    seen = replace(cluster("+"), nodes=Nodes(conflicts=(foreign,)))
    for verb in (Verb.ADD_NODES,):
        (blocker,) = plan(BLUEPRINT, operation(verb, B), seen).blockers
        assert blocker.exit_status == 4
    target = replace(operation(Verb.REPLICATE, C), target="kubernetes-master-abc")
    assert not plan(BLUEPRINT, target, seen).blockers
    assert not plan(BLUEPRINT, operation(Verb.TEARDOWN, B), seen).blockers


def test_the_template_goes_with_the_last_group_only() -> None:
    of_c = f"delete-node-group/{C}/{GROUP}"
    assert keys(Verb.DELETE_NODES, C, with_nodes(B, C)) == [of_c]
    assert keys(Verb.DELETE_NODES, C, with_nodes(C)) == [of_c, "delete-node-template"]
    whole = plan(BLUEPRINT, operation(Verb.TEARDOWN, B), with_nodes(B, C))
    after = {p.key: p.after for p in whole.steps}
    assert set(after["delete-node-template"]) == {f"delete-node-group/{z}/{GROUP}" for z in (B, C)}
    assert whole.steps[-1].key == "release-address"
    assert [note.partition(" and ")[0] for note in whole.notes] == [
        f"3 nodes in {B}",
        f"3 nodes in {C}",
    ]
    assert set(after["release-address"]) == set(after) - {"release-address"}


# ---- what kube-down means where


def test_kube_down_means_nodes_alone_only_where_there_is_no_master() -> None:
    def verb(zone: str, seen: Observed, *, confirmed: bool = False) -> Verb | int:
        found = wish(Verb.TEARDOWN, zone, seen, confirmed=confirmed)
        return found.operation.verb if found.operation else found.blockers[0].exit_status

    one, three = with_nodes(B, C), with_nodes(B, C, sketch="++")
    assert verb(C, one) is Verb.DELETE_NODES
    assert verb(B, one) is Verb.TEARDOWN
    assert verb(D, one) == 3, "neither a master nor nodes: nothing is guessed"
    assert verb(D, one, confirmed=True) is Verb.TEARDOWN
    assert verb(B, three) == 5, "several masters want the word"
    assert verb(C, with_nodes(C), confirmed=True) is Verb.TEARDOWN


def test_deleting_a_zones_nodes_goes_on_when_its_groups_are_gone_already() -> None:
    """Else the second run of the same command would find nothing there, and refuse."""
    begun = operation(Verb.DELETE_NODES, C)
    seen = replace(with_nodes(operation=begun), nodes=Nodes(template=TEMPLATE))
    assert wish(Verb.TEARDOWN, C, seen).operation == begun
    assert keys(Verb.DELETE_NODES, C, seen) == ["delete-node-template"]


def test_unfinished_nodes_hinder_no_master_from_coming_or_going() -> None:
    for begun in (operation(Verb.ADD_NODES, B), operation(Verb.DELETE_NODES, C)):
        seen = with_nodes(B, sketch="+++", operation=begun)
        found = wish(Verb.REPLICATE, D, seen).operation
        assert found is not None
        assert found.verb is Verb.REPLICATE


def test_nodes_want_a_master_and_a_number() -> None:
    nobody = replace(cluster(""), address=None, uid="")
    assert wish(Verb.ADD_NODES, B, nobody).blockers[0].exit_status == 3
    none = replace(BLUEPRINT, nodes=NodeBlueprint())
    found = resolve(none, Intent(verb=Verb.ADD_NODES, zone=B), cluster("+"), operation_id="c" * 12)
    assert found.nothing_to_do


# ---- what is ours


def inventory(*instances: Instance, **parts: object) -> Inventory:
    plain = Inventory(server_time=NOW, zones=(), instances=instances)
    return replace(plain, **parts)  # type: ignore[arg-type]


def vm(name: str, mark: Mark) -> Instance:
    return replace(cluster("+").replicas[0].instance, name=name, labels=marks.mark_labels(mark))


def test_nodes_are_ours_by_whole_name_and_mark() -> None:
    mine = Mark(cluster="kubernetes", uid=UID, operation="a" * 12)
    theirs = replace(mine, uid="f" * 16)
    names = (GROUP, f"{GROUP}-2", f"test-{GROUP}", f"{GROUP}-2-old")
    groups = tuple(
        replace(group(B, name=n), description=marks.mark_description(mine)) for n in names
    )
    foreign = replace(group(C), description=marks.mark_description(theirs))
    stray, managed, other = f"{GROUP}-9-abcd", f"{GROUP}-abcd", f"{GROUP}-8-abcd"
    seen = understand_nodes(
        inventory(
            vm(stray, mine),
            vm(managed, mine),
            vm(other, theirs),
            vm("kubernetes-master", mine),
            managed_groups=(*groups, foreign),
        ),
        prefix="kubernetes",
        uid=UID,
    )
    assert [g.name for g in seen.groups] == [GROUP, f"{GROUP}-2"]
    assert [i.name for i in seen.strays] == [stray]
    (conflict,) = seen.conflicts
    assert conflict.resource == f"zones/{C}/instanceGroupManagers/{GROUP}"
    assert (
        understand_nodes(inventory(managed_groups=groups), prefix="kubernetes", uid="").groups
        == ()
    )


def test_routes_are_ours_by_name_and_by_a_node_of_this_region() -> None:
    def route(number: int, zone: str, node: str) -> Route:
        name = f"kubernetes-0f0e7c4a-93d2-4d1b-8f6a-00000000000{number}"
        return Route(name=name, next_hop=f"zones/{zone}/instances/{node}")

    ours = route(1, B, f"{GROUP}-abcd")
    abroad = route(2, "us-central1-a", f"{GROUP}-abcd")
    strangers = route(3, B, f"test-{GROUP}-abcd")
    nowhere = replace(ours, name=abroad.name, next_hop="")
    found = inventory(
        zones=(Zone(name=B, region="europe-west1"),), routes=(abroad, ours, strangers, nowhere)
    )
    assert understand_nodes(found, prefix="kubernetes", uid=UID).routes == (ours,)


@pytest.mark.parametrize(
    ("seen", "said", "noted"),
    [
        (with_nodes(B), (("NUM_NODES", "3"), ("NODE_SIZE", "e2-standard-8")), True),
        (with_nodes(), (("NODE_SIZE", "e2-standard-8"),), False),
        (with_nodes(B), (("NUM_NODES", "3"), ("KUBE_CREATE_NODES", "true")), False),
    ],
    ids=["another size", "first nodes", "numbers alone"],
)
def test_what_a_template_that_is_there_does_not_follow_is_said(
    seen: Observed, said: tuple[tuple[str, str], ...], *, noted: bool
) -> None:
    blueprint = replace(BLUEPRINT, nodes=replace(BLUEPRINT.nodes, said=said))
    notes = plan(blueprint, operation(Verb.ADD_NODES, C), seen).notes
    assert any(note.endswith("not looked at: NODE_SIZE") for note in notes) is noted
    assert noted or not notes
