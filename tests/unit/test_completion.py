"""Completion in a real bash: exactly what the argument parsers take is offered."""

import argparse
import os
import select
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hakube_gce import arguments, command_table, completion, facts
from hakube_gce.command_table import Command

TABLE = arguments.table()
COMMANDS = [c for c in command_table.every(TABLE) if c.words]
BASH = shutil.which("bash")


@pytest.fixture(scope="module")
def script(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file that bash users source."""
    if BASH is None:
        pytest.skip("no bash on PATH")
    file = tmp_path_factory.mktemp("completion") / "hakube.bash"
    file.write_text(completion.script("bash", TABLE))
    return file


def offered(script: Path, *words: str, folder: Path = Path("/")) -> list[str]:
    """Complete the last word as bash does on TAB, by the function registered for hakube."""
    text = """
      set -u; source "$1"; shift
      [[ $(complete -p hakube) == 'complete -F _hakube hakube' ]] || exit 9
      COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hakube
      ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
    """
    ended = subprocess.run(
        ["bash", "--norc", "-c", text, "bash", str(script), "hakube", *words],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return ended.stdout.splitlines()


def test_the_table_has_the_parsers_verbs_and_the_emulator_s() -> None:
    paths = {c.path for c in COMMANDS}
    assert {"up", "down", "status", "detect", "shims", "emulator", "emulator start"} <= paths
    assert len(paths) == len(COMMANDS) >= 19


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.path)
def test_every_command_and_each_of_its_options_is_offered(script: Path, command: Command) -> None:
    *above, last = command.words
    assert last in offered(script, *above, last[:1])
    flags = [flag for option in command.options for flag in option.flags]
    assert sorted(offered(script, *command.words, "-")) == sorted(flags)


VALUES = [
    (c, o) for c in COMMANDS for o in c.options if o.choices or o.metavar in completion.WORDS
]


@pytest.mark.parametrize(
    ("command", "option"), VALUES, ids=lambda x: getattr(x, "path", None) or x.flags[-1]
)
def test_an_option_s_values_are_offered_with_a_blank_or_an_equals_sign(
    script: Path, command: Command, option: command_table.Option
) -> None:
    values = list(option.choices or completion.WORDS[option.metavar])
    flag = option.flags[-1]
    assert offered(script, *command.words, flag, "") == values
    # readline splits at =
    assert offered(script, *command.words, flag, "=") == values
    assert offered(script, *command.words, flag, "=", values[0][:1])[0] == values[0]
    after = offered(script, *command.words, flag, "=", values[0], "-")
    assert flag in after, "the value is not taken for the next word"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["emulator", "vm", ""], ["kill", "stop", "start", "reset"]),
        (["emulator", "--output", "json", "vm", "st"], ["stop", "start"]),
        (["completion", "z"], ["zsh"]),
        (["detect", "KUBE_MASTER_"], ["KUBE_MASTER_IP"]),
        (["detect", "ZONE", "REG"], ["REGION"]),
        (["recover", "--survivor", "up", "--outp"], ["--output"]),
        (["no-such-verb", "up"], []),
        (["emulator", "env", "somebody"], []),
    ],
)
def test_what_is_offered_depends_on_what_stands_before(
    script: Path, words: list[str], expected: list[str]
) -> None:
    assert offered(script, *words) == expected


def test_folders_are_offered_for_the_shims(script: Path, tmp_path: Path) -> None:
    (tmp_path / "clu ster").mkdir()
    (tmp_path / "clu-file").write_text("")
    assert offered(script, "shims", "clu", folder=tmp_path) == ["clu ster"]


def test_all_keys_of_detect_are_offered(script: Path) -> None:
    assert offered(script, "detect", "") == list(facts.KEYS)


def test_a_new_verb_is_in_all_three_shells_at_once() -> None:
    """The table is read from whatever parser there is."""
    parser = argparse.ArgumentParser(prog="hakube")
    verbs = parser.add_subparsers()
    verb = verbs.add_parser("brew", help="make it; don't ask")
    verb.add_argument("--strength", choices=("mild", "strong"), help="how")
    table = command_table.read(parser)
    for shell in ("bash", "zsh", "fish"):
        text = completion.script(shell, table)
        assert "brew" in text
        assert "mild strong" in text
    assert r"make it; don\'t ask" in completion.script("fish", table)


@contextmanager
def terminal() -> Iterator[int]:
    """Run an interactive bash on a terminal of its own; yields its other end."""
    ours, theirs = os.openpty()
    bash = subprocess.Popen(
        ["bash", "--norc", "--noprofile", "-i"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={"PATH": os.defpath, "TERM": "dumb", "INPUTRC": "/dev/null", "HOME": "/nonexistent"},
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield ours
    finally:
        bash.kill()
        bash.wait(timeout=30)
        os.close(ours)


def read_until(terminal: int, wanted: bytes) -> bytes:
    seen = b""
    while wanted not in seen:
        ready, _, _ = select.select([terminal], [], [], 30)
        assert ready, seen
        seen += os.read(terminal, 4096)
    return seen


def test_tab_on_a_terminal_completes(script: Path) -> None:
    with terminal() as there:
        os.write(there, f". '{script}'; hakube() {{ printf '<%s>' \"$@\" end; }}\n".encode())
        os.write(there, b"hakube det\tKUBE_MASTER_\t--outp\tj\t\n")
        read_until(there, b"<detect><KUBE_MASTER_IP><--output><json><end>")


# What each shell offers for the words in its arguments.
ZSH = 'source $1; shift; found=; _hakube_find "" "$@"; print -l -- ${=found}'
FISH = 'source $argv[1]; complete -C "$argv[2]"'


@pytest.mark.parametrize("shell", ["zsh", "fish"])
@pytest.mark.parametrize("words", [(), ("emulator",), ("emulator", "vm"), ("up", "--output")])
def test_zsh_and_fish_offer_what_bash_does(
    script: Path, tmp_path: Path, shell: str, words: tuple[str, ...]
) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} on PATH")
    file = tmp_path / "completion"
    file.write_text(completion.script(shell, TABLE))
    start = {
        "zsh": ["zsh", "-f", "-c", ZSH, "zsh", str(file), *words],
        "fish": ["fish", "--no-config", "-c", FISH, str(file), " ".join(["hakube", *words, ""])],
    }[shell]
    ended = subprocess.run(start, capture_output=True, text=True, timeout=30, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    found = [line.partition("\t")[0] for line in ended.stdout.splitlines()]
    assert sorted(found) == sorted(offered(script, *words, ""))
