"""Reads ./.env, or the file that HAKUBE_ENV_FILE names; strictly: it decides what goes.

python-dotenv splits the lines; whatever it would pass over with a shrug (a name twice, a quote
that never ends, a name without a value) is a problem here, with its line. Nothing is expanded,
and no shell sees the file. It is believed only if nobody else can have written it. The process
environment is handed in and stays as it is.
"""

import errno
import io
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dotenv.parser import Binding, parse_stream

from hakube_gce.setting_sources import shown
from hakube_gce.variables import access, ours

LARGEST_BYTES = 65536

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
_OFF = frozenset({"", "off", "none"})

NOT_FROM_A_FILE = frozenset(
    {
        ours.COMPUTE_ENDPOINT.name, ours.BINARIES.name, ours.HOME.name, ours.ENV_FILE.name,
        access.KUBECONFIG.name, "HOME", "PATH", "LD_LIBRARY_PATH", "LD_PRELOAD", "PYTHONPATH",
        "PYTHONHOME", "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG",
        "CLOUDSDK_ACTIVE_CONFIG_NAME",
    }
)  # fmt: skip
"""Where we send requests, what we execute, whose credentials we use, where keys are kept: a file
that lies in the folder one happens to stand in must not decide that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DotenvFile:
    """What a .env says, or what is wrong with it."""

    path: str = ""
    """Absolute; empty when there is no file."""
    values: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class _Unfit(Exception):
    """The file must not be read; says why."""


def read(environment: Mapping[str, str], folder: Path) -> DotenvFile:
    """Read the .env that counts for a run started in ``folder``.

    Args:
        environment: Asked for ``HAKUBE_ENV_FILE`` (a path, or ``off``) and ``HOME`` alone.
        folder: The current folder.
    """
    named = environment.get(ours.ENV_FILE.name)
    if named is not None and named.strip().lower() in _OFF:
        return DotenvFile()
    path = folder / ".env" if named is None else folder / _at_home(named, environment)
    where = ascii(str(path))[1:-1]
    try:
        content = _content(path, required=named is not None)
    except _Unfit as why:
        way_out = f"; {ours.ENV_FILE.name}=off goes on without it"
        return DotenvFile(path=str(path), problems=(f"{where}: {why}{way_out}",))
    if content is None:
        return DotenvFile()
    values, problems = parse(content)
    return DotenvFile(
        path=str(path),
        values=values,
        problems=tuple(f"{where}, {problem}" for problem in problems),
    )


def parse(content: str) -> tuple[dict[str, str], list[str]]:
    """Split the text of a .env into its values and what is wrong with its lines."""
    values: dict[str, str] = {}
    lines: dict[str, int] = {}
    problems: list[str] = []
    for binding in parse_stream(io.StringIO(content, newline="")):
        line, name, value = _first_line(binding), binding.key, binding.value
        reasons = list(_reasons(binding, lines))
        problems += [f"line {line}: {reason}" for reason in reasons]
        if name is not None:
            lines.setdefault(name, line)
            if value is not None and not reasons:
                values[name] = value
    return values, problems


def _reasons(binding: Binding, lines: Mapping[str, int]) -> Iterator[str]:
    name = binding.key
    if binding.error:
        yield "cannot be understood; is a quote left open? Write NAME=value"
    elif name is not None:
        if not _NAME.fullmatch(name):
            yield f"{shown(name)} is not a variable's name"
        if binding.value is None:
            yield f"{shown(name)} has no value; write {shown(name)[1:-1]}= for an empty one"
        if name in lines:
            yield f"{shown(name)} is set a second time (first in line {lines[name]})"
        if name in NOT_FROM_A_FILE:
            yield f"{name} may not be set by a file; export it instead"


def _first_line(binding: Binding) -> int:
    """Return the line of a binding's name: python-dotenv counts blank lines before it in."""
    text = binding.original.string
    blank = text[: len(text) - len(text.lstrip())]
    return binding.original.line + len(re.findall(r"\r\n|\n|\r", blank))


def _at_home(named: str, environment: Mapping[str, str]) -> str:
    return environment.get("HOME", "") + named[1:] if named.startswith("~/") else named


def _content(path: Path, *, required: bool) -> str | None:
    """Return a file's text, None when there is none and none is needed.

    What is checked is the open file, not its name: nobody can exchange it in between. A file that
    was named may be a symbolic link; one that merely lies here may not.
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if required else os.O_NOFOLLOW)
    try:
        descriptor = os.open(path, flags)
    except FileNotFoundError:
        if required:
            raise _Unfit("there is no such file") from None
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _Unfit(f"is a symbolic link; name the file in {ours.ENV_FILE.name}") from None
        raise _Unfit(f"cannot be read ({error.strerror})") from None
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode) and not required:
            return None  # some call their virtual environment .env
        _refuse_unless_ours(status)
        return _text(_bytes(descriptor))
    finally:
        os.close(descriptor)


def _bytes(descriptor: int) -> bytes:
    try:
        with open(descriptor, "rb", closefd=False) as file:
            return file.read(LARGEST_BYTES + 1)
    except OSError as error:  # opening promises nothing: /proc/self/mem can be opened
        raise _Unfit(f"cannot be read ({error.strerror})") from None


def _refuse_unless_ours(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _Unfit("is not a regular file")
    if status.st_uid != os.geteuid():
        raise _Unfit(f"belongs to user {status.st_uid}, not to you (user {os.geteuid()})")
    if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise _Unfit("can be written by others; run: chmod go-w on it")


def _text(data: bytes) -> str:
    if len(data) > LARGEST_BYTES:
        raise _Unfit(f"is larger than {LARGEST_BYTES} bytes")
    if data.startswith(b"\xef\xbb\xbf"):
        raise _Unfit("line 1 begins with a byte order mark; save it as UTF-8 without one")
    if b"\0" in data:
        raise _Unfit(f"line {data[: data.index(0)].count(10) + 1} holds a NUL byte")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data[: error.start].count(10) + 1
        raise _Unfit(f"line {line} is not UTF-8") from None
