"""The command line: verbs and the few options they take. Everything else comes by variables."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hakube_gce import __version__, command_table, facts
from hakube_gce.command_table import Command as TableCommand
from hakube_gce.intents import Command

EPILOG = """\
kube-up.sh and kube-down.sh are `hakube up` and `hakube down`; variables say what they do:
  one master     KUBE_GCE_ZONE=europe-west1-b MULTIZONE=true hakube up
  one more       KUBE_GCE_ZONE=europe-west1-c KUBE_REPLICATE_EXISTING_MASTER=true hakube up
  one less       KUBE_GCE_ZONE=europe-west1-c KUBE_DELETE_NODES=false hakube down
  save it        hakube snapshot; what to do when masters are lost: docs/OPERATIONS.md
  without cloud  KUBERNETES_PROVIDER=emulator in front of any of them
On real Compute Engine this version makes nothing yet (exit 5): use KUBERNETES_PROVIDER=emulator.
"""


_UP = """\
variables say what is wished (`hakube config` shows all, docs/CONFIGURATION.md explains them):
  KUBE_GCE_ZONE                       the zone
  KUBE_REPLICATE_EXISTING_MASTER=true one more master, in that zone
  KUBE_MASTER_ZONES=a,b,c             a master in each of these zones, in one go
  NUM_NODES, KUBE_USE_EXISTING_MASTER worker nodes, also in further zones
without any of them on a cluster that is there: its masters are brought back
"""
_DOWN = """\
variables say what is wished (`hakube config` shows all, docs/CONFIGURATION.md explains them):
  KUBE_GCE_ZONE                       the zone
  (KUBE_DELETE_NODES not set)         in a zone with a master: delete the WHOLE CLUSTER and its
                                      data; a single master goes without a question
                                      in a zone with nodes only: delete that zone's nodes
  KUBE_DELETE_NODES=false             remove one master of the zone; all else stays
  KUBE_REPLICA_NAME=NAME              remove that very master; all else stays
  HAKUBE_CONFIRM_TEARDOWN=PREFIX      the word that several masters want before the cluster is
                                      deleted
look first: --dry-run
"""
_AS_WRITTEN = argparse.RawDescriptionHelpFormatter


@dataclass(frozen=True, slots=True, kw_only=True)
class Arguments:
    """A parsed command line."""

    verb: str
    """One of the parser's."""
    json: bool = False
    dry_run: bool = False
    check: bool = False
    debug: bool = False
    list: bool = False
    """For ``snapshot``: show those there are."""
    named: str = ""
    """For ``recover`` the survivor, for ``restore`` the snapshot, for ``replace`` the master."""
    wait_s: float = 0.0
    """For ``join-nodes``: how long to wait for nodes that have not asked."""
    to: int = 0
    """For ``scale``: how many masters."""
    new: bool = False
    """For ``replace``: on a new disk in any case."""
    nonce: str = ""
    """For ``unlock``: which lock is meant."""
    question: str = ""
    """For ``whatif``: what would be if."""
    keys: tuple[str, ...] = ()
    """For ``detect``: what to find out."""
    assignments: bool = False
    """For ``detect``: print assignments."""
    folder: str = ""
    """For ``shims``: where to."""
    shell_name: str = ""
    """For ``completion``: which shell."""
    rest: tuple[str, ...] = ()
    """For ``emulator``: its own arguments."""
    words: tuple[str, ...] = ()
    """All of it, as it was typed."""

    @property
    def command(self) -> Command:
        if self.list:
            return Command.OTHER
        known = {command.value: command for command in Command}
        return known.get(self.verb, Command.OTHER)


def parse(argv: list[str]) -> Arguments:
    """Parse a command line; prints usage and exits 2 when it is wrong, as argparse does."""
    if argv[:1] == ["emulator"]:
        return Arguments(verb="emulator", rest=tuple(argv[1:]), words=tuple(argv))
    found = parser().parse_args(argv)
    return Arguments(
        verb=found.verb,
        json=found.output == "json",
        dry_run=getattr(found, "dry_run", False),
        check=getattr(found, "check", False),
        debug=getattr(found, "debug", False),
        list=getattr(found, "list", False),
        named=getattr(found, "named", ""),
        wait_s=getattr(found, "wait_s", 0.0),
        to=getattr(found, "to", 0),
        new=getattr(found, "new", False),
        nonce=getattr(found, "nonce", ""),
        question=" ".join(getattr(found, "question", ())),
        keys=tuple(getattr(found, "keys", ())),
        assignments=getattr(found, "assignments", False),
        folder=getattr(found, "folder", ""),
        shell_name=getattr(found, "shell", ""),
        words=tuple(argv),
    )


def want_json(words: Sequence[str]) -> bool:
    """Tell whether a command line that cannot be parsed asks for JSON.

    >>> want_json(["up", "--nope", "--output", "json"]), want_json(["up", "--output=json"])
    (True, True)
    >>> want_json(["up", "--output", "text"]), want_json([])
    (False, False)
    """
    pairs = zip(words, [*words, ""][1:], strict=True)
    return any(pair == ("--output", "json") or pair[0] == "--output=json" for pair in pairs)


def problems(found: Arguments) -> tuple[str, ...]:
    """Name all that argparse cannot see."""
    both = found.assignments and found.json
    contradiction = (
        ("--shell and --output json exclude each other; leave one out",) if both else ()
    )
    return (*contradiction, *facts.problems(found.keys))


def parser() -> argparse.ArgumentParser:
    """Make the parser of the command line, the emulator's own apart."""
    top = argparse.ArgumentParser(
        prog="hakube",
        description="Highly available Kubernetes masters on Google Compute Engine.",
        epilog=EPILOG,
        formatter_class=_AS_WRITTEN,
    )
    top.add_argument("--version", action="version", version=f"hakube {__version__}")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, what, variables in (
        ("up", "create the first master, or replicate one", _UP),
        ("down", "remove a master, or tear the cluster down", _DOWN),
    ):
        _changing(verbs.add_parser(name, help=what, epilog=variables, formatter_class=_AS_WRITTEN))
    snapshot = verbs.add_parser("snapshot", help="save the cluster's data beside its masters")
    _changing(snapshot)
    snapshot.add_argument("--list", action="store_true", help="show the snapshots there are")
    restore = verbs.add_parser("restore", help="begin again from a snapshot when all is lost")
    _changing(restore)
    restore.add_argument(
        "--snapshot", dest="named", default="", metavar="NAME", help="which; else the newest"
    )
    recover = verbs.add_parser("recover", help="go on with one master when the majority is lost")
    _changing(recover)
    recover.add_argument(
        "--survivor", dest="named", required=True, metavar="NAME", help="the master that is left"
    )
    _courses(verbs)
    _common(verbs.add_parser("status", help="show the cluster and judge it"))
    _common(verbs.add_parser("config", help="show every variable's value and where it is from"))
    _common(verbs.add_parser("validate", help="wait until every VM is a ready Node"))
    join = verbs.add_parser("join-nodes", help="certificates for the nodes that ask to join")
    _common(join)
    join.add_argument(
        "--wait",
        dest="wait_s",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="until all nodes have asked, so long at most",
    )
    unlock = verbs.add_parser("unlock", help="free the lock of a run that is dead for certain")
    _common(unlock)
    unlock.add_argument("--nonce", required=True, help="the lock's nonce, as the refusal names it")
    whatif = verbs.add_parser("whatif", help="foretell a loss, a removal, an addition")
    _common(whatif)
    whatif.add_argument(
        "question",
        nargs="+",
        metavar="QUESTION",
        help="lose zone ZONE | lose NAME | remove NAME | add ZONE",
    )
    _for_scripts(verbs)
    verbs.add_parser("emulator", help="the embedded emulator: start, stop, status, …")
    return top


def table() -> TableCommand:
    """Give all commands, the emulator's own among them."""
    # imported when it is needed: an HTTP server has no place in `--help`
    from hakube_gce.emulator.commands import parser as emulator  # noqa: PLC0415

    read = command_table.read(parser())
    commands = (
        command_table.read(emulator(), c.words, c.help) if c.words == ("emulator",) else c
        for c in read.commands
    )
    return replace(read, commands=tuple(commands))


def _for_scripts(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    detect = verbs.add_parser("detect", help="find out what scripts ask of a cluster")
    _common(detect)
    detect.add_argument(
        "--shell",
        dest="assignments",
        action="store_true",
        help="print assignments for a shell to evaluate",
    )
    detect.add_argument("keys", nargs="*", metavar="KEY", help="which; all of them unless named")
    shims = verbs.add_parser("shims", help="write kube-up.sh and the like for this program")
    _output(shims)
    shims.add_argument("folder", metavar="DIR", help="the folder; it is made if need be")
    completion = verbs.add_parser("completion", help="print what completes hakube in a shell")
    _output(completion)
    completion.add_argument("shell", choices=("bash", "zsh", "fish"), help="which shell")


def _courses(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verbs that are several operations."""
    scale = verbs.add_parser("scale", help="add or remove masters until there are so many")
    _changing(scale)
    scale.add_argument("--to", type=int, required=True, metavar="N", help="1, 3, 5 or 7")
    replace = verbs.add_parser("replace", help="put a sound master in the place of one")
    _changing(replace)
    _replaced(replace)
    runbook = verbs.add_parser("runbook", help="print the commands that `replace` would run")
    _common(runbook)
    runbook.add_argument("what", choices=("replace",), help="which runbook")
    _replaced(runbook)


def _replaced(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("named", metavar="NAME", help="the master to replace")
    verb.add_argument("--new", action="store_true", help="do not use its data disk again")


def _changing(verb: argparse.ArgumentParser) -> None:
    _common(verb)
    verb.add_argument("--dry-run", action="store_true", help="show the plan, change nothing")
    verb.add_argument(
        "--check", action="store_true", help="as --dry-run; exit 10 when changes are pending"
    )


def _common(verb: argparse.ArgumentParser) -> None:
    _output(verb)
    verb.add_argument("--debug", action="store_true", help="show a traceback for bugs")


def _output(verb: argparse.ArgumentParser) -> None:
    verb.add_argument(
        "--output", choices=("text", "json"), default="text", help="for people or for programs"
    )
