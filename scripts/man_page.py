"""Write share/man/man1/hakube.1 from the program's own tables: commands, options, variables.

.venv/bin/python scripts/man_page.py            write it
.venv/bin/python scripts/man_page.py --check    say whether it is current (exit 1 when not)
"""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from hakube_gce import __version__, arguments
from hakube_gce.command_table import Argument, Command, Option, every
from hakube_gce.variables import table as settings_table

PAGE = Path(__file__).resolve().parent.parent / "share/man/man1/hakube.1"

EXIT_STATUSES = (
    ("0", "done and verified, or nothing to do"),
    ("1", "a bug"),
    ("2", "the environment or the command line is wrong"),
    ("3", "what the command names does not exist"),
    ("4", "in conflict with what exists, or with what is not ours"),
    ("5", "refused as unsafe or forbidden"),
    ("6", "another run holds the lock"),
    ("7", "a step failed; the last line is the command that goes on"),
    ("8", "no permission, or no credentials"),
    ("9", "a deadline, or no connection; the last line is the command that goes on"),
    ("10", "changes are pending (--check)"),
    ("129, 130, 143", "interrupted; the last line is the command that goes on"),
)

EXAMPLES = (
    ("The first master", "MULTIZONE=true KUBE_GCE_ZONE=europe-west1-b hakube up"),
    (
        "One more, in another zone",
        "KUBE_GCE_ZONE=europe-west1-c KUBE_REPLICATE_EXISTING_MASTER=true hakube up",
    ),
    ("One less", "KUBE_DELETE_NODES=false KUBE_GCE_ZONE=europe-west1-c hakube down"),
    (
        "What a teardown would delete: without KUBE_DELETE_NODES=false the whole cluster goes",
        "KUBE_GCE_ZONE=europe-west1-b hakube down --dry-run",
    ),
    ("What would be lost with a zone", "hakube whatif lose zone europe-west1-b"),
    ("The same without any account", "KUBERNETES_PROVIDER=emulator hakube status"),
    ("For scripts that call cluster/kube-up.sh", "hakube shims cluster"),
)

INTRODUCTION = """\
hakube makes, grows, shrinks and mends the masters of a Kubernetes cluster on Google Compute \
Engine. It takes the variables of Kubernetes' kube-up.sh and kube-down.sh, which are hakube up \
and hakube down. Options say how to run; variables say what to do. On real Compute Engine this \
version makes nothing yet (exit 5): use KUBERNETES_PROVIDER=emulator.\
"""


def main(words: Sequence[str]) -> int:
    """Write the page, or compare it."""
    text = page(arguments.table())
    if list(words) == ["--check"]:
        current = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == text
        print("current" if current else f"stale; run: python scripts/man_page.py ({PAGE})")
        return 0 if current else 1
    if words:
        print(f"man_page.py takes --check or nothing, not {' '.join(words)}", file=sys.stderr)
        return 2
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)
    return 0


def page(table: Command) -> str:
    """Compose the page."""
    return "\n".join(
        [
            '.\\" Made by scripts/man_page.py from the tables of the program.',
            f'.TH HAKUBE 1 "" "hakube {__version__}" "User Commands"',
            *_section(
                "NAME", ["hakube \\- highly available Kubernetes masters on Compute Engine"]
            ),
            *_section("SYNOPSIS", [".B hakube", ".I VERB", "[options]"]),
            *_section("DESCRIPTION", [_plain(INTRODUCTION)]),
            *_section("COMMANDS", _commands(table)),
            *_section("ENVIRONMENT", _variables()),
            *_section("EXIT STATUS", _tagged(EXIT_STATUSES)),
            *_section("EXAMPLES", _tagged(EXAMPLES)),
            "",
        ]
    )


def _section(name: str, lines: Sequence[str] | Iterator[str]) -> list[str]:
    return [f".SH {name}", *lines]


def _commands(table: Command) -> Iterator[str]:
    for command in every(table):
        if command.words:
            usage = " ".join(["hakube", command.path, *map(_placeholder, command.arguments)])
            yield f'.SS "{_plain(usage)}"'
            yield _plain(f"{command.help[:1].upper()}{command.help[1:]}.")
        for argument in command.arguments:
            yield from _item(_named(argument.metavar), argument.help)
        for option in command.options:
            if command.words and "--help" in option.flags:
                continue  # each has one; the program's own stands for all
            yield from _item(_flags(option), option.help)


def _placeholder(argument: Argument) -> str:
    word = argument.metavar if argument.required else f"[{argument.metavar}]"
    return f"{word} …" if argument.repeated else word


def _flags(option: Option) -> str:
    value = f" {_named(option.metavar)}" if option.metavar else ""
    needed = " (required)" if option.required else ""
    return ", ".join(f"\\fB{_plain(flag)}\\fR" for flag in option.flags) + value + needed


def _named(metavar: str) -> str:
    return f"\\fI{_plain(metavar)}\\fR"


def _variables() -> Iterator[str]:
    for variable in settings_table.VARIABLES:
        also = f" (also {', '.join(variable.aliases)})" if variable.aliases else ""
        default = f"; {variable.default} unless set" if variable.default else ""
        yield from _item(f"\\fB{variable.name}\\fR", f"{variable.meaning}{default}{also}")


def _tagged(items: Sequence[tuple[str, str]]) -> Iterator[str]:
    for tag, text in items:
        yield from _item(_plain(tag), text)


def _item(tag: str, text: str) -> tuple[str, ...]:
    return (".TP", tag, _plain(text))


def _plain(text: str) -> str:
    r"""Write text so that roff reads it as text.

    >>> print(_plain(".x a-b \\c"))
    \&.x a\-b \ec
    """
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "\\[u2026]")
    return f"\\&{escaped}" if escaped[:1] in {".", "'"} else escaped


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
