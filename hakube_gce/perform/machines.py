"""Firewalls, disks, VMs and the address: steps that are one call to Compute Engine."""

from collections.abc import Callable, Mapping

from hakube_gce import marks, names, remembered, user_labels
from hakube_gce.errors import (
    ResourceConflict,
    ResourceInUse,
    StaleFingerprint,
    StepFailed,
    TargetNotFound,
)
from hakube_gce.perform.context import Context
from hakube_gce.resources import Instance, InstanceSpec
from hakube_gce.steps import (
    CreateDisk,
    CreateFirewall,
    CreateInstance,
    DeleteDisk,
    DeleteFirewall,
    DeleteInstance,
    ForgetAddress,
    ReleaseAddress,
    RememberAddress,
    StartInstance,
)

_TRIES = 5


def create_firewall(context: Context, key: str, step: CreateFirewall) -> None:
    context.gateway.networks.insert_firewall(
        step.spec, request_id=context.request_id(key, "insert")
    )


def delete_firewall(context: Context, key: str, step: DeleteFirewall) -> None:
    context.gateway.networks.delete_firewall(
        step.name, request_id=context.request_id(key, "delete")
    )


def create_disk(context: Context, key: str, step: CreateDisk) -> None:
    context.gateway.insert_disk(
        step.zone,
        step.name,
        size_gb=step.size_gb,
        disk_type=step.disk_type,
        labels=user_labels.beside(
            context.blueprint.labels,
            {
                **marks.mark_labels(context.mark),
                **remembered.disk_labels(context.blueprint.inherited),
            },
        ),
        request_id=context.request_id(key, "insert"),
        source_snapshot=step.snapshot,
    )


def delete_disk(context: Context, key: str, step: DeleteDisk) -> None:
    context.gateway.delete_disk(step.zone, step.name, request_id=context.request_id(key, "delete"))


def create_instance(context: Context, key: str, step: CreateInstance) -> None:
    """Make a master's VM.

    Raises:
        StepFailed: A master that comes back has to have the internal address that its member is
            known at, and by now it is another VM's: Compute Engine reserves it for nobody.
    """
    try:
        context.gateway.insert_instance(step.spec, request_id=context.request_id(key, "insert"))
    except ResourceInUse as error:
        holder = _who_has_its_address(context, step.spec)
        if holder is None:
            raise
        raise StepFailed(
            f"{step.spec.name} is known to etcd at {step.spec.internal_ip}, and that is the "
            f"address of VM {holder.name} in {holder.zone} now",
            hint=f"delete {holder.name}, or give it another internal address; then the same "
            "command goes on. Nothing is lost: the data is on the disk "
            f"{names.data_disk(step.spec.name)}",
        ) from error


def _who_has_its_address(context: Context, spec: InstanceSpec) -> Instance | None:
    if not spec.internal_ip:
        return None
    return next(
        (
            vm
            for vm in context.gateway.inventory(context.blueprint.region).instances
            if vm.internal_ip == spec.internal_ip
            and vm.network == spec.network
            and (vm.zone, vm.name) != (spec.zone, spec.name)
        ),
        None,
    )


def remember_address(context: Context, key: str, step: RememberAddress) -> None:
    """Write the VM's internal IP onto its data disk.

    Raises:
        StepFailed: Somebody else kept writing the disk's labels.
    """
    address = context.instance(step.zone, step.replica).internal_ip
    _relabel(context, key, step, lambda labels: marks.home_labels(labels, address))


def forget_address(context: Context, key: str, step: ForgetAddress) -> None:
    """Take the address off a kept disk, so that nobody makes its old member again.

    Raises:
        StepFailed: Somebody else kept writing the disk's labels.
    """
    _relabel(context, key, step, marks.homeless_labels)


def _relabel(
    context: Context,
    key: str,
    step: RememberAddress | ForgetAddress,
    change: Callable[[Mapping[str, str]], Mapping[str, str]],
) -> None:
    for _ in range(_TRIES):
        disk = context.gateway.find_disk(step.zone, step.disk)
        if disk is None:
            raise TargetNotFound(f"disk {step.disk} is not in zone {step.zone} any more")
        try:
            context.gateway.set_disk_labels(
                step.zone,
                step.disk,
                labels=change(disk.labels),
                fingerprint=disk.label_fingerprint,
                request_id=context.request_id(key, "set-labels"),
            )
        except StaleFingerprint:
            continue
        return
    raise StepFailed(f"the labels of disk {step.disk} changed {_TRIES} times under our hands")


def start_instance(context: Context, key: str, step: StartInstance) -> None:
    context.gateway.start_instance(
        step.zone, step.name, request_id=context.request_id(key, "start")
    )


def delete_instance(context: Context, key: str, step: DeleteInstance) -> None:
    """Delete a VM, but only the very one that was decided about: names come back, ids do not."""
    found = context.gateway.find_instance(step.zone, step.name)
    if found is None:
        return
    if found.id != step.id:
        raise ResourceConflict(
            f"VM {step.name} in {step.zone} is not the one this run decided to delete: its id is "
            f"{found.id}, not {step.id}",
            resource=f"zones/{step.zone}/instances/{step.name}",
            hint="somebody made a new VM of that name; look at `hakube status`",
        )
    context.gateway.delete_instance(
        step.zone, step.name, request_id=context.request_id(key, "delete")
    )


def release_address(context: Context, key: str, step: ReleaseAddress) -> None:
    context.gateway.delete_address(
        step.region, step.name, request_id=context.request_id(key, "delete")
    )
    if context.mark.uid and not step.keep_keys:
        context.keys.remove(context.mark.uid)  # nothing is left that they open
