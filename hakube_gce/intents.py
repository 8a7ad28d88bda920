"""What one command wishes for: from its verb and the switches in its environment to an `Intent`.

The original told its four verbs apart by comparing text ("not exactly false" destroyed, "not
exactly true" created a second cluster). Here the switches are booleans already, and what
contradicts itself is a problem instead of a guess. Pure; looks at wishes only, never at the
cluster.
"""

from dataclasses import dataclass
from enum import StrEnum

from hakube_gce.model import Intent, Verb


class Command(StrEnum):
    """Which command reads the settings."""

    UP = "up"
    DOWN = "down"
    SNAPSHOT = "snapshot"
    RESTORE = "restore"
    RECOVER = "recover"
    OTHER = "other"
    """Wishes for nothing: status, the emulator's commands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The mode switches; None and empty mean not set."""

    replicate: bool
    use_existing: bool
    delete_nodes: bool | None
    replica_name: str
    confirmation: str
    confirm_restore: str = ""
    confirm_recover: str = ""
    masters: int = 0
    """How many masters KUBE_MASTER_ZONES asks for in one run; 0 when nobody said."""
    named: str = ""
    """What the command line names: the survivor, or the snapshot."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An intent with what has to be said about it; problems make it void."""

    intent: Intent | None
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def wish(command: Command, switches: Switches, *, zone: str, prefix: str) -> Wish:
    """Tell what a command wishes for in a zone of the cluster ``prefix``."""
    match command:
        case Command.UP:
            return _up(switches, zone)
        case Command.DOWN:
            return _down(switches, zone, prefix)
        case Command.SNAPSHOT:
            return Wish(intent=Intent(verb=Verb.SNAPSHOT, zone=zone))
        case Command.RESTORE:
            return _restore(switches, zone, prefix)
        case Command.RECOVER:
            return _recover(switches, zone, prefix)
        case Command.OTHER:
            return Wish(intent=None)


def _up(switches: Switches, zone: str) -> Wish:
    problems, notes = [], []
    if switches.use_existing and switches.replicate:
        problems.append(
            "KUBE_USE_EXISTING_MASTER and KUBE_REPLICATE_EXISTING_MASTER are both true: the first "
            "adds nodes alone, the second a master; unset one, for example "
            "KUBE_USE_EXISTING_MASTER=false"
        )
    if switches.masters and switches.use_existing:
        problems.append(
            "KUBE_MASTER_ZONES and KUBE_USE_EXISTING_MASTER=true contradict each other: the first "
            "makes masters, the second nodes alone; unset one"
        )
    if switches.masters and switches.replicate:
        problems.append(
            "KUBE_MASTER_ZONES and KUBE_REPLICATE_EXISTING_MASTER=true contradict each other: the "
            "first makes a master in each of its zones, the second one in KUBE_GCE_ZONE; unset one"
        )
    if switches.replica_name:
        notes.append("KUBE_REPLICA_NAME only tells kube-down what to remove; new names are drawn")
    verb = Verb.REPLICATE if switches.replicate else Verb.CREATE
    verb = Verb.ADD_NODES if switches.use_existing else verb
    return Wish(intent=Intent(verb=verb, zone=zone), problems=tuple(problems), notes=tuple(notes))


def _down(switches: Switches, zone: str, prefix: str) -> Wish:
    problems, notes = [], []
    for name, value in (
        ("KUBE_REPLICATE_EXISTING_MASTER", switches.replicate),
        ("KUBE_USE_EXISTING_MASTER", switches.use_existing),
    ):
        if value:
            notes.append(f"{name} has no meaning for kube-down; ignored")
    if switches.replica_name and switches.delete_nodes:
        problems.append(
            f"KUBE_DELETE_NODES=true wishes the whole cluster away, KUBE_REPLICA_NAME="
            f"{switches.replica_name} one master; say KUBE_DELETE_NODES=false, or unset "
            "KUBE_REPLICA_NAME"
        )
    if switches.replica_name and switches.delete_nodes is None:
        notes.append(
            f"KUBE_REPLICA_NAME is set, so only {switches.replica_name} goes, as with "
            "KUBE_DELETE_NODES=false"
        )
    if switches.replica_name or switches.delete_nodes is False:
        intent = Intent(verb=Verb.REMOVE, zone=zone, replica_name=switches.replica_name)
    else:
        if switches.confirmation not in {"", prefix}:
            problems.append(
                f"HAKUBE_CONFIRM_TEARDOWN={switches.confirmation!a}: is not the cluster's name, "
                f"which is {prefix}; for example HAKUBE_CONFIRM_TEARDOWN={prefix}"
            )
        confirmed = switches.confirmation == prefix
        intent = Intent(verb=Verb.TEARDOWN, zone=zone, confirmed_teardown=confirmed)
    return Wish(intent=intent, problems=tuple(problems), notes=tuple(notes))


def _restore(switches: Switches, zone: str, prefix: str) -> Wish:
    word = switches.confirm_restore
    intent = Intent(
        verb=Verb.RESTORE, zone=zone, snapshot=switches.named, confirmed=word == prefix
    )
    return Wish(intent=intent, problems=_wrong_word("HAKUBE_CONFIRM_RESTORE", word, prefix))


def _recover(switches: Switches, zone: str, prefix: str) -> Wish:
    word = switches.confirm_recover
    intent = Intent(
        verb=Verb.RECOVER, zone=zone, replica_name=switches.named, confirmed=word == prefix
    )
    return Wish(intent=intent, problems=_wrong_word("HAKUBE_CONFIRM_RECOVER", word, prefix))


def _wrong_word(variable: str, word: str, prefix: str) -> tuple[str, ...]:
    if word in {"", prefix}:
        return ()
    return (
        f"{variable}={word!a}: is not the cluster's name, which is {prefix}; for example "
        f"{variable}={prefix}",
    )
