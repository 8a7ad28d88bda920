"""Hostile environments through the whole program: refused in words, and nothing anywhere changes.

The table is data (`tests/fakes/hostile_environments.py`); here each row is run, in a folder of its
own, against a cluster of three that must stay what it is.
"""

import json
import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import B, C, D, Desk, lab_on_records, warm_up
from tests.e2e.refusing import REPLICATE, named
from tests.fakes.hostile_environments import CORPUS, TRAPS, Hostile
from tests.fakes.hostile_generator import drawn

pytestmark = pytest.mark.forks

GROUPS = 40
FEW = 90
DRAWN_FOR_ALL_THE_WAY = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A cluster, and an operator's machine full of traps."""

    desk: Desk
    root: Path

    @property
    def here(self) -> Path:
        """The folder commands are run in."""
        return self.root / "here"

    @property
    def traps(self) -> Path:
        return self.root / "traps"

    def begin_in(self, dotenv: bytes | None) -> None:
        shutil.rmtree(self.here, ignore_errors=True)
        self.here.mkdir()
        if dotenv is not None:
            (self.here / ".env").write_bytes(dotenv)
            (self.here / ".env").chmod(0o600)

    def files(self) -> dict[str, bytes | None]:
        """Everything outside the state folder, and what is in it."""
        outputs = set(self.desk.folder.glob("output-*"))
        places = [self.here, self.traps, self.desk.kubeconfig.parent]
        return {
            str(path): path.read_bytes() if path.is_file() else None
            for place in places
            for path in place.rglob("*")
            if path not in outputs and self.desk.home not in (path, *path.parents)
        }


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    warm_up()
    root = tmp_path_factory.mktemp("hostile")
    set_traps(root / "traps")
    with lab_on_records(root / "lab") as lab:
        desk = Desk(folder=root / "desk", lab=lab, stands_in=root / "here")
        found = Target(desk=desk, root=root)
        found.begin_in(None)
        for zone in (B, C, D):
            made = desk.run("up", **named("trio", zone, **(REPLICATE if zone != B else {})))
            assert made.status == 0, made
        yield found
    (root / "traps/shut").chmod(0o700)


def set_traps(folder: Path) -> None:
    folder.mkdir()
    for name, content in TRAPS.items():
        (folder / name).write_bytes(content)
    (folder / "dangling").symlink_to(folder / "nowhere")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / "open").mkdir()
    (folder / "open").chmod(0o777)
    (folder / "shut").mkdir(mode=0o000)


def run(target: Target, case: Hostile) -> Ended:
    """Run one row as its operator would."""
    target.begin_in(case.dotenv)
    variables = {**named("trio", B), **case.variables}
    variables |= {name: str(target.traps / below) for name, below in case.paths.items()}
    if case.dotenv is not None:
        variables["HAKUBE_ENV_FILE"] = str(target.here / ".env")
    argv = [case.verb]
    if not case.is_wrong:
        argv += ["--output", "json"]
        argv += ["--dry-run"] if case.verb != "status" else []
    ended = target.desk.begin(argv, variables).wait()
    for left in target.desk.folder.glob("output-*"):
        left.unlink()
    return ended


def faults(case: Hostile, ended: Ended) -> Iterator[str]:
    """Say what is wrong with a row's end."""
    said = ended.stdout + ended.stderr
    if ended.status not in case.statuses:
        yield f"exit status {ended.status}"
    if "Traceback" in said or "bug:" in said:
        yield "a bug was met"
    if not said.replace("\n", "").isprintable():
        yield "raw control characters"
    if case.is_wrong and "Nothing was changed" not in said:
        yield "it does not say that nothing was changed"
    if case.means and json.loads(ended.stdout)["verb"] != case.means:
        yield f"it means {json.loads(ended.stdout)['verb']}"


def endured(target: Target, cases: Sequence[Hostile]) -> list[str]:
    """Run rows; return what is wrong with any of them."""
    before, calls = json.dumps(target.desk.lab.dump()), len(target.desk.lab.calls())
    found, ran = [], 0
    for case in cases:
        target.begin_in(case.dotenv)
        files = target.files()
        ended = run(target, case)
        ran += 1
        found += [f"{case.about}: {fault}\n{ended}"[:3000] for fault in faults(case, ended)]
        if len(target.desk.lab.calls()) != calls:
            found.append(f"{case.about}: it changed the lab\n{ended}")
            calls = len(target.desk.lab.calls())
        if target.files() != files and "HAKUBE_HOME" not in case.paths:
            found.append(f"{case.about}: it changed files outside its folder\n{ended}")
    assert ran == len(cases) > 0
    assert json.dumps(target.desk.lab.dump()) == before
    return found


def generated(count: int) -> list[Hostile]:
    """Draw environments for the whole way; whatever is legal is only planned."""
    rng = random.Random(7)  # noqa: S311 - the same every time
    found = []
    for number in range(count):
        verb, variables = drawn(rng)
        # the places of this test's own stay: they would lead away from the lab, and another
        # project has its default network laid out when it is first looked at
        mine = {
            "HAKUBE_HOME", "HAKUBE_COMPUTE_ENDPOINT", "KUBECONFIG", "HAKUBE_ENV_FILE", "PROJECT",
        }  # fmt: skip
        # a NUL cannot stand in a process environment
        kept = {k: v for k, v in variables.items() if k not in mine and "\0" not in k + v}
        kept = {k: v for k, v in kept.items() if k and "=" not in k}
        found.append(
            Hostile(
                about=f"drawn {number}: {verb} {kept}"[:300],
                verb=verb,
                variables=kept,
                statuses=frozenset({0, 2, 3, 4, 5}),
            )
        )
    return found


def test_the_table_is_large_and_holds_nothing_twice() -> None:
    assert len({case.about for case in CORPUS}) == len(CORPUS) >= 900
    assert sum(case.is_wrong for case in CORPUS) > 800
    assert {case.means for case in CORPUS} >= {"create", "replicate", "remove", "teardown"}


def test_a_program_that_says_nothing_would_be_noticed() -> None:
    case = CORPUS[0]
    ended = Ended(status=1, stdout="", stderr="Traceback\x1b", cpu_s=0, wall_s=0)
    assert len(list(faults(case, ended))) == 4
    good = replace(ended, status=2, stderr="Nothing was changed.")
    assert list(faults(case, good)) == []


def test_a_spread_of_the_table(target: Target) -> None:
    spread = CORPUS[:: len(CORPUS) // FEW]
    assert len(spread) >= FEW
    assert endured(target, spread) == []


@pytest.mark.slow
@pytest.mark.parametrize("group", range(GROUPS))
def test_the_whole_table(group: int, target: Target) -> None:
    assert endured(target, CORPUS[group::GROUPS]) == []


@pytest.mark.slow
def test_drawn_environments_all_the_way(target: Target) -> None:
    assert endured(target, generated(DRAWN_FOR_ALL_THE_WAY)) == []
