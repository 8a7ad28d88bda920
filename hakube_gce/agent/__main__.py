"""``python -m hakube_gce.agent``: the command line, the signals, and off it goes.

The agent is a program of its own on another machine: this is the one place that reads its process
environment, and of it only what its children need.
"""

import argparse
import json
import os
import secrets
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from hakube_gce.agent.processes import Programs
from hakube_gce.agent.program import Options, run

CHILDREN_INHERIT = ("PATH", "LANG", "PYTHONPATH", "PYTHONDONTWRITEBYTECODE")
DEFAULT_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    os.umask(0o077)
    options = parse(arguments)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    run(options, stopping)


def parse(arguments: Sequence[str] | None) -> Options:
    """Read the command line."""
    found = _parser().parse_args(arguments)
    inherited = {k: os.environ[k] for k in CHILDREN_INHERIT if k in os.environ}  # noqa: TID251 - see the module's docstring
    return Options(
        root=found.root,
        data=found.data,
        serial=found.serial,
        metadata=found.metadata,
        programs=Programs(
            etcd=found.etcd,
            apiserver=found.apiserver_command,
            address=found.address,
            api_port=found.api_port,
            client_addresses=tuple(found.client_address),
        ),
        readiness_address=found.readiness_address or found.address,
        heartbeat_s=found.heartbeat_s,
        boot_id=found.boot_id or secrets.token_hex(16),
        environment={"PATH": DEFAULT_PATH, **inherited},
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="hakube-agent", description="Looks after one master.")
    parser.add_argument("--root", type=Path, required=True, help="folder on the boot disk")
    parser.add_argument("--data", type=Path, required=True, help="folder on the data disk")
    parser.add_argument("--serial", type=Path, required=True, help="second serial port, or a file")
    parser.add_argument("--metadata", required=True, help="URL of the metadata server")
    parser.add_argument("--address", required=True, help="own internal IP")
    parser.add_argument("--api-port", type=int, required=True, help="port of the API server")
    parser.add_argument("--etcd", type=Path, required=True, help="etcd binary")
    parser.add_argument(
        "--apiserver-command",
        type=_command,
        required=True,
        help="JSON list; {address} {port} {etcd} {cert} {key} {client_ca} {etcd_ca} {etcd_cert} "
        "{etcd_key} are filled in",
    )
    parser.add_argument(
        "--heartbeat-s", type=float, default=2.0, help="seconds between heartbeats"
    )
    parser.add_argument("--boot-id", default="", help="id of this boot; drawn when not given")
    parser.add_argument(
        "--client-address",
        action="append",
        default=[],
        help="one more address for etcd's clients, e.g. 127.0.0.1 on a VM of its own",
    )
    parser.add_argument(
        "--readiness-address",
        default="",
        help="where health probers ask; 0.0.0.0 on a VM, whose probes are addressed to the "
        "load balancer (default: the own internal IP)",
    )
    return parser


def _command(text: str) -> tuple[str, ...]:
    words = json.loads(text)
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        msg = "not a JSON list of texts"
        raise argparse.ArgumentTypeError(msg)
    return tuple(words)


if __name__ == "__main__":
    main()
