"""Credentials, connections, and one client per kind, all on the same endpoint.

The library's own operation poller forgets the endpoint and talks to Google whatever was asked for;
so the three operations clients are built here like all others, and nothing else may poll. With an
endpoint of somebody else's no credential is looked for, let alone sent, whatever lies in the
environment.
"""

import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

import google.auth
import requests
from google.api_core.gapic_v1.client_info import ClientInfo
from google.auth.credentials import AnonymousCredentials, Credentials
from google.auth.exceptions import DefaultCredentialsError
from google.auth.transport.requests import AuthorizedSession
from requests.adapters import HTTPAdapter

from hakube_gce.gce import library
from hakube_gce.gce.classify import no_credentials
from hakube_gce.gce.endpoint import Endpoint
from hakube_gce.gce.failures import parse_date
from hakube_gce.gce.legacy_checks import HttpHealthChecksClient, over_session
from hakube_gce.gce.library import compute

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
"""What the account may do is IAM's business; a scope only narrows it again."""

_CONNECTIONS = 40
"""Ten steps, ten lists and the agents' polls at once, with room to spare: beyond it urllib3 throws
connections away and warns on the screen."""


class Dates:
    """The server's clock, as the last answer in this thread told it."""

    def __init__(self) -> None:
        self._seen = threading.local()

    def note(self, response: requests.Response, **_options: object) -> None:
        """Keep an answer's Date; called by the session for every answer."""
        self._seen.date = parse_date(response.headers.get("Date", ""))

    def latest(self) -> datetime | None:
        """Return the Date of this thread's last answer, UTC, whole seconds; None without one."""
        found: datetime | None = getattr(self._seen, "date", None)
        return found


class Waits(Protocol):
    """A client of one of the three operation collections."""

    def wait(
        self, request: Any = ..., *, retry: None = ..., timeout: float = ...
    ) -> compute.Operation: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Clients:
    """Google's clients, sharing one pool of connections."""

    zones: library.ZonesClient
    addresses: library.AddressesClient
    firewalls: library.FirewallsClient
    disks: library.DisksClient
    snapshots: library.SnapshotsClient
    instances: library.InstancesClient
    instance_groups: library.InstanceGroupsClient
    instance_templates: library.InstanceTemplatesClient
    instance_group_managers: library.InstanceGroupManagersClient
    routes: library.RoutesClient
    networks: library.NetworksClient
    subnetworks: library.SubnetworksClient
    health_checks: library.RegionHealthChecksClient
    backend_services: library.RegionBackendServicesClient
    forwarding_rules: library.ForwardingRulesClient
    target_pools: library.TargetPoolsClient
    http_health_checks: HttpHealthChecksClient
    operations: dict[str, Waits]
    """By scope: zone, region, global."""
    dates: Dates
    sessions: tuple[requests.Session, ...]

    def close(self) -> None:
        """Close every connection."""
        for session in self.sessions:
            session.close()


def find_default_credentials() -> Credentials:
    """Find the machine's Google credentials: a key file, gcloud's, or a VM's own.

    Raises:
        PermissionMissing: There are none.
    """
    with warnings.catch_warnings():
        # It warns of user credentials without a quota project; Compute Engine bills the project
        # it is asked about, so there is nothing for anybody to do.
        warnings.simplefilter("ignore", UserWarning)
        try:
            credentials, _project = google.auth.default(scopes=_SCOPES)
        except DefaultCredentialsError as error:
            raise no_credentials(str(error.args[0])) from error
    found: Credentials = credentials
    return found


def build_clients(
    endpoint: Endpoint | None, find_credentials: Callable[[], Credentials], *, user_agent: str
) -> Clients:
    """Build every client. Nothing is sent.

    Args:
        endpoint: Where to speak to instead of Google, or None.
        find_credentials: Asked only without an endpoint.
        user_agent: Who Google's logs shall name.
    """
    credentials = (
        AnonymousCredentials()  # type: ignore[no-untyped-call]  # google-auth says no types
        if endpoint
        else find_credentials()
    )
    info = ClientInfo(user_agent=user_agent)  # type: ignore[no-untyped-call]  # nor does api_core
    options = {"api_endpoint": endpoint.url} if endpoint else {}
    dates, adapter = Dates(), HTTPAdapter(pool_maxsize=_CONNECTIONS)
    sessions: list[requests.Session] = []

    def build(client: Callable[..., Any]) -> Any:
        built = client(credentials=credentials, client_options=options, client_info=info)
        session = _session_of(built)
        _prepare(session, dates, adapter, on_loopback=endpoint is not None and endpoint.loopback)
        session.headers["User-Agent"] = user_agent
        sessions.append(session)
        return built

    target_pools = build(library.TargetPoolsClient)
    ask = over_session(_session_of(target_pools), target_pools.transport.host)
    return Clients(
        zones=build(library.ZonesClient),
        addresses=build(library.AddressesClient),
        firewalls=build(library.FirewallsClient),
        disks=build(library.DisksClient),
        snapshots=build(library.SnapshotsClient),
        instances=build(library.InstancesClient),
        instance_groups=build(library.InstanceGroupsClient),
        instance_templates=build(library.InstanceTemplatesClient),
        instance_group_managers=build(library.InstanceGroupManagersClient),
        routes=build(library.RoutesClient),
        networks=build(library.NetworksClient),
        subnetworks=build(library.SubnetworksClient),
        health_checks=build(library.RegionHealthChecksClient),
        backend_services=build(library.RegionBackendServicesClient),
        forwarding_rules=build(library.ForwardingRulesClient),
        target_pools=target_pools,
        http_health_checks=HttpHealthChecksClient(ask),
        operations={
            "zone": build(library.ZoneOperationsClient),
            "region": build(library.RegionOperationsClient),
            "global": build(library.GlobalOperationsClient),
        },
        dates=dates,
        sessions=tuple(sessions),
    )


def _session_of(client: Any) -> AuthorizedSession:
    # There is no public way to the session, and it is the only place that decides on proxies,
    # netrc and redirects.
    session = client.transport._session  # noqa: SLF001 - see above
    if not isinstance(session, AuthorizedSession):
        msg = "google-cloud-compute keeps its session elsewhere now: proxies cannot be ruled out"
        raise TypeError(msg)
    return session


def _prepare(
    session: AuthorizedSession, dates: Dates, adapter: HTTPAdapter, *, on_loopback: bool
) -> None:
    """Keep requests at the endpoint, share connections, read the clock."""
    session.hooks["response"].append(dates.note)
    session.auth = _complete
    # Compute Engine never redirects. Another server's redirect would lead away from the endpoint.
    session.max_redirects = 0
    if on_loopback:
        session.trust_env = False  # HTTP_PROXY would take loopback traffic off this machine
    if not session.is_mtls:  # else the library has mounted one that shows a client certificate
        session.mount("https://", adapter)
    session.mount("http://", adapter)


def _complete(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Say what the library cannot; as the session's ``auth``, the last to see every request.

    Being there is half of its work: without an ``auth``, requests takes one from ~/.netrc. The
    other half: a list over all zones fails as a whole when one zone is down unless partial success
    is asked for, and google-cloud-compute has no field for that although the API has.
    """
    if "/aggregated/" in request.path_url:
        request.prepare_url(request.url, {"returnPartialSuccess": "true"})
    return request
