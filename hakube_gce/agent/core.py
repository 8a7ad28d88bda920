"""The agent itself: boots, obeys requests one at a time, tends its replica, speaks.

Driven from outside: whoever runs it calls `boot` once, `obey` when metadata changed, `tend` often
and `heartbeat` now and then. It holds no thread and never waits except inside a verb, by its
clock.
"""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace

from hakube_gce.agent.admit import admit
from hakube_gce.agent.expel import expel
from hakube_gce.agent.install import install
from hakube_gce.agent.job import (
    REQUEST_KEY,
    Identity,
    Job,
    Master,
    Result,
    parse_config,
)
from hakube_gce.agent.keys import LEAVES, export_keys
from hakube_gce.agent.leadership import yield_leadership
from hakube_gce.agent.life import resume, tend
from hakube_gce.agent.notebook import Notebook, Phase
from hakube_gce.agent.ports import CryptoError, DatabaseError, EtcdError, Ports
from hakube_gce.agent.protocol import (
    Code,
    Fields,
    Request,
    RequestError,
    canonical,
    check_admission,
    failed,
    format_time,
    parse_request,
    signed_line,
)
from hakube_gce.agent.recover import recover
from hakube_gce.agent.renew import renew
from hakube_gce.agent.report import look, report
from hakube_gce.agent.snapshot import snapshot

VERBS: Mapping[str, Callable[[Job], Result]] = {
    "install": install,
    "admit": admit,
    "yield-leadership": yield_leadership,
    "expel": expel,
    "report": report,
    "export-keys": export_keys,
    "renew": renew,
    "snapshot": snapshot,
    "recover": recover,
}

BEFORE_CERTIFICATES = ("install", "report")


class Agent:
    """One replica's agent."""

    def __init__(self, *, identity: Identity, ports: Ports, config: str) -> None:
        """Get ready for a boot; nothing is started or written yet.

        Args:
            identity: Which VM this is.
            ports: Its edges.
            config: Text of the metadata key ``hakube-config``.

        Raises:
            ValueError: The configuration is not readable.
        """
        self._master = Master(
            identity=identity,
            config=parse_config(config),
            ports=ports,
            notebook=Notebook(ports.root, identity.instance_id),
        )

    @property
    def phase(self) -> Phase:
        """How far this replica has come."""
        return self._master.memory.phase

    def boot(self) -> None:
        """Make missing keys, greet or resume, and say how things are."""
        master = self._master
        master.ports.crypto.make_keys(LEAVES, subject=master.config.replica)
        if master.memory.certified:
            resume(master)
        else:
            master.enter(Phase.WAITING)
            self._greet()
        self.heartbeat()

    def tend(self) -> None:
        """Do what is due by itself; say so when something changed."""
        before = self._master.memory
        tend(self._master)
        if self._master.memory != before:
            self.heartbeat()

    def look(self) -> Result:
        """Return how things are, without saying so."""
        return look(self._master)

    def heartbeat(self) -> None:
        """Say how things are. May run beside the other methods, in a thread of its own."""
        self._say("heartbeat", self.look())

    def obey(self, attributes: Mapping[str, str]) -> None:
        """Carry out the request in the metadata; one that was answered is answered again."""
        text = attributes.get(REQUEST_KEY, "")
        if not text:
            return
        try:
            request = parse_request(text)
        except ValueError:
            return  # without a readable id nobody can be answered; the operator's deadline tells
        if not self._master.memory.certified:
            self._greet()
        known = self._master.memory.answers.get(request.id)
        if known is None:
            known = self._answer(request, attributes)
            self._master.notebook.keep(self._master.memory.with_answer(request.id, known))
        self._say("answer", {"id": request.id, **known})
        self.heartbeat()

    def _answer(self, request: Request, attributes: Mapping[str, str]) -> Fields:
        try:
            result = self._carry_out(request, attributes)
        except RequestError as error:
            return _refusal(request, error)
        except EtcdError as error:
            return _refusal(request, failed(f"etcd: {error.message}"))
        except (OSError, CryptoError, DatabaseError) as error:
            return _refusal(request, failed(f"{type(error).__name__}: {error}"))
        return {"verb": request.verb, "ok": True, "result": result}

    def _carry_out(self, request: Request, attributes: Mapping[str, str]) -> Result:
        master = self._master
        check_admission(
            request,
            instance_id=master.identity.instance_id,
            highest_epoch=master.memory.epoch,
            now=master.ports.clock.now(),
        )
        verb = VERBS.get(request.verb)
        if verb is None:
            raise RequestError(Code.UNKNOWN_VERB, f"this agent does not know {request.verb!r}")
        master.notebook.keep(replace(master.memory, epoch=request.epoch))
        if not master.memory.certified and request.verb not in BEFORE_CERTIFICATES:
            raise RequestError(Code.REFUSED, f"{master.config.replica} has no certificates yet")
        job = Job(
            master=master,
            request=request,
            attributes=attributes,
            progress=lambda message: self._say("progress", {"id": request.id, "message": message}),
        )
        return verb(job)

    def _greet(self) -> None:
        crypto = self._master.ports.crypto
        self._say(
            "hello",
            {
                "nonce": self._master.config.nonce,
                "requests": {leaf: crypto.certificate_request(leaf) for leaf in LEAVES},
                "sealing_certificate": crypto.sealing_certificate(),
            },
        )

    def _say(self, kind: str, content: Fields) -> None:
        ports, identity = self._master.ports, self._master.identity
        fields: Fields = {
            "hakube": 1,
            "type": kind,
            "instance_id": identity.instance_id,
            "boot_id": identity.boot_id,
            "time": format_time(ports.clock.now()),
            **content,
        }
        ports.serial.write(signed_line(fields, self._sign))

    def _sign(self, fields: Fields) -> str:
        return base64.b64encode(self._master.ports.crypto.sign(canonical(fields))).decode("ascii")


def _refusal(request: Request, error: RequestError) -> Fields:
    return {
        "verb": request.verb,
        "ok": False,
        "error": {"code": error.code.value, "message": error.message},
    }
