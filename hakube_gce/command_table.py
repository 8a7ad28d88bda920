"""The commands, their options and arguments as plain values, read from the argument parsers. Pure.

Completions and the man page are made from this table, so that neither can know a verb or an option
that the program does not, or miss one.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """An option of a command."""

    flags: tuple[str, ...]
    metavar: str
    """What stands for its value; empty for a switch."""
    choices: tuple[str, ...]
    help: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Argument:
    """A positional argument of a command."""

    metavar: str
    choices: tuple[str, ...]
    help: str
    required: bool
    repeated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command and those below it."""

    words: tuple[str, ...]
    """What is typed after the program's name; empty for the program itself."""
    help: str
    options: tuple[Option, ...]
    arguments: tuple[Argument, ...]
    commands: tuple["Command", ...]

    @property
    def path(self) -> str:
        return " ".join(self.words)


def read(parser: argparse.ArgumentParser, words: tuple[str, ...] = (), about: str = "") -> Command:
    """Read a parser and its subparsers."""
    options, arguments, commands = [], [], []
    # argparse tells nobody else: the table of actions is what completion tools read, too
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            commands += _commands(action, words)
        elif action.option_strings:
            options.append(_option(action))
        else:
            arguments.append(_argument(action))
    return Command(
        words=words,
        help=about,
        options=tuple(options),
        arguments=tuple(arguments),
        commands=tuple(commands),
    )


def every(command: Command) -> Iterator[Command]:
    """Yield a command and all below it, in order."""
    yield command
    for below in command.commands:
        yield from every(below)


def _commands(
    action: "argparse._SubParsersAction[argparse.ArgumentParser]", words: tuple[str, ...]
) -> list[Command]:
    helps = {c.dest: c.help or "" for c in action._choices_actions}  # noqa: SLF001 - as above
    return [
        read(parser, (*words, name), helps.get(name, ""))
        for name, parser in action.choices.items()
    ]


def _option(action: argparse.Action) -> Option:
    takes_value = action.nargs != 0
    choices = _choices(action)
    metavar = _metavar(action, "|".join(choices) or action.dest.upper()) if takes_value else ""
    return Option(
        flags=tuple(action.option_strings),
        metavar=metavar,
        choices=choices,
        help=action.help or "",
        required=action.required,
    )


def _argument(action: argparse.Action) -> Argument:
    choices = _choices(action)
    return Argument(
        metavar=_metavar(action, "|".join(choices) or action.dest.upper()),
        choices=choices,
        help=action.help or "",
        required=action.nargs not in {"?", "*"},
        repeated=action.nargs in {"*", "+"},
    )


def _choices(action: argparse.Action) -> tuple[str, ...]:
    return tuple(str(choice) for choice in action.choices or ())


def _metavar(action: argparse.Action, otherwise: str) -> str:
    return action.metavar if isinstance(action.metavar, str) else otherwise
