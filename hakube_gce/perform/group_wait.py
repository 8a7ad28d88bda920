"""Waits until a managed group has its VMs, and says why they do not come.

Compute Engine tries for ever to make a VM for which there is no quota or no room, and the group
itself does not say so: whoever only counts VMs waits out the whole limit in the dark. What stands
in the way is said once, as soon as the group has got no further for a while; the waiting goes on,
since room may come. Nothing is changed from here.
"""

from dataclasses import dataclass, field

from hakube_gce.answers import plain
from hakube_gce.errors import GatewayError, StepFailed
from hakube_gce.node_resources import GroupError, ManagedGroup
from hakube_gce.node_steps import AwaitNodeGroup
from hakube_gce.perform.context import Context
from hakube_gce.plan.nodes import is_settled

ASK_AFTER_S = 10.0
"""Without one VM more for so long, the group is asked why, and again after as long a time."""
_GONE = "it is not there any more"


def await_group(context: Context, step: AwaitNodeGroup) -> None:
    """Wait until a group has its VMs.

    Raises:
        StepFailed: It has not within the deadline; says what it is still doing, and what stood in
            the way.
    """
    began_s = context.clock.monotonic()
    waiting = _Waiting(context=context, step=step, asked_s=began_s)
    while context.clock.monotonic() < began_s + context.limits.nodes_s:
        found = context.gateway.nodes.find_group(step.zone, step.name)
        if found is not None and is_settled(found):
            return
        waiting.look(found)
        context.clock.sleep(context.limits.poll_s)
    why = "".join(f"; {text}" for text in waiting.said.values())
    raise StepFailed(
        f"{step.name} in {step.zone} did not have its nodes within "
        f"{context.limits.nodes_s:.0f} s: {waiting.how_far}{why}",
        hint="the masters serve; what Compute Engine did about each VM tells `gcloud compute "
        f"instance-groups managed list-errors {step.name} --zone {step.zone}`; the same command "
        "with KUBE_CREATE_NODES=false goes on without them",
    )


@dataclass(slots=True, kw_only=True)
class _Waiting:
    """How far a group has come, and what was said about it."""

    context: Context
    step: AwaitNodeGroup
    asked_s: float
    """When it last got further, or was asked why it does not."""
    running: int = -1
    how_far: str = _GONE
    said: dict[str, str] = field(default_factory=dict)
    """Compute Engine's word for what is in the way → all of it, as it was said."""

    def look(self, found: ManagedGroup | None) -> None:
        """Take note of the group as it is now; say what is new of what is in its way."""
        now_s, running = self.context.clock.monotonic(), found.running if found else -1
        self.how_far = _how_far(found)
        if running > self.running:
            self.running, self.asked_s = running, now_s
        if found is not None and now_s - self.asked_s >= ASK_AFTER_S:
            self.asked_s = now_s
            for error in self._errors():
                self._say_once(error)

    def _errors(self) -> tuple[GroupError, ...]:
        try:
            return tuple(self.context.gateway.nodes.group_errors(self.step.zone, self.step.name))
        except GatewayError:
            return ()  # the wait is for VMs; without the reason it goes on as well

    def _say_once(self, error: GroupError) -> None:
        code = plain(error.code)
        if code in self.said:
            return
        self.said[code] = f"Compute Engine says {code}: {plain(error.message).rstrip('. ')}"
        self.context.say(
            f"{self.step.name} in {self.step.zone}: {self.how_far}. {self.said[code]}. "
            "It tries again by itself, and this command waits "
            f"{self.context.limits.nodes_s:.0f} s for it in all; Ctrl-C ends the wait"
        )


def _how_far(group: ManagedGroup | None) -> str:
    if group is None:
        return _GONE
    doing = ", ".join(f"{count} {action}" for action, count in sorted(group.actions.items()))
    return f"{group.running} of {group.target_size} run" + (f"; {doing}" if doing else "")
