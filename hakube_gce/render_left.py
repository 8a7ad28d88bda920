"""What a torn-down cluster leaves on purpose, in a few words. Pure."""

from hakube_gce.model import Observed


def left_behind(seen: Observed) -> str:
    """Say what is left after a teardown: snapshots, and networks that had to stay.

    Returns:
        Words that continue "nothing of the cluster is left"; empty when that is the whole truth.
    """
    found = [f"snapshots: {len(seen.snapshots)}"] if seen.snapshots else []
    if seen.networks.left:
        found.append(f"networks: {', '.join(seen.networks.left)}")
    return f" but {'; '.join(found)}" if found else ""
