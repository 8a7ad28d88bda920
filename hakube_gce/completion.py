"""What completes `hakube` in bash, zsh and fish, made from the table of commands. Pure.

bash and zsh share one function, written so that both read it alike. Only what is known without a
look at the cluster is offered: a key pressed twice must not start an emulator or cost a call.
"""

import shlex
from collections.abc import Iterator, Mapping, Sequence

from hakube_gce import facts
from hakube_gce.command_table import Argument, Command, Option, every

WORDS: Mapping[str, tuple[str, ...]] = {
    "KEY": facts.KEYS,
    "QUESTION": ("lose", "remove", "add", "zone"),
    "PROFILE": ("none", "realistic"),
}
"""What to offer where a value has no fixed choices, by what stands for it in the help."""
FOLDER = "DIR"

_CORE = """\
# _hakube_find CURRENT WORD…: set `found` to what may stand at the cursor after these words.
_hakube_find() {{
  local current=$1 at='' flag='' position=0 word
  shift
  found=''
  for word in "$@"; do
    # bash makes three words of --option=value
    [[ $word != '=' ]] || continue
    if [[ -n $flag ]]; then
      flag=''
      continue
    fi
    case "$at $word" in
{commands}
        at=${{at:+$at }}$word position=0 ;;
{flags}
        flag=$word ;;
      *' -'*) ;;
      *) position=$((position + 1)) ;;
    esac
  done
  case $current in
    --*=*) flag=${{current%%=*}} ;;
  esac
  if [[ -n $flag ]]; then
    case "$at $flag" in
{values}
    esac
    return
  fi
  case "$at/$position" in
{arguments}
  esac
  [[ -z $found || $current == -* ]] || return 0
  case $at in
{options}
  esac
}}
"""

_BASH = """\
# bash completion for hakube, made by `hakube completion bash` from the program's own table.
# shellcheck shell=bash

{core}
_hakube() {{
  local found current=${{COMP_WORDS[COMP_CWORD]}} IFS=$' \\t\\n'
  [[ $current != '=' ]] || current=''
  _hakube_find "$current" "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"
  COMPREPLY=()
  if [[ $found == / ]]; then
    compopt -o filenames 2>/dev/null
    while IFS= read -r found; do COMPREPLY+=("$found"); done < <(compgen -d -- "$current")
  else
    # shellcheck disable=SC2207 # words without blanks or patterns
    COMPREPLY=($(compgen -W "$found" -- "$current"))
  fi
}}

complete -F _hakube hakube
"""

_ZSH = """\
#compdef hakube
# zsh completion for hakube, made by `hakube completion zsh` from the program's own table.

{core}
_hakube() {{
  local found
  _hakube_find "${{words[CURRENT]}}" "${{(@)words[2,CURRENT-1]}}"
  [[ ${{words[CURRENT]}} != --*=* ]] || compset -P '*='
  if [[ $found == / ]]; then
    _files -/
  else
    compadd -- ${{=found}}
  fi
}}

# Loaded by its name the first time it is needed, or sourced.
if [[ $funcstack[1] == _hakube ]]; then
  _hakube "$@"
elif (( $+functions[compdef] )); then
  compdef _hakube hakube
fi
"""

_FISH = """\
# fish completion for hakube, made by `hakube completion fish` from the program's own table.

function __hakube_at
    set -l at
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
            case {commands}
                set at (string trim "$at $word")
        end
    end
    test "$at" = "$argv[1]"
end

complete -c hakube -f
{lines}
"""


def script(shell: str, table: Command) -> str:
    """Give the script for one of the three shells."""
    if shell == "fish":
        return _fish(table)
    return {"bash": _BASH, "zsh": _ZSH}[shell].format(core=_core(table))


def _core(table: Command) -> str:
    below = list(every(table))
    flags = [(c, o) for c in below for o in c.options if o.metavar]
    return _CORE.format(
        commands=_pattern(f" {c.path}" if len(c.words) == 1 else c.path for c in below if c.words),
        flags=_pattern(f"{c.path} {flag}" for c, o in flags for flag in o.flags),
        values=_rows(
            (f"{c.path} {flag}", _offer(o)) for c, o in flags for flag in o.flags if _offer(o)
        ),
        arguments=_rows(row for c in below for row in _positions(c)),
        options=_rows((c.path, " ".join(f for o in c.options for f in o.flags)) for c in below),
    )


def _positions(command: Command) -> Iterator[tuple[str, str]]:
    if command.commands:
        yield f"{command.path}/0", " ".join(c.words[-1] for c in command.commands)
    for position, argument in enumerate(command.arguments):
        if _offer(argument):
            where = "*" if argument.repeated else str(position)
            yield f"{command.path}/{where}", _offer(argument)


def _offer(what: Option | Argument) -> str:
    """Give the words to offer; a slash stands for folders."""
    if what.metavar == FOLDER:
        return "/"
    return " ".join(what.choices or WORDS.get(what.metavar, ()))


def _pattern(texts: Iterator[str] | Sequence[str]) -> str:
    return "      " + " | \\\n      ".join(shlex.quote(text) for text in texts) + ")"


def _rows(rows: Iterator[tuple[str, str]]) -> str:
    return "\n".join(f"    {_case(text)}) found='{words}' ;;" for text, words in rows)


def _case(text: str) -> str:
    """Quote a pattern, but for the star that stands for any position."""
    return f"{shlex.quote(text[:-1])}*" if text.endswith("/*") else shlex.quote(text) or "''"


def _fish(table: Command) -> str:
    below = list(every(table))
    names = (f" {c.path}" if len(c.words) == 1 else c.path for c in below if c.words)
    lines = (line for command in below for line in _fish_lines(command))
    return _FISH.format(
        commands=" ".join(_fish_quote(name) for name in names), lines="\n".join(lines)
    )


def _fish_lines(command: Command) -> Iterator[str]:
    start = f"complete -c hakube -n {_fish_quote(f'__hakube_at {_fish_quote(command.path)}')}"
    for below in command.commands:
        yield f"{start} -a {below.words[-1]} -d {_fish_quote(below.help)}"
    for argument in command.arguments:
        if words := _offer(argument):
            offer = "'(__fish_complete_directories)'" if words == "/" else _fish_quote(words)
            yield f"{start} -a {offer} -d {_fish_quote(argument.help)}"
    for option in command.options:
        flags = " ".join(_fish_flag(flag) for flag in option.flags)
        value = f" -x -a {_fish_quote(_offer(option))}" if option.metavar else ""
        yield f"{start} {flags}{value} -d {_fish_quote(option.help)}"


def _fish_flag(flag: str) -> str:
    return f"-l {flag[2:]}" if flag.startswith("--") else f"-s {flag[1:]}"


def _fish_quote(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
