"""Random walks; a failing seed is printed with its story and replays."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulation.stories import in_memory
from tests.simulation.walks import Outcome, walk

ROOT = Path(__file__).resolve().parents[2]
SEEDS = 1000
LONGEST = 3
"""Events of a walk here; those of ``scripts/chaos --simulate`` are longer."""
_SHARES = 8
"""Tests that share the seeds: so that two cores can."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    found = in_memory()
    yield found
    shutil.rmtree(found)


def told(outcome: Outcome) -> str:
    again = (
        f"again: python -m tests.simulation --seed {outcome.seed} --longest {LONGEST} --verbose"
    )
    return "\n".join([f"== seed {outcome.seed}", *outcome.story, *outcome.problems, again])


@pytest.mark.parametrize("share", range(_SHARES))
def test_every_walk_ends_in_an_empty_project(share: int, folder: Path) -> None:
    outcomes = [walk(seed, folder, LONGEST) for seed in range(1 + share, 1 + SEEDS, _SHARES)]
    failed = [told(outcome) for outcome in outcomes if outcome.problems]
    assert not failed, "\n".join(failed)
    statuses: Counter[int] = sum((o.statuses for o in outcomes), Counter())
    assert len(outcomes) == SEEDS // _SHARES
    assert statuses[0] > len(outcomes), "hardly anything succeeded"
    assert statuses[-9] > len(outcomes) // 10, "hardly anybody was killed"
    idle = sum(not o.changes for o in outcomes)
    assert idle <= len(outcomes) // 20, f"{idle} walks changed nothing"


def test_a_seed_is_one_walk_in_any_process(folder: Path) -> None:
    """Hash seeds differ between the two, so nothing may depend on the order of a set."""
    program = (
        "import hashlib, sys; from pathlib import Path; from tests.simulation.walks import walk; "
        "o = walk(7, Path(sys.argv[1])); "
        "print(hashlib.sha256(repr((o.trace, o.story)).encode()).hexdigest(), len(o.trace))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", program, str(folder / "one")],
            cwd=ROOT,
            env={"PYTHONHASHSEED": hash_seed, "PATH": os.defpath},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for hash_seed in ("1", "2")
    }
    assert len(found) == 1, found
    assert int(found.pop().split()[1]) > 50
