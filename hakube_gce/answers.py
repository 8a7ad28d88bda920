"""What a replica's verified answer means: a result, or which error. Pure."""

from collections.abc import Mapping

from hakube_gce.channel_messages import Line
from hakube_gce.errors import AgentRefused, ChannelError

_NEXT = {
    "refused": "nothing was changed there; hakube status shows what stands in the way",
    "stale": "another run has taken over, or this one was too slow; hakube status shows which",
}
"""Error codes that mean no, and what to do then."""


def result_of(answer: Line, *, replica: str, verb: str) -> Mapping[str, object]:
    """Return an answer's result.

    Raises:
        AgentRefused: The agent judged the job unsafe, or the request old.
        ChannelError: The agent tried and failed, or does not know the verb.
    """
    result = answer.get("result")
    if answer.get("ok") is True and isinstance(result, dict):
        return result
    error = answer.get("error")
    code = plain(error.get("code")) if isinstance(error, dict) else ""
    message = plain(error.get("message")) if isinstance(error, dict) else "it gave no reason"
    if code in _NEXT:
        raise AgentRefused(
            f"{replica} refused {verb!r}: {message}", replica=replica, code=code, hint=_NEXT[code]
        )
    raise ChannelError(f"{replica} could not do {verb!r}: {message}", replica=replica, code=code)


def plain(value: object) -> str:
    """Make text from a VM safe for a terminal: no escapes, no line breaks, not endless."""
    text = value if isinstance(value, str) else ""
    return "".join(c if c.isprintable() else " " for c in text)[:2000]
