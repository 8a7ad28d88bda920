"""The cluster IP moves: between a VM and the load balancer, in an outage window that is measured.

Everything was built and proven before; the window is two calls and what Compute Engine takes to
let the second have its effect. It is announced, watched by a TLS-verified probe, closed or rolled
back, and printed with its length. Between its first call and its end nothing interrupts it but the
death of the process; then the address's labels remember that it is open, and the next run goes on
from what it sees.
"""

from collections.abc import Callable
from dataclasses import dataclass

from hakube_gce import conditions, marks
from hakube_gce.balancer_steps import (
    AttachEphemeral,
    CarryAddress,
    CreateRule,
    DemoteEndpoint,
    DetachEphemeral,
    PromoteEndpoint,
)
from hakube_gce.errors import (
    HakubeError,
    Locked,
    RequestInvalid,
    ResourceConflict,
    ResourceNotFound,
    StepFailed,
)
from hakube_gce.model import EndpointMode
from hakube_gce.perform.context import Context, Window
from hakube_gce.resources import Instance, RuleTarget
from hakube_gce.watch import Watching

_STATIC, _EPHEMERAL = "cluster-ip", "ephemeral-nat"
"""Access configs by what they carry; those that VMs are born with are called ``external-nat``. A
deletion names its config and nothing else: one that arrives late, of a run that slept, must not
find another config under the name it knew."""
_FIRST_LOOK_S = 10.0
_RETURN_S = 180.0


def promote(context: Context, key: str, step: PromoteEndpoint) -> None:
    """Take the cluster IP off the VM and put the balancer's rule on it."""

    def move() -> None:
        _detach(context, key, step.zone, step.holder, only=step.address)
        _insert_rule(context, key, step.rule, step.target, step.address)

    def take_back() -> None:
        _delete_rule(context, key, step.rule)
        if step.holder:
            _attach(context, key, step.zone, step.holder, address=step.address)

    _through_window(context, step.address, _Move("promotion", move, take_back))


def demote(context: Context, key: str, step: DemoteEndpoint) -> None:
    """Take the cluster IP off the balancer and put it on the last VM."""

    def move() -> None:
        _delete_rule(context, key, step.rule)
        _attach(context, key, step.zone, step.holder, address=step.address)

    def take_back() -> None:
        _detach(context, key, step.zone, step.holder, only=step.address)
        _insert_rule(context, key, step.rule, step.target, step.address)

    _through_window(context, step.address, _Move("demotion", move, take_back))


def create_rule(context: Context, key: str, step: CreateRule) -> None:
    """Give the cluster IP, which nobody holds, to the balancer: there is no window to watch."""
    _insert_rule(context, key, step.name, step.target, context.cluster_ip())


def await_answer(context: Context) -> None:
    """Wait until the cluster IP answers.

    A run that was killed may have moved it, and what the next one sees then is all as it should
    be: the rule is there, the masters behind it are healthy, and Compute Engine may still take its
    time to lead anybody there.

    Raises:
        StepFailed: It did not answer within the deadline.
    """
    clock, address = context.clock, context.cluster_ip()
    deadline = clock.monotonic() + context.limits.backends_s
    while not context.probe.ready(address, server_name=address, timeout_s=2.0):
        if clock.monotonic() >= deadline:
            if _is_said_to_serve(context):
                context.tell(_unseen(context))
                return
            raise StepFailed(
                f"everything is there, but the cluster IP {address} does not answer within "
                f"{context.limits.backends_s:.0f} s",
                hint="`hakube status` shows the masters; the same command waits on",
            )
        clock.sleep(context.limits.poll_s)


def carry_address(context: Context, key: str, step: CarryAddress) -> None:
    """Put the cluster IP, which nobody holds, on the only master: there is no window to watch."""
    _attach(context, key, step.zone, step.replica, address=step.address)
    await_answer(context)


def attach_ephemeral(context: Context, key: str, step: AttachEphemeral) -> None:
    _attach(context, key, step.zone, step.replica, address="")


def detach_ephemeral(context: Context, key: str, step: DetachEphemeral) -> None:
    instance = context.instance(step.zone, step.replica)
    config = instance.access_config
    if config is None or config.nat_ip == step.address:
        return
    _delete_config(context, key, instance, config.name)


# -------------------------------------------------------------------------------------- the window


@dataclass(frozen=True, slots=True)
class _Move:
    """The cluster IP goes from one holder to another."""

    kind: str
    """promotion or demotion."""
    there: Callable[[], None]
    back: Callable[[], None]


def _through_window(context: Context, address: str, move: _Move) -> None:
    watch = context.watch(context.probe, context.clock, address)
    since = context.operation.outage_since
    try:
        heard = watch.await_good(since_s=-1.0, timeout_s=_first_look(context))
        context.clock.sleep(0)  # a stop that is wanted by now comes before the window
        with context.put_off():
            context.say(
                f"the cluster IP {address} moves now ({move.kind}); no API until it is done"
            )
            if since is None:  # else the address remembers a window that was cut short
                context.note_outage(context.clock.now())
            seen_again = _move_or_take_back(
                context, watch, move, heard=heard, resumed=since is not None
            )
            context.note_outage(None)
    finally:
        watch.stop()
    if not seen_again:
        return
    away_s = 0.0 if since is None else (context.clock.now() - since).total_seconds()
    window = Window(
        kind=move.kind,
        seconds=max(watch.score.gap_s, away_s),
        probes=watch.score.probes,
        failed_probes=watch.score.failed_probes,
    )
    context.windows.append(window)
    context.say(f"API unavailable for {window.seconds:.2f} s ({move.kind})")


def _first_look(context: Context) -> float:
    """An interrupted window has nobody to answer: then do not wait for a first good answer."""
    return 0.5 if context.operation.outage_since is not None else _FIRST_LOOK_S


def _move_or_take_back(
    context: Context, watch: Watching, move: _Move, *, heard: bool, resumed: bool
) -> bool:
    """Move the address, and see that it answers; else move it back.

    Args:
        context: The run's means.
        watch: Looks at the address.
        move: Moves it there, and back.
        heard: It has answered to this machine before.
        resumed: An earlier run began to move it, so nobody could have heard it.

    Returns:
        False when it was never seen from here, neither before nor after, and all is well by what
        the masters say: silence towards a machine that has no path to it proves nothing.
    """
    moved_s = context.clock.monotonic()
    try:
        move.there()
        moved_s = context.clock.monotonic()
        patience_s = context.limits.window_s if heard or resumed else context.limits.blind_s
        if watch.await_good(since_s=moved_s, timeout_s=patience_s):
            return True
        if not heard and _is_said_to_serve(context):
            context.tell(_unseen(context))
            return False
        failure: HakubeError = StepFailed(
            f"the cluster IP did not answer within {patience_s:.0f} s of the {move.kind}"
        )
    except HakubeError as error:
        failure = error
    _stay_away_if_overtaken(context)
    context.say(
        f"the {move.kind} cannot be completed; the cluster IP goes back: {failure.message}"
    )
    move.back()
    back = watch.await_good(since_s=moved_s, timeout_s=_RETURN_S)
    if back:
        context.note_outage(None)
    raise StepFailed(
        f"{move.kind} failed and was rolled back; the cluster IP "
        f"{'answers again' if back else 'does not answer yet'}: {failure.message}",
        hint=failure.hint,
    ) from failure


def _is_said_to_serve(context: Context) -> bool:
    """Tell whether a master serves and the address leads somewhere, by Compute Engine's word."""
    seen = context.observe()
    led = seen.endpoint_mode is not EndpointMode.NONE
    return led and any(conditions.is_serving(seen, r) for r in seen.replicas)


def _unseen(context: Context) -> str:
    return (
        f"the cluster IP {context.cluster_ip()} does not answer to this machine. Compute Engine "
        "leads it to masters that say they serve, so there may be no path from here: see from "
        "another machine"
    )


def _stay_away_if_overtaken(context: Context) -> None:
    """Leave an open window to the run that has taken the lock: two would undo each other.

    Raises:
        Locked: The lock is not ours any more.
    """
    try:
        context.lock.confirm()
    except Locked:
        raise
    except HakubeError:
        return  # it cannot be seen; the way back is tried all the same


# -------------------------------------------------------------- calls, tolerant of repeats


def _detach(context: Context, key: str, zone: str, name: str, *, only: str) -> None:
    if not name:
        return  # nobody carries the address: an interrupted window, mended by hand meanwhile
    instance = context.instance(zone, name)
    config = instance.access_config
    if config is not None and config.nat_ip == only:
        _delete_config(context, key, instance, config.name)


def _delete_config(context: Context, key: str, instance: Instance, config: str) -> None:
    try:
        context.gateway.delete_access_config(
            instance.zone,
            instance.name,
            name=config,
            request_id=context.request_id(key, "delete-access-config"),
        )
    except ResourceNotFound:
        return


def _attach(context: Context, key: str, zone: str, name: str, *, address: str) -> None:
    instance = context.instance(zone, name)
    config = instance.access_config
    if config is not None and (not address or config.nat_ip == address):
        return
    if config is not None:
        _delete_config(context, key, instance, config.name)
    try:
        context.gateway.add_access_config(
            zone,
            name,
            name=_STATIC if address else _EPHEMERAL,
            address=address,
            request_id=context.request_id(key, "add-access-config"),
        )
    except RequestInvalid:
        # "at most one access config": a killed run's last request may have arrived after our look
        there = context.instance(zone, name).access_config
        if there is None or (address and there.nat_ip != address):
            raise


def _insert_rule(context: Context, key: str, rule: str, target: RuleTarget, address: str) -> None:
    try:
        context.gateway.balancers.insert_forwarding_rule(
            context.blueprint.region,
            rule,
            address=address,
            port=context.blueprint.api_port,
            target=target,
            description=marks.mark_description(context.mark),
            request_id=context.request_id(key, "insert-rule"),
        )
    except ResourceConflict:
        if context.observe().rule is None:
            raise


def _delete_rule(context: Context, key: str, rule: str) -> None:
    try:
        context.gateway.balancers.delete_forwarding_rule(
            context.blueprint.region, rule, request_id=context.request_id(key, "delete-rule")
        )
    except ResourceNotFound:
        return
