"""The gateway to Compute Engine: `ports.ComputeGateway` on google-cloud-compute.

The only package that imports Google's library, and not before a gateway is built: importing this
module costs nothing, so that ``--help`` and refusals which need no cloud answer at once.

It carries requests and answers, waits, repeats what may be repeated, and names what went wrong. It
decides nothing: whether an existing or a missing resource is fine is the caller's business.

    library    the door to google-cloud-compute, imported the short way
    endpoint   where requests may go (pure)
    clients    credentials, connections, one client per kind
    paths      resource paths (pure)
    failures   Google's error shapes read into one value
    classify   that value turned into an error for people
    calls      repeating, waiting for operations
    kinds      the kinds we make and delete, and where one resource stands
    project    reading, creating, changing, deleting one resource
    messages   our values into Google's messages
    values     Google's messages into our values
    listing    lists, page by page, with what could not be read
    networks   networks and subnetworks
    inventory  everything a region holds, at once
    gateway    the port itself
"""

import random
from typing import TYPE_CHECKING

from hakube_gce.ports import Clock

if TYPE_CHECKING:
    from hakube_gce.gce.gateway import GoogleCompute

__all__ = ["connect"]

_WHO = "hakube-gce"
"""Whom Google's logs shall name."""


def connect(
    project: str,
    *,
    endpoint: str | None,
    network_project: str = "",
    clock: Clock,
    rng: random.Random,
    retry_budget_s: float = 300.0,
) -> "GoogleCompute":
    """Build a gateway for one project; nothing is sent to Compute Engine yet.

    Args:
        project: The project's id.
        endpoint: Base URL of a Compute API other than Google's, or None for Google's. With an
            endpoint no credentials are ever looked for or sent.
        network_project: The project of networks, firewalls and routes; empty: the same.
        clock: Paces repetitions and waiting.
        rng: Spreads repetitions.
        retry_budget_s: How long one call may be repeated while trouble is transient.

    Raises:
        SettingsError: The endpoint may not be spoken to.
        PermissionMissing: There is no endpoint, and no credentials were found.
    """
    # Here and not above: this imports Google's library.
    from hakube_gce.gce.calls import Persistence  # noqa: PLC0415
    from hakube_gce.gce.clients import build_clients, find_default_credentials  # noqa: PLC0415
    from hakube_gce.gce.endpoint import parse_endpoint  # noqa: PLC0415
    from hakube_gce.gce.gateway import GoogleCompute  # noqa: PLC0415

    where = parse_endpoint(endpoint) if endpoint else None
    clients = build_clients(where, find_default_credentials, user_agent=_WHO)
    persistence = Persistence(
        project=project,
        clock=clock,
        rng=rng,
        budget_s=retry_budget_s,
        on_loopback=where is not None and where.loopback,
    )
    return GoogleCompute(clients, persistence, network_project=network_project)
