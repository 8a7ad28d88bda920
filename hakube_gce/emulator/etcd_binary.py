"""Finds the etcd that the lab's VMs run, and refuses one that is too old.

Looks where the user pointed first, then on PATH, then where `scripts/setup --etcd` unpacks one.
Downloads and installs nothing.
"""

import re
import subprocess
from pathlib import Path

from hakube_gce.errors import SettingsError

OLDEST = (3, 4)
"""Learners came with 3.4; nothing here can be done without them."""

_CHECKOUT = Path(__file__).resolve().parents[2]
_VERSION = re.compile(r"etcd Version: (\d+)\.(\d+)\.\d+")


def find_etcd(
    *, search_path: str, binaries: Path | None = None, checkout: Path = _CHECKOUT
) -> Path:
    """Return the first etcd found that is new enough.

    Args:
        search_path: Folders separated by colons, as in PATH.
        binaries: The folder that HAKUBE_BINARIES names, if any; an etcd there is used or refused,
            but not passed over.
        checkout: The folder that `scripts/setup` works in.

    Raises:
        SettingsError: None was found, or the ones found are too old; says what to install.
    """
    pointed = binaries / "etcd" if binaries else None
    if pointed is not None and pointed.is_file():
        return _checked(pointed, [])
    refused: list[str] = []
    folders = [Path(p) for p in search_path.split(":") if p]
    for folder in (*folders, checkout / ".cache/etcd/usr/bin"):
        if (folder / "etcd").is_file():
            why_not = _why_not(folder / "etcd")
            if not why_not:
                return folder / "etcd"
            refused.append(why_not)
    raise SettingsError([_missing(refused)])


def _checked(etcd: Path, refused: list[str]) -> Path:
    why_not = _why_not(etcd)
    if why_not:
        raise SettingsError([_missing([*refused, why_not])])
    return etcd


def _why_not(etcd: Path) -> str:
    try:
        said = subprocess.run(  # noqa: S603 - a file found above, one constant argument
            [etcd, "--version"], capture_output=True, text=True, timeout=10, check=False, env={}
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{etcd} does not run ({error})"
    found = _VERSION.search(said)
    if not found:
        return f"{etcd} does not say its version"
    if (int(found[1]), int(found[2])) < OLDEST:
        return f"{etcd} is {found[1]}.{found[2]}"
    return ""


def _missing(refused: list[str]) -> str:
    seen = f" ({'; '.join(refused)})" if refused else ""
    return (
        f"the process runtime needs etcd 3.4 or newer and found none{seen}. Run scripts/setup "
        "--etcd, or: apt-get install etcd-server etcd-client, or name the folder of yours in "
        "HAKUBE_BINARIES, or do without processes: HAKUBE_RUNTIME=records"
    )
