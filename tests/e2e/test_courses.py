"""Several operations in one command, through the real program, on a lab of records."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.end_states import lock_and_operation
from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import B, C, D, Desk, lab_on_records, warm_up

pytestmark = pytest.mark.forks


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        yield Desk(folder=tmp_path / "desk", lab=lab)


def ok(ended: Ended) -> dict[str, object]:
    assert ended.status == 0, ended
    return ended.result()


def places(desk: Desk) -> dict[str, str]:
    return {r["name"]: r["zone"] for r in desk.status()["replicas"]}


def reasons(ended: Ended, status: int) -> object:
    assert ended.status == status, ended
    return ended.result()["reasons"]


@pytest.mark.slow
def test_a_cluster_of_three_in_one_go_and_other_numbers_later(desk: Desk) -> None:
    made = desk.run("up", "--output", "json", KUBE_MASTER_ZONES=f"{B},{C},{D}")
    assert ok(made)["changed"] is True
    assert sorted(places(desk).values()) == [B, C, D]
    assert f"lose zone {B}: 2 of 3 voters left, 2 needed: quorum kept" in made.stderr
    again = desk.run("up", "--output", "json", KUBE_MASTER_ZONES=f"{B},{C},{D}")
    assert ok(again)["changed"] is False

    assert reasons(desk.run("scale", "--to", "5", "--output", "json"), 5) == ["NoFreeZone"]
    assert reasons(desk.run("scale", "--to", "4", "--output", "json"), 5) == ["EvenMasters"]
    ok(desk.run("scale", "--to", "5", "--output", "json", HAKUBE_SAME_ZONE="true"))
    assert len(places(desk)) == 5
    window = ok(desk.run("scale", "--to", "1", "--output", "json"))["window"]
    assert isinstance(window, dict)
    assert window["kind"] == "demotion"
    assert len(places(desk)) == 1
    assert desk.status()["verdict"] == "healthy"
    assert not lock_and_operation(desk.lab)


def test_a_course_that_has_arrived_says_what_is_wrong_with_its_cluster(desk: Desk) -> None:
    ok(desk.run("up", "--output", "json", KUBE_MASTER_ZONES=f"{B},{C},{D}"))
    sound = desk.run("scale", "--to", "3", "--output", "json")
    assert "note: the cluster is" not in sound.stderr
    desk.lab.kill("kubernetes-master")
    ended = desk.run("scale", "--to", "3", "--output", "json")
    assert ok(ended)["changed"] is False
    assert "note: the cluster is at-risk; see `hakube status`" in ended.stderr


def test_a_course_that_was_cut_short_is_gone_on_with(desk: Desk) -> None:
    assert desk.up(B).status == 0
    no = {"http": 403, "reason": "forbidden", "message": "no"}
    desk.lab.fault(method="instances.insert", error=no)
    ended = desk.run("scale", "--to", "3", "--output", "json")
    assert ended.status == 8, ended
    desk.lab.heal()
    command = str(ended.result()["next_command"])
    assert command.endswith("scale --to 3")
    ok(desk.run("scale", "--to", "3", "--output", "json"))


def test_a_founding_cut_short_goes_on_as_printed_in_a_network_of_its_own(desk: Desk) -> None:
    said = {
        "KUBE_GCE_NETWORK": "mine",
        "CREATE_CUSTOM_NETWORK": "true",
        "HAKUBE_LB": "target-pool",
        "MASTER_SIZE": "e2-standard-4",
    }
    no = {"http": 403, "reason": "forbidden", "message": "no"}
    desk.lab.fault(method="disks.insert", error=no)
    ended = desk.run("up", "--output", "json", KUBE_MASTER_ZONES=f"{B},{C},{D}", **said)
    assert ended.status == 8, ended
    desk.lab.heal()
    shown = desk.run("status", KUBE_GCE_ZONE=B).stdout
    assert re.search(
        r"^unfinished: create\n  next: .*KUBE_GCE_ZONE=\S+ .*up", shown, re.MULTILINE
    ), shown
    printed = shlex.split(str(ended.result()["next_command"]))
    variables = dict(word.split("=", 1) for word in printed if "=" in word)
    assert {k: variables[k] for k in said} == said
    ok(desk.run("up", "--output", "json", **variables))
    assert sorted(places(desk).values()) == [B, C, D]
    assert sorted(places(desk).values()) == [B, C, D]


def test_the_runbook_is_what_replace_does(desk: Desk) -> None:
    ok(desk.run("up", "--output", "json", KUBE_MASTER_ZONES=f"{B},{C},{D}"))
    (second,) = [name for name, zone in places(desk).items() if zone == C]
    printed = ok(desk.run("runbook", "replace", second, "--output", "json"))["steps"]
    assert isinstance(printed, list)
    for step in printed[1:-1]:
        words = shlex.split(step["command"])
        variables = dict(w.split("=", 1) for w in words if "=" in w)
        verb = "up" if words[-1].endswith("up.sh") else "down"
        ended = desk.run(verb, **variables)
        assert ended.status == 0, ended
    by_hand = places(desk)
    assert second not in by_hand
    assert sorted(by_hand.values()) == [B, C, D]
    (third,) = [name for name, zone in by_hand.items() if zone == D]
    assert ok(desk.run("replace", third, "--output", "json"))["changed"] is True
    assert third not in places(desk)
    assert sorted(places(desk).values()) == [B, C, D]
    desk.lab.kill("kubernetes-master")
    done = ok(desk.run("replace", "kubernetes-master", "--output", "json"))
    assert done["verb"] == "replace"
    assert "kubernetes-master" in places(desk), "it came back on its own disk"
    again = desk.run("replace", third, "--output", "json")
    assert ok(again)["changed"] is False, "somebody is in its place already"
    nobody = desk.run("replace", "kubernetes-master-fff", "--output", "json")
    assert reasons(nobody, 3) == ["NoSuchReplica"]


@pytest.mark.parametrize(
    ("zones", "more"), [(f"{B},{C},{D}", True), (B, False)], ids=["three", "one"]
)
@pytest.mark.parametrize(("option", "status"), [("--dry-run", 0), ("--check", 10)])
def test_a_plan_says_when_it_is_only_the_first_of_several(
    desk: Desk, zones: str, more: bool, option: str, status: int
) -> None:
    shown = desk.run("up", option, KUBE_MASTER_ZONES=zones)
    assert shown.status == status, shown
    assert "to create" in shown.stdout
    assert ("first of several operations" in shown.stdout) is more
    assert ("until there are 3 masters" in shown.stdout) is more
    assert not desk.status()["replicas"]


@pytest.mark.parametrize(
    ("zones", "said"),
    [
        (f"{B},us-central1-a", "zones of 2 regions"),
        (f"{B},{B},{C}", "HAKUBE_SAME_ZONE=true"),
        ("b,c", "which is not the name of a zone"),
    ],
)
def test_zones_that_make_no_cluster_are_refused_before_anything_is_looked_at(
    desk: Desk, zones: str, said: str
) -> None:
    ended = desk.run("up", KUBE_MASTER_ZONES=zones)
    assert ended.status == 2, ended
    assert said in ended.stderr


def test_all_that_a_teardown_deletes_was_shown_when_it_was_made(desk: Desk) -> None:
    made, gone = desk.run("up", KUBE_GCE_ZONE=B), desk.run("down", KUBE_GCE_ZONE=B)
    assert (made.status, gone.status) == (0, 0)
    shown = {(sign, kind, name) for sign, kind, name in map(_line, made.stdout.splitlines())}
    deleted = {
        (kind, name) for sign, kind, name in map(_line, gone.stdout.splitlines()) if sign == "-"
    }
    assert ("address", "kubernetes-master-ip") in deleted
    assert deleted <= {(kind, name) for sign, kind, name in shown if sign == "+"}


def _line(text: str) -> tuple[str, str, str]:
    words = text.split()
    return (words[0], words[1], words[2]) if len(words) > 2 else ("", "", "")
