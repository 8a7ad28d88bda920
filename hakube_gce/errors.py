"""Everything this program raises on purpose, and the exit status each error ends in.

One tree, so that a caller can tell what may be done next by the class alone:

    HakubeError                 exit
    ├── SettingsError              2   environment or command line; all problems at once
    ├── TargetNotFound             3   unknown zone, no such replica, no master to replicate
    ├── Refused                    5   unsafe or forbidden; carries every blocker
    ├── Locked                     6   another run holds the cluster's lock
    │   └── Overtaken              6   another run held it since our look
    ├── StepFailed                 7   a step failed; the same command resumes
    ├── Interrupted          130/143   stopped by a signal; the same command resumes
    ├── GatewayError               7   Compute Engine refused or failed
    │   ├── ResourceNotFound       3
    │   ├── ResourceConflict       4   exists in another shape, or is not ours
    │   ├── ResourceInUse          4
    │   ├── StaleFingerprint       4   somebody wrote between our read and our write
    │   ├── PermissionMissing      8
    │   ├── QuotaExceeded          7
    │   ├── ZoneExhausted          7
    │   ├── RequestInvalid         7   Compute Engine did not accept a value
    │   └── Unavailable            9   transient trouble that outlasted its deadline
    ├── ChannelError               7   an agent refused or failed
    │   ├── AgentRefused           5   the agent judged the request unsafe
    │   ├── AgentSilent            9   nothing was heard in time
    │   └── AnswerForged           5   an answer's signature does not fit its replica
    ├── ClusterSilent              9   the cluster's own API does not answer, or Nodes are missing
    └── KeysError                  7   keys or certificates are missing or do not fit

Nothing here prints, decides or retries. What is not in this tree is a bug (exit status 1).
"""

from collections.abc import Sequence
from typing import ClassVar


class HakubeError(Exception):
    """An expected failure: what was seen, and what to do next."""

    exit_status: ClassVar[int] = 1
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str = "") -> None:
        """Say what happened (``message``) and what to do about it (``hint``)."""
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.next_command = ""
        """The exact command that goes on, where somebody who knows the run has added it."""
        self.changed = False
        """Whether the run had begun to change things."""


class SettingsError(HakubeError):
    """The environment or the command line is wrong; carries all problems at once."""

    exit_status = 2

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class TargetNotFound(HakubeError):
    """What the command names does not exist: a zone, a replica, a master to replicate."""

    exit_status = 3


class Refused(HakubeError):
    """The change is unsafe or forbidden; nothing was changed."""

    exit_status = 5


class Locked(HakubeError):
    """Another run holds this cluster's lock."""

    exit_status = 6


class Overtaken(Locked):
    """Another run held the lock between our look at the cluster and our try to take it."""


class StepFailed(HakubeError):
    """A step failed after the run had begun; the same command resumes."""

    exit_status = 7


class Interrupted(HakubeError):
    """A signal ended the run between two steps; the same command resumes."""

    exit_status = 130

    def __init__(self, message: str, *, signal_number: int, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.signal_number = signal_number


class GatewayError(HakubeError):
    """Compute Engine refused a request or failed to carry it out."""

    exit_status = 7

    def __init__(
        self, message: str, *, resource: str = "", reason: str = "", hint: str = ""
    ) -> None:
        """Add what it was about: a resource's short path and Google's own reason word."""
        super().__init__(message, hint=hint)
        self.resource = resource
        self.reason = reason


class ResourceNotFound(GatewayError):
    """The resource, or the project or zone around it, does not exist."""

    exit_status = 3


class ResourceConflict(GatewayError):
    """A resource of that name exists already, in another shape or not ours."""

    exit_status = 4


class ResourceInUse(GatewayError):
    """Another resource still uses this one."""

    exit_status = 4


class StaleFingerprint(GatewayError):
    """Somebody else wrote between our read and our write (HTTP 412)."""

    exit_status = 4


class PermissionMissing(GatewayError):
    """The caller may not do this, or has no usable credentials."""

    exit_status = 8


class QuotaExceeded(GatewayError):
    """The project may not hold more of this kind."""


class ZoneExhausted(GatewayError):
    """The zone has no capacity left for this machine type."""


class RequestInvalid(GatewayError):
    """Compute Engine did not accept a value in the request."""


class Unavailable(GatewayError):
    """Transient trouble: overload, a broken connection, a deadline."""

    exit_status = 9
    retryable = True


class ChannelError(HakubeError):
    """A replica's agent refused a request or failed to carry it out."""

    exit_status = 7

    def __init__(self, message: str, *, replica: str = "", code: str = "", hint: str = "") -> None:
        """Add whose agent it was and the agent's own error code."""
        super().__init__(message, hint=hint)
        self.replica = replica
        self.code = code


class AgentRefused(ChannelError):
    """The agent judged the change unsafe at the moment it was due."""

    exit_status = 5


class AgentSilent(ChannelError):
    """Nothing was heard from the agent in time."""

    exit_status = 9


class AnswerForged(ChannelError):
    """An answer's signature does not fit the replica it claims to come from."""

    exit_status = 5


class ClusterSilent(HakubeError):
    """The cluster's own API did not answer, or its Nodes did not come in time."""

    exit_status = 9


class KeysError(HakubeError):
    """Keys or certificates are missing, damaged, or do not fit one another."""

    exit_status = 7


class OutputLost(HakubeError):
    """What a command was asked to show could not be written."""

    exit_status = 7
