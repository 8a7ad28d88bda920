"""The program behind scripts/chaos: a campaign or drills in a lab of their own, then a verdict."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.chaos import campaign, drills, history, telling
from tests.chaos.campaign import Campaign, Order
from tests.chaos.lab import Operator
from tests.chaos.verdict import flaws
from tests.e2e.labs import ROOT, Lab

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
RELIABILITY = ROOT / "docs/RELIABILITY.md"

LOGS = (
    "home/emulator/emulator.log",
    "home/emulator/process/disks/*/log/*",
    "home/emulator/process/vms/*/serial-*",
    "home/clusters/*/journal.jsonl",
)


class Interrupted(KeyboardInterrupt):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def main() -> int:
    """Run what is asked for; 0 when all of it held, 1 when not, 128+N for a signal."""
    chosen = _arguments()
    for number in SIGNALS:
        signal.signal(number, _interrupt)
    folder = Path(tempfile.mkdtemp(prefix="hakube-chaos-"))
    lab = Lab(folder=folder, search_path=os.environ.get("PATH", os.defpath))  # noqa: TID251 - a program's own entry
    operator = Operator(lab=lab)
    status = 1
    try:
        status = _drills(chosen, operator) if chosen.drills else _campaign(chosen, operator)
    except Interrupted as signalled:
        status = 128 + signalled.number
        say(f"interrupted by {signalled}")
    finally:
        for number in SIGNALS:  # what follows leaves nothing behind: it must not be cut short
            signal.signal(number, signal.SIG_IGN)
        operator.end()
        _leave(lab, keep=chosen.keep and status < 128, keep_logs=status == 1)
    return status


def _leave(lab: Lab, *, keep: bool, keep_logs: bool) -> None:
    """End the lab and remove its folder, or say how to do it."""
    if keep_logs:
        say(f"logs of the lab: {_keep_logs(lab.folder)}")
    if keep:
        say(f"the lab goes on: export KUBERNETES_PROVIDER=emulator HAKUBE_HOME={lab.folder}/home")
        say(f"to end it: {ROOT}/.venv/bin/hakube emulator destroy; rm -r {lab.folder}")
        return
    lab.destroy()
    shutil.rmtree(lab.folder, ignore_errors=True)


def _keep_logs(lab: Path) -> Path:
    """Copy what tells why something went wrong; no keys lie there."""
    kept = Path(tempfile.mkdtemp(prefix="hakube-chaos-logs-"))
    for path in (path for pattern in LOGS for path in lab.glob(pattern)):
        copy = kept / path.relative_to(lab)
        copy.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.copyfile(path, copy)
    return kept


def say(text: str) -> None:
    """Tell what goes on; stdout belongs to the verdict."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)  # noqa: T201 - a program


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="scripts/chaos",
        description="Make trouble in a lab with real etcd, and prove that nothing was lost.",
    )
    parser.add_argument("--events", type=int, default=50, help="how often something goes wrong")
    parser.add_argument(
        "--drills",
        type=int,
        default=0,
        help="so many recovery drills instead, one after the other",
    )
    parser.add_argument("--seed", type=int, default=1, help="what all choices come from")
    parser.add_argument("--output", choices=("text", "json"), default="text")
    parser.add_argument("--keep", action="store_true", help="leave the lab running")
    parser.add_argument(
        "--record", action="store_true", help="write the figures to docs/RELIABILITY.md"
    )
    parser.add_argument("--history", type=Path, help="write the clients' history, one JSON a line")
    parser.add_argument(
        "--plant",
        choices=("stale-reads", "lost-write"),
        default="",
        help="a defect on purpose, to see the check fail",
    )
    return parser.parse_args()


def _campaign(chosen: argparse.Namespace, operator: Operator) -> int:
    order = Order(events=chosen.events, seed=chosen.seed, plant=chosen.plant)
    came = campaign.run(order, operator, say)
    if chosen.history:
        history.write_lines(came.history, chosen.history)
    facts = _facts(order, came)
    return _told(chosen, facts, "chaos", telling.campaign(facts))


def _drills(chosen: argparse.Namespace, operator: Operator) -> int:
    kinds = list(drills.COURSES)
    done = []
    for number in range(chosen.drills):
        turn, which = divmod(number, len(kinds))
        kind = kinds[which]
        say(f"drill {number + 1}: {kind}")
        done.append(drills.run(kind, operator, seed=chosen.seed, turn=turn))
        say(telling.drill(asdict(done[-1])))
        if done[-1].flaws():
            break  # its lab is worth looking at
        operator.lab.destroy()
    wrong = [flaw for drilled in done for flaw in drilled.flaws()]
    facts = {
        "schema_version": 1,
        "passed": not wrong and len(done) == chosen.drills,
        "flaws": wrong,
        "command": f"scripts/chaos --drills {chosen.drills} --seed {chosen.seed}",
        "machine": telling.machine(),
        "drills": [asdict(drilled) for drilled in done],
    }
    return _told(chosen, facts, "drills", telling.drills(facts))


def _told(chosen: argparse.Namespace, facts: dict[str, Any], section: str, text: str) -> int:
    print(json.dumps(facts, indent=1) if chosen.output == "json" else text)  # noqa: T201 - a program
    if chosen.record and facts["passed"]:
        telling.record(RELIABILITY, section, text)
    return int(not facts["passed"])


def _facts(order: Order, came: Campaign) -> dict[str, Any]:
    wrong = flaws(came.seen)
    return {
        "schema_version": 1,
        "passed": not wrong,
        "flaws": wrong,
        "command": f"scripts/chaos --events {order.events} --seed {order.seed}"
        + (f" --plant {order.plant}" if order.plant else ""),
        "machine": telling.machine(),
        "acknowledged_operations": sum(came.seen.acknowledged.values()),
        "commands_by_status": came.seen.statuses(),
        **asdict(came.seen),
        "struck": [asdict(hit) for hit in came.struck],
    }


if __name__ == "__main__":
    sys.exit(main())
