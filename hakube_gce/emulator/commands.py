"""``hakube emulator …``: the lab at a person's fingertips.

Reads its arguments, asks `control` or the lab, prints. With ``--output json`` one object goes to
stdout and nothing else.
"""

import argparse
import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

from hakube_gce.emulator import control, faults
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.daemon import RUNTIMES
from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.emulator.world import LIMITS
from hakube_gce.errors import HakubeError
from hakube_gce.terminal import deliver, say

_VM_FIELDS: Final = (
    "name",
    "project",
    "zone",
    "status",
    "internal_ip",
    "external_ip",
    "pids",
    "etcd_client_url",
)


class _Usage(Exception):
    """The command line does not make sense."""


class _Help(Exception):
    """Help was asked for."""


class _Parser(argparse.ArgumentParser):
    """argparse that neither exits nor prints by itself; subparsers are of the same class."""

    def error(self, message: str) -> None:  # type: ignore[override]  # ours raises as well
        raise _Usage(f"{message}\n{self.format_usage().strip()}")

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - argparse's shape
        raise _Help(self.format_help())


class NotRunning(EmulatorError):
    """No lab runs in this folder."""

    exit_status = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class _Command:
    """One invocation."""

    given: argparse.Namespace
    home: Path
    environ: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a command has to say, both ways."""

    facts: Json
    text: str


def main(
    argv: Sequence[str],
    *,
    home: Path,
    environ: Mapping[str, str],
    stdout: TextIO,
    stderr: TextIO,
) -> int:
    """Run one emulator command; return its exit status."""
    try:
        given = parser().parse_args(argv)
        said = _COMMANDS[given.verb](_Command(given=given, home=home, environ=environ))
        as_json = given.output == "json"
        deliver(json.dumps(said.facts, indent=2) if as_json else said.text, stdout)
    except _Help as asked:
        say(str(asked), stdout)
    except _Usage as error:
        say(f"hakube emulator: {error}", stderr)
        return 2
    except HakubeError as error:
        hint = f"\n  {error.hint}" if error.hint else ""
        say(f"hakube emulator: {error}{hint}", stderr)
        return error.exit_status
    return 0


def parser() -> argparse.ArgumentParser:
    """Make the parser of the emulator's own command line."""
    output = _Parser(add_help=False)
    output.add_argument(
        "--output", choices=("text", "json"), default="text", help="for people or for programs"
    )
    top = _Parser(prog="hakube emulator", description="The embedded Compute Engine.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    def verb(name: str, about: str) -> _Parser:
        return verbs.add_parser(name, help=about, parents=[output])

    start = verb("start", "start the lab; VMs that were running boot again")
    start.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (a free one)")
    start.add_argument("--runtime", choices=RUNTIMES, default="", help="what a VM is")
    start.add_argument(
        "--latency", default="", metavar="PROFILE", help="none, realistic, or a JSON file"
    )
    verb("stop", "end every process; the lab is kept")
    verb("status", "show the lab and its VMs")
    verb("destroy", "end the lab and remove it")
    verb("dump", "print every resource as JSON")
    env = verb("env", "print ETCDCTL_… of a VM for the shell")
    env.add_argument("name", metavar="NAME", help="the VM")
    vm = verb("vm", "switch a VM, as its power button would")
    vm.add_argument("action", choices=("kill", "stop", "start", "reset"), help="what to do")
    vm.add_argument("name", metavar="NAME", help="the VM")
    quota = verb("quota", "show or set how much a project may hold in a region")
    quota.add_argument("wanted", nargs="*", metavar="METRIC=N", help="e.g. INSTANCES=2000")
    fault = verb("fault", "script what goes wrong")
    fault.add_argument("action", choices=("add", "list", "clear"), help="what to do")
    fault.add_argument("script", nargs="?", metavar="JSON", help='{"method": …, "error": …}')
    return top


def _start(command: _Command) -> _Said:
    given, environ = command.given, command.environ
    info = control.ensure_running(
        command.home,
        runtime=given.runtime or environ.get("HAKUBE_RUNTIME", ""),
        latency=given.latency or environ.get("HAKUBE_LATENCY", ""),
        environ=environ,
        port=given.port,
    )
    return _shown(control.about(info))


def _status(command: _Command) -> _Said:
    info = control.find_running(command.home)
    if info is not None:
        return _shown(control.about(info))
    facts: Json = {
        "schema_version": 1,
        "compute_endpoint": None,
        "pid": None,
        "home": str(command.home),
        "runtime": None,
        "latency": None,
        "vms": [],
    }
    text = f"No emulator runs in {command.home}. Start it with: hakube emulator start"
    return _Said(facts=facts, text=text)


def _shown(lab: Json) -> _Said:
    names = ("schema_version", "compute_endpoint", "pid", "home", "runtime", "latency", "api_port")
    facts = {name: lab[name] for name in names}
    facts["vms"] = [{name: vm[name] for name in _VM_FIELDS} for vm in lab["vms"]]
    lines = [
        f"emulator at {lab['compute_endpoint']} (pid {lab['pid']}, runtime {lab['runtime']}, "
        f"latency {lab['latency']}), masters' API on port {lab['api_port']}",
        *[_line(vm) for vm in facts["vms"]],
    ]
    return _Said(facts=facts, text="\n".join(lines))


def _line(vm: Json) -> str:
    addresses = f"{vm['internal_ip']:<15}  {vm['external_ip'] or '-':<15}"
    line = f"  {vm['name']:<28}  {vm['zone']:<18}  {vm['status']:<12}  {addresses}"
    return line.rstrip()


def _stop(command: _Command) -> _Said:
    was = control.stop(command.home)
    text = "The emulator has ended; the lab is kept." if was else "No emulator was running."
    return _done(text, changed=was)


def _destroy(command: _Command) -> _Said:
    was = control.destroy(command.home)
    text = f"The lab in {command.home} is gone." if was else f"There is no lab in {command.home}."
    return _done(text, changed=was)


def _done(text: str, *, changed: bool) -> _Said:
    return _Said(facts={"schema_version": 1, "changed": changed}, text=text)


def _lab(command: _Command) -> control.LabInfo:
    info = control.find_running(command.home)
    if info is None:
        text = f"no emulator runs in {command.home}"
        raise NotRunning(text, hint="start it with: hakube emulator start")
    return info


def _environment(command: _Command) -> _Said:
    name = command.given.name
    found = _lab(command).client().ask("GET", "env", {"vm": name})
    if not found:
        text = f"no etcd runs on {name}"
        raise EmulatorError(text, hint=f"switch it on: hakube emulator vm start {name}")
    lines = [f"export {key}={shlex.quote(str(value))}" for key, value in sorted(found.items())]
    return _Said(facts={"schema_version": 1, **found}, text="\n".join(lines))


def _vm(command: _Command) -> _Said:
    name, action = command.given.name, command.given.action
    vm = _lab(command).client().ask("POST", f"vms/{name}/{action}")
    return _Said(facts={"schema_version": 1, "vm": vm}, text=_line(vm).strip())


def _fault(command: _Command) -> _Said:
    client, action = _lab(command).client(), command.given.action
    if action == "add":
        script = _script(command.given.script)
        added = client.ask("POST", "faults", body=script)
        return _Said(facts={"schema_version": 1, **added}, text=f"fault {added['id']} stands")
    if action == "clear":
        client.ask("DELETE", "faults")
        return _done("No fault stands.", changed=True)
    found = client.ask("GET", "faults")
    lines = [json.dumps(fault) for fault in found["faults"]] or ["No fault stands."]
    return _Said(facts={"schema_version": 1, **found}, text="\n".join(lines))


def _quota(command: _Command) -> _Said:
    pairs = [text.partition("=") for text in command.given.wanted]
    wrong = [
        text
        for text, (name, _, limit) in zip(command.given.wanted, pairs, strict=True)
        if name not in LIMITS or not (limit.isascii() and limit.isdecimal())
    ]
    if wrong:
        raise _Usage(
            f"quota {' '.join(wrong)}: give METRIC=N, for example INSTANCES=2000; "
            f"METRIC is one of {', '.join(sorted(LIMITS))}"
        )
    client, body = _lab(command).client(), {name: int(limit) for name, _, limit in pairs}
    found = client.ask("POST", "quotas", body=body) if body else client.ask("GET", "quotas")
    lines = [f"{metric}={limit:g}" for metric, limit in found["quotas"].items()]
    return _Said(facts={"schema_version": 1, **found}, text="\n".join(lines))


def _script(text: str | None) -> Json:
    try:
        script = json.loads(text or "")
    except ValueError as error:
        raise _Usage(f"fault add needs a JSON object: {error}") from error
    if not isinstance(script, dict):
        raise _Usage("fault add needs a JSON object")
    try:
        faults.parse(script)
    except EmulatorError as error:
        raise _Usage(f"{error.message}\n  {error.hint}") from error
    return script


def _dump(command: _Command) -> _Said:
    found = _lab(command).client().ask("GET", "dump")
    return _Said(facts={"schema_version": 1, **found}, text=json.dumps(found, indent=2))


_COMMANDS: Final[Mapping[str, Callable[[_Command], _Said]]] = {
    "start": _start,
    "stop": _stop,
    "status": _status,
    "destroy": _destroy,
    "dump": _dump,
    "env": _environment,
    "vm": _vm,
    "fault": _fault,
    "quota": _quota,
}
