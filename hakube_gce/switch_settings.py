"""What the switches say that decide between the verbs, and about etcd's reads. Pure.

What they come to is `intents`' to tell.
"""

from hakube_gce import setting_kinds as kinds
from hakube_gce.intents import Switches
from hakube_gce.setting_sources import Reader
from hakube_gce.variables import cluster, etcd, ours


def read_switches(reader: Reader, named: str, *, masters: int) -> Switches:
    """Read the mode switches.

    Args:
        reader: Whence.
        named: The survivor or snapshot that the command line names.
        masters: How many masters are asked for in one run.
    """
    return Switches(
        replicate=reader.read(cluster.REPLICATE),
        use_existing=reader.read(cluster.USE_EXISTING),
        delete_nodes=reader.read_if_set(cluster.DELETE_NODES),
        replica_name=reader.text_of(cluster.REPLICA_NAME),
        confirmation=reader.text_of(ours.CONFIRM_TEARDOWN),
        confirm_restore=reader.text_of(ours.CONFIRM_RESTORE),
        confirm_recover=reader.text_of(ours.CONFIRM_RECOVER),
        masters=masters,
        named=_named(reader, named),
    )


def read_quorum_reads(reader: Reader) -> None:
    """Read both spellings, and note what there is to say about them."""
    one, other = reader.read_if_set(etcd.QUORUM_READ), reader.read_if_set(etcd.QUORUM_READS)
    both = f"{etcd.QUORUM_READ.name} and {etcd.QUORUM_READS.name}"
    if one is not None and other is not None and one != other:
        reader.problems.append(f"{both} say the opposite of each other; unset one")
    if False in {one, other}:
        reader.notes.append(f"{both}: false changes nothing, reads are always linearizable now")


def _named(reader: Reader, named: str) -> str:
    """Check a name from the command line as strictly as one from a variable."""
    try:
        return kinds.resource_name(named) if named else ""
    except ValueError as error:
        reader.problems.append(f"{named[:80]!a} on the command line {error}")
        return ""
