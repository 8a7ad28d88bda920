"""`hakube whatif` against a lab: it changes nothing, and what it foretells comes true."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import B, C, D, Desk, lab_on_records, warm_up

pytestmark = pytest.mark.forks


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """An operator with three masters, one a zone."""
    warm_up()
    root = tmp_path_factory.mktemp("whatif")
    with lab_on_records(root / "lab") as lab:
        desk = Desk(folder=root / "desk", lab=lab)
        for made in (desk.up(B), desk.replicate(C), desk.replicate(D)):
            assert made.status == 0, made
        yield desk


def ask(desk: Desk, *words: str) -> Ended:
    before, calls = json.dumps(desk.lab.dump()), len(desk.lab.calls())
    ended = desk.run("whatif", *words, KUBE_GCE_ZONE=B)
    assert (json.dumps(desk.lab.dump()), len(desk.lab.calls())) == (before, calls), ended
    return ended


def figures(status: Mapping[str, Any]) -> tuple[object, ...]:
    etcd = status["etcd"]
    return (etcd["voters"], etcd["healthy_voters"], etcd["quorum"], etcd["tolerates"])


def test_an_answer_for_people(desk: Desk) -> None:
    ended = ask(desk, "lose zone", C)
    assert ended.status == 0, ended
    sums, verdict, meaning, *notes, then = ended.stdout.splitlines()
    assert all(note.startswith("note: ") for note in notes)
    assert "now 3 healthy of 3 voters, 2 needed; then 2 healthy of 3 voters, 2 needed" in sums
    assert verdict == "verdict: healthy -> at-risk"
    assert meaning.startswith("writing goes on and clients are served on the cluster IP")
    assert "KUBE_DELETE_NODES=false" in then


def test_a_question_that_is_none_exits_2_with_examples(desk: Desk) -> None:
    ended = ask(desk, "what if zone b burns?")
    assert ended.status == 2, ended
    assert 'hakube whatif "lose zone europe-west1-b"' in ended.stderr
    assert "Nothing was changed." in ended.stderr


@pytest.mark.parametrize("question", ["lose zone mars-north1-a", "remove nobody", f"lose x{B}"])
def test_who_does_not_exist_exits_3(desk: Desk, question: str) -> None:
    ended = ask(desk, question, "--output", "json")
    assert ended.status == 3, ended
    assert (ended.result()["verb"], ended.result()["changed"]) == ("whatif", False)


def test_what_is_foretold_of_a_loss_comes_true(desk: Desk) -> None:
    name = next(r["name"] for r in desk.status()["replicas"] if r["zone"] == D)
    foretold = ask(desk, f"lose {name}", "--output", "json").result()
    desk.lab.kill(name)
    status = desk.status()
    assert figures(status) == tuple(
        foretold[key] for key in ("voters", "healthy", "quorum", "tolerates")
    )
    assert foretold["verdict"] == {"before": "healthy", "after": status["verdict"]}
    assert foretold["endpoint_survives"] is desk.lab.serves(status["endpoint"]["address"])
    assert foretold["lost"] == [name]
    refused = ask(desk, f"add {D}", "--output", "json").result()
    assert refused["refused"] == "DeadVoter"


def test_only_the_words_are_needed_to_be_refused(desk: Desk, tmp_path: Path) -> None:
    """A slip costs no look at the cluster, nor a lab to look at."""
    nowhere = Desk(folder=tmp_path, lab=desk.lab, exported={"PROJECT": "nobody-s"})
    assert nowhere.run("whatif", "lose", HAKUBE_COMPUTE_ENDPOINT="http://127.0.0.1:9").status == 2
