"""The operator's end of the channel: requests by metadata, answers by the second serial port.

It waits, asks and listens, and believes only what a replica's own key has signed. It does not
judge how old a report may be, what a job is for, or whether one should be asked for; and it never
asks the same thing twice by itself, because the jobs change etcd's membership.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec

from hakube_gce.agent_trust import agent_key
from hakube_gce.answers import plain, result_of
from hakube_gce.channel_messages import (
    REQUEST_KEY,
    Line,
    Request,
    hello_of,
    is_signed,
    request_text,
)
from hakube_gce.errors import (
    AgentSilent,
    AnswerForged,
    ChannelError,
    GatewayError,
    PermissionMissing,
    Unavailable,
)
from hakube_gce.heartbeats import report_of
from hakube_gce.instance_metadata import InstanceMetadata
from hakube_gce.marks import CERTIFICATES_KEY
from hakube_gce.model import Report
from hakube_gce.pki import Randomness
from hakube_gce.ports import Clock, Hello
from hakube_gce.resources import Instance, SerialOutput
from hakube_gce.serial_lines import SerialLines, end_of, tail_of
from hakube_gce.timestamps import parse_rfc3339

_READERS = 10

_Found = TypeVar("_Found")


def _nobody(replica: str, message: str) -> None:
    """Listen to no progress."""


class ChannelGateway(Protocol):
    """The part of `ComputeGateway` that the channel runs over."""

    def server_time(self) -> datetime: ...
    def find_instance(self, zone: str, name: str) -> Instance | None: ...
    def serial_output(
        self, zone: str, instance: str, *, port: int, start: int
    ) -> SerialOutput: ...
    def set_metadata(
        self,
        zone: str,
        instance: str,
        *,
        items: Mapping[str, str],
        fingerprint: str,
        request_id: str,
    ) -> None: ...


class SerialChannel:
    """`Channel` on the four calls of `ComputeGateway` that it takes."""

    def __init__(  # noqa: PLR0913 - its edges
        self,
        gateway: ChannelGateway,
        clock: Clock,
        *,
        poll_s: float,
        trust: Callable[[], str],
        randomness: Randomness,
        progress: Callable[[str, str], None] = _nobody,
        pools: Callable[[int], Executor] = ThreadPoolExecutor,
    ) -> None:
        """Take the edges.

        Args:
            gateway: Compute Engine.
            clock: For waiting only; all moments are compared by the API's clock.
            poll_s: Seconds between two looks at a serial port.
            trust: Returns the PEM certificate of the cluster's authority as this machine knows it,
                or "" when it does not; asked anew each time, because a run may learn it on its
                way.
            randomness: Source of request ids; ``os.urandom`` in production.
            progress: Called with a replica's name and what its agent says while it works.
            pools: Gives so many hands for reads side by side.
        """
        self._gateway = gateway
        self._metadata = InstanceMetadata(gateway, randomness)
        self._clock = clock
        self._poll_s = poll_s
        self._trust = trust
        self._randomness = randomness
        self._progress = progress
        self._pools = pools

    # --------------------------------------------------------------------------------- listening

    def hello(self, instance: Instance, *, nonce: str, timeout_s: float) -> Hello:
        """Wait for the first words of a VM that this cluster inserted.

        Raises:
            AgentSilent: None came in time that carries the nonce and proves its key.
        """
        port = SerialLines(self._gateway, instance, start=0)
        asked_again = False

        def judge(lines: list[Line]) -> Hello | None:
            nonlocal asked_again
            # the newest first: each boot says hello, and only the last one's keys are alive
            for line in reversed(lines):
                found = hello_of(line, instance_id=instance.id, nonce=nonce)
                if found is not None:
                    return found
            if port.lost_bytes and not asked_again:
                # the hello was overwritten by hours of heartbeats; any request brings a new one
                asked_again = True
                self._metadata.write(instance, {REQUEST_KEY: self._prompt(instance)})
            return None

        found = self._wait(port, judge, timeout_s=timeout_s)
        if found is None:
            raise self._silent(instance, "did not introduce itself", timeout_s, key=None)
        return found

    def reports(self, instances: Sequence[Instance]) -> Mapping[str, Report]:
        """Return each replica's last signed report by name; who could not be heard is left out.

        Raises:
            AnswerForged: The certificates in an instance's metadata are not this cluster's.
            PermissionMissing: Serial output may not be read.
        """
        if not instances:
            return {}
        cluster_ca = self._trust()
        with self._pools(min(_READERS, len(instances))) as pool:
            heard = list(pool.map(lambda i: self._last_report(i, cluster_ca), instances))
        pairs = zip(instances, heard, strict=True)
        return {instance.name: report for instance, report in pairs if report is not None}

    def _last_report(self, instance: Instance, cluster_ca: str) -> Report | None:
        key = agent_key(
            instance.metadata.get(CERTIFICATES_KEY, ""),
            replica=instance.name,
            cluster_ca=cluster_ca,
        )
        if key is None:
            return None
        try:
            lines = tail_of(self._gateway, instance)
        except PermissionMissing:
            raise
        except GatewayError:
            # a port that cannot be read says nothing about the replica: unknown, not broken
            return None
        for line in reversed(lines):
            report = report_of(line) if _is_from(line, instance) else None
            if report is not None and is_signed(line, key):
                return report
        return None

    # ------------------------------------------------------------------------------------ asking

    def ask(  # noqa: PLR0913 - the port's signature
        self,
        instance: Instance,
        verb: str,
        args: Mapping[str, object],
        *,
        epoch: int,
        timeout_s: float,
        certificates: str = "",
        request_id: str = "",
    ) -> Mapping[str, object]:
        """Hand one job to a replica's agent and return its verified answer.

        The agent refuses the request once ``timeout_s`` is over, so that a job nobody waits for
        any more is not begun.

        Raises:
            AgentRefused: The agent judged the job unsafe, or has seen a newer epoch.
            ChannelError: The agent tried and failed, or the VM has no certificates yet.
            AgentSilent: No answer came in time; the job may or may not have been done.
            AnswerForged: The answer, or the certificate it is checked with, is not the replica's.
            StaleFingerprint: Somebody else kept writing this instance's metadata.
        """
        request = Request(
            id=request_id or self._randomness(16).hex(),
            verb=verb,
            instance_id=instance.id,
            epoch=epoch,
            # one second more: the written time has whole seconds
            expires=self._gateway.server_time() + timedelta(seconds=timeout_s + 1),
            args=args,
        )
        port = SerialLines(self._gateway, instance, start=end_of(self._gateway, instance))
        key = self._send(instance, request, certificates)

        def judge(lines: list[Line]) -> Line | None:
            return self._answer(lines, instance, request, key)

        answer = self._wait(port, judge, timeout_s=timeout_s)
        if answer is None:
            raise self._silent(instance, f"did not answer {verb!r}", timeout_s, key=key)
        return result_of(answer, replica=instance.name, verb=verb)

    def _send(
        self, instance: Instance, request: Request, certificates: str
    ) -> ec.EllipticCurvePublicKey:
        """Write a request; return the key its answer will be checked with."""
        entries = {REQUEST_KEY: request_text(request)}
        if certificates:
            entries[CERTIFICATES_KEY] = certificates
        elif CERTIFICATES_KEY not in instance.metadata:
            # the caller's picture may be from before the certificates were written
            instance = self._metadata.read_again(instance)
        written = self._metadata.write(instance, entries)
        key = agent_key(
            written.get(CERTIFICATES_KEY, ""), replica=instance.name, cluster_ca=self._trust()
        )
        if key is None:
            raise ChannelError(
                f"{instance.name} has no certificates yet: its answers could not be checked",
                replica=instance.name,
                hint="the replica was not finished; run the same command again",
            )
        return key

    def _answer(
        self,
        lines: list[Line],
        instance: Instance,
        request: Request,
        key: ec.EllipticCurvePublicKey,
    ) -> Line | None:
        for line in lines:
            if line.get("id") != request.id or not _is_from(line, instance):
                continue
            if not is_signed(line, key):
                raise AnswerForged(
                    f"an answer to {request.verb!r} came from {instance.name} whose signature is "
                    "not that replica's",
                    replica=instance.name,
                    hint="somebody else writes to its serial port, or its certificates were "
                    "exchanged; remove the replica and add a new one",
                )
            if line.get("type") == "progress":
                self._progress(instance.name, plain(line.get("message")))
            elif line.get("type") == "answer":
                return line
        return None

    def _prompt(self, instance: Instance) -> str:
        # epoch 0 and already expired: whatever state the agent is in, it carries nothing out
        return request_text(
            Request(
                id=self._randomness(16).hex(),
                verb="report",
                instance_id=instance.id,
                epoch=0,
                expires=self._gateway.server_time(),
                args={},
            )
        )

    # ----------------------------------------------------------------------------------- waiting

    def _wait(
        self,
        port: SerialLines,
        judge: Callable[[list[Line]], _Found | None],
        *,
        timeout_s: float,
    ) -> _Found | None:
        deadline = self._clock.monotonic() + timeout_s
        while True:
            try:
                found = judge(port.read())
            except Unavailable:
                # trouble that may pass while we wait anyway; at the deadline it is the answer
                if self._clock.monotonic() >= deadline:
                    raise
                found = None
            left_s = deadline - self._clock.monotonic()
            if found is not None or left_s <= 0:
                return found
            self._clock.sleep(min(self._poll_s, left_s))

    def _silent(
        self,
        instance: Instance,
        what: str,
        timeout_s: float,
        *,
        key: ec.EllipticCurvePublicKey | None,
    ) -> AgentSilent:
        return AgentSilent(
            f"{instance.name} {what} within {timeout_s:g} s; {self._last_words(instance, key)}",
            replica=instance.name,
            hint=f"is the VM up? gcloud compute instances get-serial-port-output {instance.name} "
            f"--zone {instance.zone} --port 1 shows its boot, --port 2 what its agent says",
        )

    def _last_words(self, instance: Instance, key: ec.EllipticCurvePublicKey | None) -> str:
        try:
            lines = [
                line
                for line in tail_of(self._gateway, instance)
                if _is_from(line, instance) and (key is None or is_signed(line, key))
            ]
            now = self._gateway.server_time()
        except GatewayError as error:
            return f"and its serial port could not be read ({error.message})"
        if not lines:
            return "nothing was ever heard from it"
        said = " ".join(plain(lines[-1].get(k)) for k in ("type", "phase", "detail")).strip()
        moment = parse_rfc3339(lines[-1].get("time"))
        ago = (
            "at an unreadable time"
            if moment is None
            else f"{(now - moment).total_seconds():.0f} s ago"
        )
        return f"last heard {ago}: {said}"


def _is_from(line: Line, instance: Instance) -> bool:
    return line.get("instance_id") == instance.id
