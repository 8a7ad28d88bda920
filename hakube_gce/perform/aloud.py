"""A step, performed, and around it what kube-up's own screen said of the same thing.

Whether a line is said is decided in `original_words`; what a step does, in `performer`.
"""

from hakube_gce import original_words
from hakube_gce.errors import HakubeError
from hakube_gce.perform.context import Context
from hakube_gce.perform.performer import perform
from hakube_gce.plan.graph import Planned


def perform_aloud(context: Context, planned: Planned) -> None:
    """Give one step its effect, and say what scripts grep for."""
    step, prefix = planned.step, context.blueprint.prefix
    _say(context, original_words.at_start(step, prefix))
    try:
        perform(context, planned)
    except HakubeError:
        _say(context, original_words.at_failure(step))
        raise
    _say(context, original_words.at_end(step, prefix))


def _say(context: Context, lines: tuple[str, ...]) -> None:
    for line in lines:
        context.say(line)
