"""Whether this machine's clock may be signed with. Pure.

Compute Engine's own (the Date of its answers) is the measure. A certificate that was signed by a
clock that runs ahead is not valid yet where it is checked. Leases and heartbeats do not depend on
this clock at all, and nothing is set right here.
"""

from datetime import datetime, timedelta

from hakube_gce.model import Observed
from hakube_gce.plan.graph import Blocker, Plan
from hakube_gce.steps import InstallReplica, RenewCertificates, WriteKubeconfig

WARNED = timedelta(seconds=60)
REFUSED = timedelta(seconds=300)
"""Certificates are valid from an hour before they are signed: this leaves most of it to others."""
_SIGN = (InstallReplica, RenewCertificates, WriteKubeconfig)


def note(now: datetime, seen: Observed) -> str:
    """Say that this machine's clock is off; empty while it is not worth a word."""
    off = now - seen.server_time
    return f"{_how_far(off)}; set it right" if abs(off) > WARNED else ""


def refusal(now: datetime, seen: Observed, planned: Plan) -> tuple[Blocker, ...]:
    """Refuse to sign with a clock that is far off; what signs nothing may go on."""
    off = now - seen.server_time
    if abs(off) <= REFUSED or not any(isinstance(p.step, _SIGN) for p in planned.steps):
        return ()
    return (
        Blocker(
            reason="ClockOff",
            message=f"{_how_far(off)}: certificates signed now would not be valid for the time "
            f"they name (at most {REFUSED.total_seconds():.0f} s are allowed). Set it right, for "
            "example with chrony or systemd-timesyncd",
            exit_status=5,
        ),
    )


def _how_far(off: timedelta) -> str:
    side = "ahead of" if off > timedelta() else "behind"
    return f"this machine's clock is {abs(off.total_seconds()):.0f} s {side} Compute Engine's"
