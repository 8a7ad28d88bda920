"""Does the test that is named for a mistake mind it? Applies each to a copy of the tree and looks.

The named tests must pass as they are; then, with one mistake planted, the one named for it must
fail. A mistake whose text does not stand in the code any more counts as not caught: somebody has
to look at it. Nothing outside the copies is written.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from mutants_networks import NETWORK_MUTANTS
from mutants_table import MUTANTS, PACKAGE, Mutant

ROOT = Path(__file__).resolve().parent.parent
COPIED = (PACKAGE, "tests", "scripts", "docs", "bin", "pyproject.toml", "README.md")
AT_ONCE = 2
TIMEOUT_S = 600
_TESTS_FAILED = 1
"""pytest's exit status for that; a collection that breaks or finds nothing has another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of a mistake."""

    mutant: Mutant
    trouble: str = ""
    """Why it counts as not caught; empty when it was."""


def main(words: Sequence[str]) -> int:
    """Plant the mistakes that the words choose; 0 when each was caught."""
    planted = (*MUTANTS, *NETWORK_MUTANTS)
    chosen = [m for m in planted if not words or any(w in f"{m.name} {m.file}" for w in words)]
    if not chosen:
        say(f"no planted mistake has one of {', '.join(words)} in its name or file")
        return 1
    with tempfile.TemporaryDirectory(prefix="hakube-mutants-") as folder:
        copies = [copy_tree(Path(folder, str(n))) for n in range(AT_ONCE)]
        passed = run_tests(copies[0], sorted({m.test for m in chosen}), timeout_s=3 * TIMEOUT_S)
        if passed.returncode:
            say(f"without any mistake the named tests do not pass:\n{passed.stdout[-4000:]}")
            return 1
        outcomes = plant_all(chosen, copies)
    survived = [o for o in outcomes if o.trouble]
    say(f"{len(outcomes)} planted, {len(outcomes) - len(survived)} caught, {len(survived)} not")
    return 1 if survived else 0


def copy_tree(to: Path) -> Path:
    """Copy what tests need; no compiled file, which could outlive the source it was made from."""
    to.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, to / name)
    return to


def plant_all(chosen: Sequence[Mutant], copies: Sequence[Path]) -> list[Outcome]:
    """Plant one mistake after the other, as many side by side as there are copies."""
    free: SimpleQueue[Path] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def plant_in_a_copy(mutant: Mutant) -> Outcome:
        copy = free.get()
        try:
            return plant(mutant, copy)
        finally:
            free.put(copy)

    outcomes = []
    with ThreadPoolExecutor(len(copies)) as pool:
        for outcome in pool.map(plant_in_a_copy, chosen):
            mark = "NOT CAUGHT" if outcome.trouble else "caught"
            say(f"{mark:<11} {outcome.mutant.name} ({outcome.mutant.rule})")
            if outcome.trouble:
                say(f"            {outcome.mutant.test}: {outcome.trouble}")
            outcomes.append(outcome)
    return outcomes


def plant(mutant: Mutant, copy: Path) -> Outcome:
    """Plant one mistake, run its test, and put the file back."""
    path = copy / PACKAGE / mutant.file
    if not path.is_file():
        return Outcome(mutant=mutant, trouble=f"there is no {mutant.file} any more")
    sound = path.read_text(encoding="utf-8")
    if sound.count(mutant.old) != 1:
        count = sound.count(mutant.old)
        return Outcome(mutant=mutant, trouble=f"its text stands {count} times in {mutant.file}")
    path.write_text(sound.replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        if path.suffix == ".py":
            compile(path.read_text(encoding="utf-8"), str(path), "exec")
        ended = run_tests(copy, [mutant.test])
    except SyntaxError as error:
        return Outcome(mutant=mutant, trouble=f"the mistake is no Python: {error}")
    except subprocess.TimeoutExpired:
        return Outcome(mutant=mutant, trouble=f"its test did not end within {TIMEOUT_S} s")
    finally:
        path.write_text(sound, encoding="utf-8")
    return Outcome(mutant=mutant, trouble=judge(ended))


def judge(ended: "subprocess.CompletedProcess[str]") -> str:
    """Say why a test's end does not count as having minded; empty when it does."""
    if ended.returncode == 0:
        return "passed all the same"
    if ended.returncode != _TESTS_FAILED:
        return (
            f"pytest ended with {ended.returncode}:\n{ended.stdout[-2000:]}{ended.stderr[-500:]}"
        )
    for clumsy in ("NameError", "ImportError", "SyntaxError", "ERROR "):
        if clumsy in ended.stdout:
            return f"failed by {clumsy.strip()}, which any test would:\n{ended.stdout[-2000:]}"
    return ""


def run_tests(
    copy: Path, tests: Sequence[str], *, timeout_s: float = TIMEOUT_S
) -> "subprocess.CompletedProcess[str]":
    """Run tests in a copy, against the package that lies there."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(copy)}  # noqa: TID251 - tests find etcd by it
    return subprocess.run(
        command,
        cwd=copy,
        env=environment,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def say(text: str) -> None:
    """Print a line at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
