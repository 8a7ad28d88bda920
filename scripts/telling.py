"""What the tour prints and writes: opening, closing table, evidence. It decides nothing."""

from __future__ import annotations

import json
import platform
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

CHAPTERS = (
    "create the first master, in europe-west1-b",
    "add a second in europe-west1-c; the cluster's IP moves from the VM to a load balancer",
    "add a third in europe-west1-d",
    "cut the power of the second master",
    "remove it",
    "add its replacement in the same zone",
    "remove the master in europe-west1-d",
    "remove the replacement; the cluster's IP moves back to the one master left",
    "tear everything down",
)

OPENING = """\
A Kubernetes control plane on this machine: real etcd with mutual TLS and our agent, on an
emulated Compute Engine. The API servers are hollow: stand-ins that keep their objects in etcd. All
of it runs as {user}, on loopback, in {folder}, and is gone afterwards.
It takes about a minute:

{chapters}

Between every two commands this machine forgets the cluster's keys, journal and kubeconfig, as if
each ran on a fresh CI machine. All the while a client connects to the cluster's one IP, {rate}
times a second, and verifies its certificate. Lines that begin with | are the program's own. Lines
that begin with ok are what a checker saw from outside, which imports nothing of the program: at
etcd's own ports, at the cluster's IP, at the Compute API and in /proc."""


def opening(folder: Path, *, user: str, rate: int) -> str:
    """Say what will happen."""
    chapters = "\n".join(f"  {n}  {text}" for n, text in enumerate(CHAPTERS, start=1))
    return OPENING.format(user=user, folder=folder, chapters=chapters, rate=rate)


def chapter(number: int) -> str:
    """Give a chapter's heading."""
    return (
        f"\n{number}/{len(CHAPTERS)}  {CHAPTERS[number - 1][0].upper()}{CHAPTERS[number - 1][1:]}"
    )


def table(stops: Sequence[Mapping[str, Any]]) -> str:
    """Sum up the stops: what ran, how long, and what a client noticed."""
    lines = [f"{'':3}{'':58}{'':>9}{'outage':>18}{'probes':>14}"]
    lines.append(
        f"{'':3}{'command':58}{'seconds':>9}{'printed':>9}{'seen':>9}{'good':>7}{'bad':>7}"
    )
    lines += [_row(number, stop) for number, stop in enumerate(stops, start=1)]
    return "\n".join(lines)


def _row(number: int, stop: Mapping[str, Any]) -> str:
    window, probes = stop.get("window"), stop.get("probes") or {"good": "-", "failed": "-"}
    printed = f"{window['printed_s']:.2f}" if window else "-"
    seen = f"{window['seen_s']:.2f}" if window else "-"
    words = [_short(word) for word in str(stop["command"]).split()]
    head, *more = _wrapped(words, 56)
    numbers = (
        f"{stop['seconds']:>9.1f}{printed:>9}{seen:>9}{probes['good']:>7}{probes['failed']:>7}"
    )
    return "\n".join([f"{number:<3}{head:58}{numbers}", *(f"     {line}" for line in more)])


def _short(word: str) -> str:
    return word.removeprefix("bin/")


def _wrapped(words: Sequence[str], width: int) -> list[str]:
    lines = [""]
    for word in words:
        longer = f"{lines[-1]} {word}".strip()
        if len(longer) > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def versions(*, hakube: str, etcd: str, api: Mapping[str, Any]) -> dict[str, str]:
    """Tell what took part."""
    return {
        "hakube": hakube,
        "etcd": etcd,
        "etcd_binary": shutil.which("etcd") or "",
        "api": str(api.get("gitVersion", "")),
        "python": sys.version.split()[0],
        "platform": platform.platform(),
    }


def write_evidence(path: Path, evidence: Mapping[str, Any]) -> str:
    """Write the evidence; returns where, or why not."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(evidence, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        return f"not written: {error}"
    return str(path)
