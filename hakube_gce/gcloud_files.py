"""What gcloud is configured for, read from its own files: project, zone, region.

gcloud is never run, and nothing is ever written. The files were not made for us: one that is
broken is said to be, and passed over. The process environment is handed in and stays as it is.
"""

import configparser
import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path

from hakube_gce.setting_sources import Gcloud
from hakube_gce.variables import cluster

FOLDER = "CLOUDSDK_CONFIG"
ACTIVE = "CLOUDSDK_ACTIVE_CONFIG_NAME"
REGION = "CLOUDSDK_COMPUTE_REGION"

LARGEST_BYTES = 65536
_NAME = re.compile(r"[a-z][-a-z0-9]{0,62}", re.ASCII)
_NONE = "NONE"
"""gcloud's own word for a configuration that says nothing."""
_DEFAULT = "default"


class _Unfit(Exception):
    """A file cannot be used; says why."""


def read(environment: Mapping[str, str]) -> Gcloud:
    """Read the active configuration.

    Args:
        environment: Asked where the files are (``CLOUDSDK_CONFIG``, ``HOME``), for another
            configuration (``CLOUDSDK_ACTIVE_CONFIG_NAME``) and for ``CLOUDSDK_COMPUTE_REGION``.
    """
    region = environment.get(REGION, "")
    folder, named = _folder(environment), environment.get(ACTIVE, "")
    if folder is None:
        return Gcloud(region=region)
    try:
        path, text = _configuration(folder, named)
        found = _sections(path, text)
    except _Unfit as why:
        return Gcloud(region=region, notes=(f"{why}; gcloud's configuration is not used",))
    values = {
        cluster.PROJECT.name: found.get("core", "project", fallback=""),
        cluster.ZONE.name: found.get("compute", "zone", fallback=""),
    }
    values = {name: value for name, value in values.items() if value}
    return Gcloud(
        path=str(path) if values else "",
        values=values,
        region=region or found.get("compute", "region", fallback=""),
        is_named=bool(named),
    )


def _configuration(folder: Path, named: str) -> tuple[Path, str]:
    """Find the active configuration and return its file's path and text."""
    active = folder / "active_config"
    chosen = named or (_text(active) or "").strip()
    if chosen == _NONE:
        return folder, ""
    if not _NAME.fullmatch(chosen or _DEFAULT):
        where = ACTIVE if named else _shown(active)
        raise _Unfit(f"{where}: {chosen[:40]!a} is no name of a configuration")
    path = folder / "configurations" / f"config_{chosen or _DEFAULT}"
    text = _text(path)
    if text is None and chosen:
        raise _Unfit(f"{_shown(path)}: there is no such file")
    return path, text or ""


def _folder(environment: Mapping[str, str]) -> Path | None:
    if named := environment.get(FOLDER, ""):
        return Path(named)
    home = environment.get("HOME", "")
    return Path(home, ".config", "gcloud") if home.startswith("/") else None


def _sections(path: Path, text: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise _Unfit(f"{_shown(path)}: not what gcloud writes ({type(error).__name__})") from None
    return parser


def _text(path: Path) -> str | None:
    """Return a file's text, None when there is no such file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", error)
        raise _Unfit(f"{_shown(path)}: cannot be read ({reason})") from None
    try:
        data = _bytes(path, descriptor)
    finally:
        os.close(descriptor)
    if len(data) > LARGEST_BYTES:
        raise _Unfit(f"{_shown(path)}: larger than {LARGEST_BYTES} bytes")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _Unfit(f"{_shown(path)}: not UTF-8") from None


def _bytes(path: Path, descriptor: int) -> bytes:
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        raise _Unfit(f"{_shown(path)}: not a regular file")
    with open(descriptor, "rb", closefd=False) as file:
        return file.read(LARGEST_BYTES + 1)


def _shown(path: Path) -> str:
    return ascii(str(path))[1:-1]
