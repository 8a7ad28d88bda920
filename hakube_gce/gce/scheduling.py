"""How Compute Engine treats a VM: as usual, or as one that it may stop at any time. Pure."""

from hakube_gce.gce.library import compute


def of_master(provisioning: str) -> compute.Scheduling:
    """A master that is taken is stopped, never deleted: it is started again on its disks."""
    return _scheduling(provisioning, when_taken="STOP")


def of_node(provisioning: str) -> compute.Scheduling:
    """A node that is taken is deleted, and its managed group makes another."""
    return _scheduling(provisioning, when_taken="DELETE")


def _scheduling(provisioning: str, *, when_taken: str) -> compute.Scheduling:
    if provisioning == "standard":
        return compute.Scheduling(automatic_restart=True)
    found = compute.Scheduling(automatic_restart=False, on_host_maintenance="TERMINATE")
    if provisioning == "preemptible":
        found.preemptible = True
    else:
        found.provisioning_model = "SPOT"
        found.instance_termination_action = when_taken
    return found
