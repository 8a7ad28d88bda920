"""What chaos chooses, how it judges, and where it writes its figures: values in, values out."""

import ast
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tests.chaos import telling
from tests.chaos.drills import KEYS, Drilled
from tests.chaos.events import STRETCH, ZONES, choose_errands, choose_events
from tests.chaos.history import Operation, read_lines, write_lines
from tests.chaos.lab import Ran
from tests.chaos.linear import anomalies
from tests.chaos.plant import plant, search_for_planted
from tests.chaos.verdict import Checked, Seen, flaws

ROOT = Path(__file__).resolve().parents[2]

# ---------------------------------------------------------------------------------------- choices


def test_a_seed_chooses_the_same_each_time_and_another_seed_something_else() -> None:
    assert choose_events(5, 200) == choose_events(5, 200)
    assert choose_events(5, 200) != choose_events(6, 200)
    assert list(islice(choose_errands(5), 50)) == list(islice(choose_errands(5), 50))
    assert list(islice(choose_errands(5), 50)) != list(islice(choose_errands(6), 50))


def test_a_longer_campaign_begins_as_the_shorter_one() -> None:
    assert choose_events(5, 200)[:50] == choose_events(5, 50)


def test_two_hundred_events_hold_every_trouble_and_every_zone() -> None:
    chosen = choose_events(1, 200)
    counted = Counter(event.trouble for event in chosen)
    assert len(counted) == 8
    assert min(counted.values()) >= 3
    assert {event.zones[0] for event in chosen} == set(ZONES)
    assert {errand.kind for errand in islice(choose_errands(1), 20)} == {
        "replace",
        "add, then remove",
    }


def test_nothing_dies_in_a_gentle_stretch() -> None:
    gentle = choose_events(1, 200)[STRETCH : 2 * STRETCH]
    assert all(event.trouble.startswith("pause") and event.lasts_s < 1 for event in gentle)


# -------------------------------------------------------------------------------------- judgement

DONE = Ran(shown="bin/kube-up.sh", status=0, seconds=9.0, result={}, said=())
GOOD = Seen(
    events_wanted=100,
    events={"kill etcd": 60, "pause etcd": 40},
    acknowledged={f"client-{n}": 1000 for n in range(6)},
    unknown=12,
    checked=Checked(operations=6100, anomalies=(), planted=60, planted_found=60, seconds=0.1),
    writes=3000,
    lost=(),
    diverging=(),
    longest_gap_s=3.1,
    premature_voters=(),
    looks=900,
    commands=(DONE,) * 5,
    errands=("replace in europe-west1-b",),
    final_verdict="healthy",
    seconds=130.0,
)


def checked(**changed: Any) -> Seen:
    return replace(GOOD, checked=replace(GOOD.checked, **changed))


WRONG = {
    "an anomaly": (checked(anomalies=("chaos/1/2",)), "not linearizable"),
    "a lost write": (replace(GOOD, lost=("written/7 at a",)), "acknowledged writes are lost"),
    "a checker that is blind": (checked(planted_found=59), "missed 1 planted"),
    "a member with other data": (replace(GOOD, diverging=("https://a: 1",)), "data differs"),
    "a premature voter": (replace(GOOD, premature_voters=("https://a",)), "before it had started"),
    "a bug of ours": (replace(GOOD, commands=(replace(DONE, status=1),) * 5), "exit status 1"),
    "a command that hung": (
        replace(GOOD, commands=(*GOOD.commands, replace(DONE, status=None))),
        "exit status None",
    ),
    "an end before its time": (replace(GOOD, problem="NobodyThere: x"), "NobodyThere"),
    "a cluster that stays ill": (replace(GOOD, final_verdict="at-risk"), "at-risk"),
    "too few events": (replace(GOOD, events={"kill etcd": 99}), "too few events"),
    "no events asked for": (replace(GOOD, events_wanted=0, events={}), "too few events"),
    "too few operations": (
        replace(GOOD, acknowledged=dict.fromkeys("abcdef", 300)),
        "too few acknowledged operations",
    ),
    "too few clients": (replace(GOOD, acknowledged=dict.fromkeys("abcd", 9999)), "few clients"),
    "a client that did nothing": (
        replace(GOOD, acknowledged={**GOOD.acknowledged, "client-0": 0}),
        "of one client",
    ),
    "too few writes": (replace(GOOD, writes=499), "too few acknowledged writes"),
    "nobody looked": (replace(GOOD, looks=0), "too few looks"),
    "none of our commands": (replace(GOOD, commands=()), "too few commands"),
    "nothing planted": (checked(planted=0, planted_found=0), "too few planted"),
}


def test_a_good_campaign_has_no_flaw() -> None:
    assert flaws(GOOD) == []


@pytest.mark.parametrize("name", WRONG)
def test_what_may_not_be_is_said(name: str) -> None:
    seen, said = WRONG[name]
    assert [flaw for flaw in flaws(seen) if said in flaw] != []


def test_what_trouble_may_lead_to_is_no_flaw() -> None:
    refused = tuple(replace(DONE, status=status) for status in (5, 7, 9))
    assert flaws(replace(GOOD, commands=(*GOOD.commands, *refused))) == []


DRILLED = Drilled(
    kind="all disks",
    how="VMs and disks deleted",
    acknowledged=KEYS + 300,
    promised=KEYS,
    kept=KEYS,
    least_share=0.999,
    given_up=300,
    outage_s=12.0,
    commands=(DONE,),
)


def test_a_drill_may_not_lose_what_was_promised() -> None:
    assert DRILLED.flaws() == []
    assert replace(DRILLED, kept=KEYS - 2).flaws() == []
    assert len(replace(DRILLED, kept=KEYS - 3).flaws()) == 1
    assert len(replace(DRILLED, kept=KEYS - 1, least_share=1.0).flaws()) == 1


def test_a_drill_that_counted_nothing_has_not_passed() -> None:
    assert len(replace(DRILLED, promised=0, kept=0).flaws()) == 1
    assert len(replace(DRILLED, problem="DrillFailed: x").flaws()) == 1


# ---------------------------------------------------------------------------------------- planting


def recorded(writes: int) -> list[Operation]:
    """Give a good history: every value written, then read twice."""
    found = []
    for n in range(writes):
        common = {"client": "c", "key": f"k{n % 3}"}
        start = 100 * n
        found.append(_ok("put", start, wrote=f"w{n}", **common))
        found += [_ok("get", start + 20 * m, saw=f"w{n}", **common) for m in (1, 2)]
    return found


def _ok(kind: str, start: int, **more: Any) -> Operation:
    times = {"invoked_ns": start, "returned_ns": start + 10}
    return Operation(kind=kind, outcome="ok", **times, **more)  # type: ignore[arg-type]  # a shorthand of tests


def test_every_planted_violation_is_found() -> None:
    history = recorded(90)
    assert anomalies(history) == []
    found = search_for_planted(history, count=60, seed=3)
    assert found.planted == {"stale read": 30, "lost write": 30}
    assert found.found == 60


def test_violations_are_planted_in_different_places() -> None:
    places = {tuple(lie.history) for lie in plant(recorded(90), count=60, seed=3)}
    assert len(places) > 50


def test_nothing_can_be_planted_where_nothing_happened() -> None:
    assert search_for_planted([], count=60, seed=3).total == 0


def test_a_history_survives_its_file(tmp_path: Path) -> None:
    history = recorded(5)
    write_lines(history, tmp_path / "history")
    assert read_lines(tmp_path / "history") == history


# ----------------------------------------------------------------------------------------- records


def test_a_record_replaces_its_section_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("one\n<!-- a: begin -->\nold\n<!-- a: end -->\ntwo\n<!-- b: begin -->\n")
    telling.record(page, "a", r"new \1")
    text = page.read_text()
    assert text == "one\n<!-- a: begin -->\nnew \\1\n<!-- a: end -->\ntwo\n<!-- b: begin -->\n"


def test_a_page_without_the_section_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here\n")
    with pytest.raises(ValueError, match="0 sections"):
        telling.record(page, "a", "new")
    assert page.read_text() == "nothing here\n"


def test_the_page_has_a_section_for_each_kind_of_figure() -> None:
    page = (ROOT / "docs/RELIABILITY.md").read_text(encoding="utf-8")
    for section in ("chaos", "drills"):
        assert page.count(f"<!-- {section}: begin -->") == 1


# ------------------------------------------------------------------------------------ independence


def test_who_looks_imports_nothing_of_what_is_looked_at() -> None:
    paths = sorted((ROOT / "tests/chaos").glob("*.py"))
    assert len(paths) > 10
    for path in paths:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        named = {a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
        named |= {n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
        assert [name for name in named if name.startswith("hakube_gce")] == [], path
