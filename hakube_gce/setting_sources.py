"""Reads variables out of their sources, remembering whence each came, and what was wrong.

The process environment wins over .env, that over gcloud's configuration, that over defaults; a
variable set to nothing counts as not set, as it did in the original scripts. It goes on after a
problem, so that one run names them all. Pure: the mappings are handed in. What gcloud is
configured for was not written for us, so there a value that cannot be read is warned about and
passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from hakube_gce.variables.row import Variable

T = TypeVar("T")

ENVIRONMENT = "environment"
DEFAULT = "default"
GCLOUD = "gcloud"

_SHOWN = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Gcloud:
    """What gcloud's configuration files say, under our variables' names."""

    path: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    region: str = ""
    """Its region; there is no variable of ours for it."""
    notes: tuple[str, ...] = ()
    """What is wrong with the files."""
    is_named: bool = False
    """Somebody chose this configuration for this run: it counts in the emulator, too."""


@dataclass(slots=True, kw_only=True)
class Reader:
    """One reading of all variables; problems, notes, values and sources grow while it goes on."""

    environment: Mapping[str, str]
    dotenv: Mapping[str, str] = field(default_factory=dict)
    dotenv_path: str = ""
    gcloud: Gcloud = field(default_factory=Gcloud)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    values: dict[str, str] = field(default_factory=dict)
    """As written; what a default came to, where nothing was set."""
    sources: dict[str, str] = field(default_factory=dict)

    def read(self, variable: Variable[T], default: str = "") -> T:
        """Return a variable's value; the default's when it is not set or cannot be read.

        Args:
            variable: What to read.
            default: Instead of the row's, when the default depends on others.
        """
        value = self.read_if_set(variable)
        if value is not None:
            return value
        return variable.kind.parse(self.came_to(variable, default or variable.default))

    def read_if_set(self, variable: Variable[T]) -> T | None:
        """Return a variable's value, None when it is not set or cannot be read."""
        name, text, source = self._find(variable)
        self.values[variable.name] = text
        self.sources[variable.name] = source if name == variable.name else f"{source}: {name}"
        if source == DEFAULT:
            return None
        try:
            return _parse(variable, text)
        except ValueError as reason:
            self.problem(variable, name, text, str(reason))
            return None

    def text_of(self, variable: Variable[str]) -> str:
        """Return the value of a variable that may be missing."""
        return self.read_if_set(variable) or ""

    def came_to(self, variable: Variable[T], text: str) -> str:
        """Note what the default of a variable came to, when nobody set it."""
        if not self.is_set(variable):
            self.values[variable.name] = text
        return text

    def is_set(self, variable: Variable[T]) -> bool:
        """Tell whether a variable that was read had been set by somebody."""
        return self.sources[variable.name] != DEFAULT

    def _find(self, variable: Variable[T]) -> tuple[str, str, str]:
        """Return the name under which a variable is set, its text, and the source."""
        for name in (variable.name, *variable.aliases):
            text, source = self.text(name)
            if text:
                return name, text, source
        if text := self._of_gcloud(variable):
            return variable.name, text, f"{GCLOUD} ({self.gcloud.path})"
        return variable.name, variable.default, DEFAULT

    def _of_gcloud(self, variable: Variable[T]) -> str:
        text = self.gcloud.values.get(variable.name, "")
        try:
            if text:
                _parse(variable, text)
        except ValueError as reason:
            where = ascii(self.gcloud.path)[1:-1]
            note = f"{where}: {shown(text)} for {variable.name} {reason}; passed over"
            self.notes += [note] if note not in self.notes else []
            return ""
        return text

    def text(self, name: str) -> tuple[str, str]:
        if name in self.environment:
            return self.environment[name], ENVIRONMENT
        return self.dotenv.get(name, ""), self.dotenv_path

    def names(self) -> list[str]:
        """Return the names of all variables that somebody set to something."""
        return [n for n in sorted({*self.environment, *self.dotenv}) if self.text(n)[0]]

    def problem(self, variable: Variable[T], name: str, text: str, reason: str) -> None:
        """Note what is wrong with a variable that we know."""
        from_file = name in self.dotenv and name not in self.environment
        where = f" (from {self.dotenv_path})" if from_file else ""
        # A URL with a password in it is a mistake, and no reason to show the password.
        value = "(not shown)" if "@" in text else shown(text)
        self.problems.append(
            f"{name}={value}{where}: {reason}; for example {name}={variable.example}"
        )

    def wrong(self, variable: Variable[T], reason: str) -> None:
        """Note what is wrong with the value of a variable that was read well."""
        self.problem(variable, variable.name, self.values[variable.name], reason)


def shown(text: str) -> str:
    """Write a value so that it can be shown on any terminal: escaped, quoted, not endless."""
    if len(text) <= _SHOWN:
        return ascii(text)
    return f"{text[:_SHOWN]!a}… ({len(text)} characters)"


def _parse(variable: Variable[T], text: str) -> T:
    kind = variable.kind
    text = text.strip() if kind.trimmed else text
    if len(text) > kind.max_length:
        raise ValueError(f"is longer than {kind.max_length} characters")
    if kind.ascii_only and not text.isascii():
        raise ValueError("holds characters outside ASCII")
    if not text.isprintable():
        raise ValueError("holds control characters")
    return kind.parse(text)
