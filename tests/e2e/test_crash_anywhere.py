"""Kill the program at every boundary, run the same command again: it converges.

Every verb is first run undisturbed, which tells how many steps and how many changes it has. Then,
from a copy of the same beginning, it is killed (a real SIGKILL) after each step, and within
each of its changes: when the change has been heard but not answered, or when it has been answered
but not awaited. Then the same command is run once. It must end with 0, in the same state as the
undisturbed run, with the lock free and nothing noted as unfinished. In every other case it first
forgets its keys, journal and kubeconfig, as a CI job on a fresh machine would.
"""

import json
import os
import shutil
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.end_states import contexts, differences, end_state
from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import (
    LETHAL_DELAY_S,
    B,
    C,
    D,
    Desk,
    ServedLab,
    lab_on_records,
    warm_up,
)

pytestmark = pytest.mark.forks

WORKERS = 2
SHARES = 12
KILLED = -9
FIRST = "kubernetes-master"

Command = Callable[..., Ended]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A verb in a situation."""

    masters: int
    """How many masters there are before it."""
    argv: tuple[str, ...]
    variables: Mapping[str, str]
    makes_kubeconfig: bool = False
    essential: str = ""
    """A step without which this is not the story that its name tells."""

    def run(self, desk: Desk, *more: str, fuse: int = 0) -> Ended:
        return desk.begin([*self.argv, *more], self.variables, fuse=fuse).wait()


_REPLICATE = {"KUBE_REPLICATE_EXISTING_MASTER": "true"}
_REMOVE = {"KUBE_DELETE_NODES": "false"}

STORIES: Mapping[str, Story] = {
    "create": Story(
        masters=0,
        argv=("up",),
        variables={"KUBE_GCE_ZONE": B},
        makes_kubeconfig=True,
        essential="reserve-address",
    ),
    "replicate 1 to 2": Story(
        masters=1,
        argv=("up",),
        variables={"KUBE_GCE_ZONE": C, **_REPLICATE},
        makes_kubeconfig=True,
        essential="promote-endpoint",
    ),
    "replicate 2 to 3": Story(
        masters=2,
        argv=("up",),
        variables={"KUBE_GCE_ZONE": D, **_REPLICATE},
        makes_kubeconfig=True,
        essential="admit",
    ),
    "remove the leader, 3 to 2": Story(
        masters=3,
        argv=("down",),
        # whoever boots second, when the lab is opened again, makes the quorum and leads
        variables={"KUBE_GCE_ZONE": C, **_REMOVE},
        essential="yield-leadership",
    ),
    "remove 2 to 1": Story(
        masters=2,
        argv=("down",),
        variables={"KUBE_GCE_ZONE": C, **_REMOVE},
        essential="demote-endpoint",
    ),
    "tear down 1": Story(
        masters=1,
        argv=("down",),
        variables={"KUBE_GCE_ZONE": B},
        essential="release-address",
    ),
    "tear down 3": Story(
        masters=3,
        argv=("down",),
        variables={"KUBE_GCE_ZONE": B, "HAKUBE_CONFIRM_TEARDOWN": "kubernetes"},
        essential="delete-rule",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A lab and a desk that one command is tried in."""

    lab: ServedLab
    desk: Desk


@contextmanager
def scene(folder: Path, beginning: Path | None) -> Iterator[Scene]:
    """Set the scene anew, from a copy of a beginning."""
    if beginning is not None:
        shutil.copytree(beginning, folder)
    with lab_on_records(folder / "lab") as lab:
        yield Scene(lab=lab, desk=Desk(folder=folder / "desk", lab=lab))


@pytest.fixture(scope="module")
def beginnings(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Folders of labs at rest with none, one, two and three masters."""
    warm_up()
    root = tmp_path_factory.mktemp("beginnings")
    made = [root / str(masters) for masters in range(4)]
    for masters, name in enumerate(["", "create", "replicate 1 to 2", "replicate 2 to 3"]):
        with scene(made[masters], made[masters - 1] if masters else None) as stage:
            if name:
                ended = STORIES[name].run(stage.desk)
                assert ended.status == 0, ended
    return made


# ------------------------------------------------------------------------------ where to kill


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A moment in a run."""

    what: str
    """step, heard or answered."""
    number: int
    forget: bool
    """Whether the machine forgets everything before the second run."""

    def __str__(self) -> str:
        where = {"step": "after step", "heard": "within change", "answered": "after change"}
        return f"{where[self.what]} {self.number}{', machine forgets' if self.forget else ''}"

    def strike(self, story: Story, stage: Scene) -> Ended:
        """Run the command until it is killed at this moment."""
        if self.what == "step":
            return story.run(stage.desk, fuse=self.number)
        match = '"requestId"' if self.what == "heard" else "Operations.wait"
        stage.lab.fault(method="*", match=match, nth=self.number, delay_s=LETHAL_DELAY_S)
        ended = story.run(stage.desk)
        stage.lab.heal()
        return ended


@dataclass(frozen=True, slots=True, kw_only=True)
class Undisturbed:
    """A verb's course when nobody kills it."""

    steps: int
    changes: int
    end: Mapping[str, Any]
    contexts: Mapping[str, str]


def undisturbed(story: Story, stage: Scene) -> Undisturbed:
    known = stage.lab.dump()
    planned = story.run(stage.desk, "--dry-run", "--output", "json").result()["steps"]
    assert not stage.lab.calls(), "a dry run has changed something"
    assert story.essential in {"", *planned}, planned
    ended = story.run(stage.desk)
    assert ended.status == 0, ended
    assert len(ended.steps) == len(planned) - ("reserve-address" in planned), (ended, planned)
    changes = len(stage.lab.calls())
    return Undisturbed(
        steps=len(ended.steps),
        changes=changes,
        end=end_state(stage.lab, known),
        contexts=contexts(stage.desk),
    )


def kills(course: Undisturbed, share: int) -> list[Kill]:
    """List the moments of one run: a twelfth of the steps and changes, in turns; the others later.

    Over all shares every step and every change is a command's last one.
    """
    steps = [
        Kill(what="step", number=n, forget=n // 2 % 2 == 1) for n in range(1, course.steps + 1)
    ]
    changes = [
        Kill(what=("heard", "answered")[n // 2 % 2], number=n, forget=n // 4 % 2 == 1)
        for n in range(1, course.changes + 1)
    ]
    return steps[share::SHARES] + changes[share::SHARES]


# ---------------------------------------------------------------------------------- the trial


def trial(story: Story, kill: Kill, course: Undisturbed, stage: Scene) -> list[str]:
    """Kill the command, run it again; say what is not as it must be."""
    known = stage.lab.dump()
    killed = kill.strike(story, stage)
    if killed.status != KILLED:
        return [f"was not killed: {killed}"]
    if kill.forget:
        stage.desk.forget()
    if not differences(course.end, end_state(stage.lab, known)):
        return []  # it had let go of the lock, all was done: to ask again would be a new wish
    again = story.run(stage.desk)
    problems = differences(course.end, end_state(stage.lab, known))
    if again.status != 0 or problems:
        problems = [f"killed: {killed}", f"again: {again}", *problems]
    if story.makes_kubeconfig and contexts(stage.desk) != course.contexts:
        problems.append(f"kubeconfig: {contexts(stage.desk)}, not {course.contexts}\n{again}")
    return problems


def in_workers(tasks: Sequence[Callable[[], list[str]]], folder: Path) -> list[list[str]]:
    """Carry tasks out in a few processes; each returns what went wrong."""
    reports = [folder / f"report-{worker}" for worker in range(WORKERS)]
    pids = []
    for worker, report in enumerate(reports):
        pid = os.fork()
        if not pid:
            _be_a_worker(tasks[worker::WORKERS], report)
        pids.append(pid)
    for pid in pids:
        os.waitpid(pid, 0)
    results: list[list[str]] = [["its worker died"] for _ in tasks]
    for worker, report in enumerate(reports):
        lines = report.read_text(encoding="utf-8").splitlines() if report.exists() else []
        for number, line in enumerate(lines):
            results[worker + number * WORKERS] = json.loads(line)
    return results


def _be_a_worker(tasks: Sequence[Callable[[], list[str]]], report: Path) -> None:
    try:
        with report.open("w", encoding="utf-8") as out:
            for task in tasks:
                try:
                    problems = task()
                except Exception:  # noqa: BLE001 - whatever it is belongs into the report
                    problems = [traceback.format_exc()]
                out.write(json.dumps(problems) + "\n")
                out.flush()
    finally:
        sys.stdout.flush()
        os._exit(0)


@pytest.mark.parametrize(
    "share", [0, *(pytest.param(n, marks=pytest.mark.slow) for n in range(1, SHARES))]
)
@pytest.mark.parametrize("name", STORIES)
def test_a_killed_run_is_finished_by_the_same_command(
    name: str, share: int, beginnings: list[Path], tmp_path: Path
) -> None:
    """A twelfth of all moments in each run: killed unheard or unanswered, with keys or without.

    Every boundary, in all variants, is the simulation's business; here a real process is killed.
    """
    story = STORIES[name]
    check_convergence(story, beginnings[story.masters], share, tmp_path)


def check_convergence(
    story: Story, beginning: Path, share: int, tmp_path: Path, *, at_least: int = 6
) -> None:
    """Kill a verb at a twelfth of all moments, and see the same command finish it each time."""
    with scene(tmp_path / "undisturbed", beginning) as stage:
        course = undisturbed(story, stage)
    moments = kills(course, share)

    def task(kill: Kill, folder: Path) -> list[str]:
        with scene(folder, beginning) as stage:
            problems = trial(story, kill, course, stage)
        if not problems:
            shutil.rmtree(folder)
        return problems

    tasks = [lambda k=k, i=i: task(k, tmp_path / str(i)) for i, k in enumerate(moments)]
    results = in_workers(tasks, tmp_path)
    failed = [f"== {k}\n" + "\n".join(p) for k, p in zip(moments, results, strict=True) if p]
    assert len(moments) >= (course.steps + course.changes) // SHARES - 1
    assert min(course.steps, course.changes) >= at_least, "hardly anybody was killed"
    assert not failed, f"{len(failed)} of {len(moments)} kills\n" + "\n".join(failed)
