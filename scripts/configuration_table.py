"""Writes docs/CONFIGURATION.md from the table of variables; ``--check`` only compares.

Run: .venv/bin/python scripts/configuration_table.py [--check]
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import page_file

from hakube_gce.variables import table
from hakube_gce.variables.row import Group, Support, Variable

PAGE = Path(__file__).resolve().parents[1] / "docs" / "CONFIGURATION.md"

HEAD = """\
# Configuration

<!-- Written by scripts/configuration_table.py from hakube_gce/variables; change it there. -->

Every variable of kube-up's and every one of ours. They are read from the process environment,
then from `.env` in the current folder (when nobody else can have written it; `HAKUBE_ENV_FILE`
names another, or `off`); project and zone then from gcloud's own configuration files, whose zone
is said whenever it decides (a region without a zone chooses none, and is mentioned when it is
another); then come the defaults. A variable set to nothing counts as not set. `hakube config`
shows each value and its source, and needs no cloud. A file may not set HAKUBE_HOME,
HAKUBE_ENV_FILE, HAKUBE_BINARIES, HAKUBE_COMPUTE_ENDPOINT or KUBECONFIG, nor what programs and
credentials are found by (PATH, HOME, GOOGLE_APPLICATION_CREDENTIALS …); export those.

Values are read strictly: true and false (also 1, 0, yes, no, in any case), names that fit whole,
ranges that do not meet. Everything that is wrong is said at once, with exit status 2. A slip in
the name of a variable marked **!** stops the run; so does any unknown `HAKUBE_…`.

*How far* a value goes: *this run* reads it anew; *which cluster* has to be said to every command
about that cluster; *the cluster* takes it when its first master is made, and replicas get the
same whatever their shell says (saying something else is refused; ENABLE_ETCD_QUORUM_READ is only
warned about); *the nodes' template* takes it when the first nodes are made, and later ones are
made from it (saying something else is noted, and changes nothing).

Values marked with a star are read, checked and kept, and have no effect yet: the note says what
is missing.
"""


def page() -> str:
    """Write the whole page."""
    return "\n".join((HEAD, *(line for group in table.GROUPS for line in section(group))))


def section(group: Group) -> Iterator[str]:
    """Write a group's heading and rows."""
    yield f"## {group.title}\n"
    if group.rows[0].is_read:
        yield "| variable | default | meaning | example | how far |"
        yield "| --- | --- | --- | --- | --- |"
        yield from map(read_row, group.rows)
    else:
        yield "| variable | why |"
        yield "| --- | --- |"
        yield from (f"| `{row.name}` | {row.why} |" for row in group.rows)
    yield ""


def read_row(row: Variable[object]) -> str:
    """Write the row of a variable that is read."""
    star = "\\*" * bool(row.pending)
    names = ", ".join(f"`{name}`" for name in (row.name, *row.aliases))
    default = text(row.default_says) or (f"`{row.default}`" if row.default else "")
    marked = f"{names}{' **!**' * row.decisive}{star}"
    return f"| {marked} | {default} | {meaning(row)} | `{row.example}` | {row.reach} |"


def meaning(row: Variable[object]) -> str:
    """Write what a variable means, how that differs from kube-up, and what it waits for."""
    differs = f". Differs: {row.why}" if row.support is Support.DIFFERENT else ""
    waits = f". *Without effect: {row.pending}*" if row.pending else ""
    return text(f"{row.meaning}{differs}{waits}")


def text(words: str) -> str:
    """Keep ``<name>`` from being taken for a tag."""
    return words.replace("<", "&lt;")


if __name__ == "__main__":
    sys.exit(page_file.write_or_check(PAGE, page(), script=__file__))
