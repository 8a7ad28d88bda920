"""Google's own clients of one lab, as tests hold them."""

from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import compute_v1

PROJECT, REGION, ZONE = "hakube-lab", "europe-west1", "europe-west1-b"


class Cloud:
    """Clients of one lab; closes them at the end."""

    def __init__(self, endpoint: str) -> None:
        self._options = {"api_endpoint": endpoint}
        self._clients: dict[str, Any] = {}

    def __getattr__(self, name: str) -> Any:
        if name not in self._clients:
            kind = getattr(compute_v1, f"{name}Client")
            options: Any = self._options
            client = kind(credentials=AnonymousCredentials(), client_options=options)  # type: ignore[no-untyped-call]  # the library has no types for it
            self._clients[name] = client
        return self._clients[name]

    def wait(self, operation: compute_v1.Operation) -> compute_v1.Operation:
        """Wait as our gateway does: by an operations client of the same endpoint."""
        assert operation.status == compute_v1.Operation.Status.RUNNING
        if operation.zone:
            done = self.ZoneOperations.wait(
                project=PROJECT, zone=ZONE, operation=operation.name, retry=None
            )
        elif operation.region:
            done = self.RegionOperations.wait(
                project=PROJECT, region=REGION, operation=operation.name, retry=None
            )
        else:
            done = self.GlobalOperations.wait(
                project=PROJECT, operation=operation.name, retry=None
            )
        assert done.status == compute_v1.Operation.Status.DONE
        assert not done.error.errors
        return done  # type: ignore[no-any-return]  # the clients above are untyped

    def close(self) -> None:
        for client in self._clients.values():
            client.transport.close()
            client.transport._session.close()  # noqa: SLF001 - the library leaves it open
