"""The emulator's own process: opens a lab, says where it listens, and serves until told to stop.

Runs in the foreground; whoever starts it detaches it. What goes wrong before it serves is told to
the starter through a pipe, as one JSON line.
"""

import json
import logging
import os
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hakube_gce import __version__
from hakube_gce.clock import SystemClock
from hakube_gce.emulator import home as labs
from hakube_gce.emulator.lab import Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.refusals import EmulatorError
from hakube_gce.emulator.runtime import Runtime
from hakube_gce.emulator.server import LabServer, serve
from hakube_gce.errors import HakubeError

_LOG = logging.getLogger(__name__)
RUNTIMES: Final = ("records", "process")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a daemon was asked to be."""

    home: Path
    port: int
    runtime: str
    latency: str
    ready_fd: int
    """Descriptor to report readiness or failure on; -1 for none."""


def run(wish: Wish, environ: Mapping[str, str]) -> int:
    """Serve a lab until it is told to stop; return the exit status."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    try:
        return _serve(wish, environ)
    except HakubeError as error:
        report = {"message": str(error), "hint": error.hint, "exit_status": error.exit_status}
        _report(wish.ready_fd, report)
        _LOG.error("%s; %s", error, error.hint)
        return error.exit_status


def _serve(wish: Wish, environ: Mapping[str, str]) -> int:
    marker = labs.prepare(wish.home, wish.runtime)
    with labs.held_by_daemon(wish.home):
        lab = Lab(
            runtime=make_runtime(wish.runtime, wish.home, environ),
            clock=SystemClock(),
            latency=profile(wish.latency),
            home=wish.home,
            lab_id=marker.lab_id,
        )
        with serve(lab, port=wish.port, token=labs.read_token(wish.home)) as server:
            _stop_on_signals(server)
            labs.write_daemon(wish.home, _self(wish, server))
            _LOG.info("lab %s: %s, pid %d", lab.id, server.endpoint, os.getpid())
            _report(wish.ready_fd, {"port": server.server_port})
            server.stop_wanted.get()
            _LOG.info("lab %s: stopping", lab.id)
        (wish.home / "lab.json").unlink(missing_ok=True)
    return 0


def make_runtime(name: str, home: Path, environ: Mapping[str, str]) -> Runtime:
    """Return a runtime by name; only the one that is wanted is imported.

    Raises:
        EmulatorError: there is none of that name.
        SettingsError: the runtime lacks something on this machine.
    """
    if name == "records":
        from hakube_gce.emulator.runtimes.records import RecordsRuntime  # noqa: PLC0415

        return RecordsRuntime(home=home / "records")
    if name == "process":
        from hakube_gce.emulator.runtimes.process import ProcessRuntime  # noqa: PLC0415

        binaries = environ.get("HAKUBE_BINARIES", "")
        return ProcessRuntime(
            home=home / "process",
            search_path=environ.get("PATH", os.defpath),
            binaries=Path(binaries) if binaries else None,
        )
    raise unknown_runtime(name)


def unknown_runtime(name: str) -> EmulatorError:
    """Say that there is no runtime of that name."""
    hint = f"choose one of: {', '.join(RUNTIMES)}"
    return EmulatorError(f"this emulator has no runtime '{name}'", hint=hint)


def _self(wish: Wish, server: LabServer) -> labs.Daemon:
    return labs.Daemon(
        pid=os.getpid(),
        port=server.server_port,
        lab_id=server.lab.id,
        runtime=wish.runtime,
        latency=wish.latency,
        version=__version__,
    )


def _stop_on_signals(server: LabServer) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: server.stop_wanted.put(None))


def _report(descriptor: int, facts: Mapping[str, object]) -> None:
    if descriptor >= 0:
        os.write(descriptor, json.dumps(dict(facts)).encode() + b"\n")
        os.close(descriptor)
