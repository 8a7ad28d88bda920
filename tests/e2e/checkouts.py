"""Small checkouts to try scripts in: the real scripts, no packages, a program that echoes.

They need the standard library's venv and no network, so what they show does not hang on an index.
"""

import json
import os
import shutil
import subprocess
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROGRAM = textwrap.dedent("""\
    import json, os, sys
    print(json.dumps({
        "argv": sys.argv[1:],
        "folder": os.getcwd(),
        "stdin": "" if sys.stdin.isatty() else sys.stdin.read(),
        "path": sys.path,
        "json": __import__("json").__file__,
    }))
    sys.exit(7)
""")


def make(folder: Path, *, program: str = PROGRAM) -> Path:
    """Make a checkout whose lock files are empty and whose program says how it was started."""
    for part in ("bin", "scripts", "hakube_gce/shell"):
        shutil.copytree(ROOT / part, folder / part)
    (folder / "hakube_gce/__init__.py").write_text("")
    (folder / "hakube_gce/__main__.py").write_text(program)
    for name in ("requirements.lock", "requirements-dev.lock"):
        (folder / name).write_text("# nothing\n")
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a script ended."""

    status: int
    stdout: str
    stderr: str

    def said(self) -> object:
        """Return what the echoing program said; fails when anything else stood on stdout."""
        return json.loads(self.stdout)


def environment(**variables: str) -> Mapping[str, str]:
    """Return an environment as a fresh machine has it, with more variables."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", "LC_ALL": "C.UTF-8", **variables}


def run(
    *argv: str | Path,
    folder: Path = ROOT,
    stdin: str = "",
    variables: Mapping[str, str] | None = None,
) -> Ended:
    ended = subprocess.run(
        [str(word) for word in argv],
        cwd=folder,
        input=stdin,
        env=environment(**(variables or {})),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return Ended(status=ended.returncode, stdout=ended.stdout, stderr=ended.stderr)
