"""How figures are told: on the screen, and in docs/RELIABILITY.md. It decides nothing."""

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


def machine() -> dict[str, str]:
    """Tell what figures were measured on."""
    memory = Path("/proc/meminfo").read_text(encoding="ascii").split()[1]
    version = subprocess.run(["etcd", "--version"], capture_output=True, text=True, check=True)
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",  # noqa: TID251 - the day of the record
        "cores": str(os.cpu_count()),
        "memory": f"{int(memory) / 2**20:.0f} GiB",
        "kernel": kernel(),
        "etcd": version.stdout.split()[2],
        "python": platform.python_version(),
    }


def kernel() -> str:
    """Tell the kernel's version, its first two numbers: the rest names a machine."""
    return f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}"


def where() -> str:
    """Tell in words what figures were measured on, when no etcd took part."""
    memory = Path("/proc/meminfo").read_text(encoding="ascii").split()[1]
    return (
        f"{os.cpu_count()} cores, {int(memory) / 2**20:.0f} GiB, {kernel()}, "
        f"Python {platform.python_version()}"
    )


def campaign(facts: Mapping[str, Any]) -> str:
    """Sum up a campaign."""
    checked = facts["checked"]
    done = sum(ran["status"] == 0 for ran in facts["commands"])
    lines = [
        *_heading(facts),
        f"- {sum(facts['events'].values())} events in {facts['seconds']:.0f} s: "
        + ", ".join(f"{kind} {count}" for kind, count in sorted(facts["events"].items())),
        f"- {facts['acknowledged_operations']} operations of {len(facts['acknowledged'])} clients "
        f"acknowledged, {facts['unknown']} writes of unknown fate; "
        f"{len(checked['anomalies'])} anomalies (checked in {checked['seconds']:.1f} s)",
        f"- {checked['planted_found']} of {checked['planted']} violations planted into this very "
        "history found",
        f"- {facts['writes']} writes of the writer acknowledged, {len(facts['lost'])} lost; "
        f"longest gap between two {facts['longest_gap_s']:.2f} s",
        f"- {done} of our commands done, in {len(facts['commands'])} attempts "
        f"({_statuses(facts['commands_by_status'])}); {len(facts['errands'])} errands; "
        f"{len(facts['diverging'])} members with other data than the rest; "
        f"{len(facts['premature_voters'])} members voted before they had started "
        f"({facts['looks']} looks); at the end the cluster is {facts['final_verdict']}",
    ]
    return "\n".join([*lines, *_wrong(facts)])


def drills(facts: Mapping[str, Any]) -> str:
    """Sum up recovery drills."""
    lines = [f"- {drill(one)}" for one in facts["drills"]]
    return "\n".join([*_heading(facts), *lines, *_wrong(facts)])


def drill(one: Mapping[str, Any]) -> str:
    """Sum up one drill."""
    return (
        f"{one['kind']}, {one['how'] or 'nothing lost'}: {one['kept']} of {one['promised']} "
        f"promised keys are there ({one['acknowledged']} acknowledged, {one['given_up']} given "
        f"up); {one['outage_s']:.0f} s from the loss to the next write"
    )


def _heading(facts: Mapping[str, Any]) -> list[str]:
    where = facts["machine"]
    return [
        f"`{facts['command']}`, {where['date']}: "
        + ("all of it held" if facts["passed"] else "FAILED"),
        "",
        f"- {where['cores']} cores, {where['memory']}, {where['kernel']}, "
        f"etcd {where['etcd']}, Python {where['python']}",
    ]


def _wrong(facts: Mapping[str, Any]) -> list[str]:
    return [f"- WRONG: {flaw}" for flaw in facts["flaws"]]


def _statuses(counts: Mapping[str, int]) -> str:
    return ", ".join(f"exit {status}: {count}" for status, count in counts.items())


def record(path: Path, section: str, content: str) -> None:
    """Put a text in the place of a marked section of a page; nothing else of it is touched.

    Raises:
        ValueError: The page has no such section.
    """
    page = path.read_text(encoding="utf-8")
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    fresh, count = pattern.subn(lambda _: f"{begin}\n{content}\n{end}", page)
    if count != 1:
        raise ValueError(f"{path}: {count} sections between {begin} and {end}, 1 is needed")
    path.write_text(fresh, encoding="utf-8")
