"""The hollow API server: stands in for kube-apiserver where nobody brought one.

It speaks enough of Kubernetes for kubectl, a health check and an operator's eyes (namespaces,
config maps, nodes, the first service), says in its version that it is hollow, and keeps
everything in the master's real etcd. It runs no workload, knows no RBAC, no admission and no
controllers but one: Node objects follow the lab's VMs.

Run as ``python -m hakube_gce.emulator.hollow --address IP --port N …``.
"""

import argparse
import signal
import threading
from pathlib import Path

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.hollow_answers import Desk
from hakube_gce.emulator.hollow_keeper import ask_metadata_server, keep_nodes
from hakube_gce.emulator.hollow_registry import Registry
from hakube_gce.emulator.hollow_server import Server, tls_context, with_new_certificate
from hakube_gce.emulator.hollow_store import Store


def main() -> None:
    """Serve until SIGTERM, and for the shutdown delay after it."""
    options = _options()
    store = Store(
        options.etcd,
        authority=options.etcd_ca,
        certificate=options.etcd_cert,
        key=options.etcd_key,
    )
    clock = SystemClock()
    registry = Registry(store, clock=clock, service_cidr=options.service_cidr)
    desk = Desk(registry, clock=clock, address=f"{options.address}:{options.port}")
    context = tls_context(certificate=options.cert, key=options.key, client_ca=options.client_ca)
    look = with_new_certificate(context, options.cert, options.key)
    place = (options.address, options.port)
    if options.metadata:
        _keep_nodes(registry, options.metadata)
    with Server(*place, context=context, desk=desk, before_handshake=look) as server:
        _end_on_sigterm(server, desk, delay_s=options.shutdown_delay)
        server.serve_forever(poll_interval=0.2)


def _keep_nodes(registry: Registry, host: str) -> None:
    arguments = (ask_metadata_server(host), registry, threading.Event())
    threading.Thread(target=keep_nodes, args=arguments, name="nodes", daemon=True).start()


def _end_on_sigterm(server: Server, desk: Desk, *, delay_s: float) -> None:
    told = threading.Event()

    def leave() -> None:
        told.wait()
        desk.leave()
        threading.Event().wait(delay_s)
        server.shutdown()

    signal.signal(signal.SIGTERM, lambda *_: told.set())
    threading.Thread(target=leave, name="leave", daemon=True).start()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="a hollow Kubernetes API server")
    parser.add_argument("--address", required=True, help="where to listen")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--etcd", required=True, help="https://IP:2379 of the local member")
    for name, what in (
        ("cert", "serving certificate"),
        ("key", "its key"),
        ("client-ca", "the authority of clients' certificates"),
        ("etcd-ca", "the authority of etcd's certificate"),
        ("etcd-cert", "client certificate for etcd"),
        ("etcd-key", "its key"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"{what}, PEM")
    parser.add_argument("--service-cidr", default="10.0.0.0/16", help="addresses of services")
    parser.add_argument(
        "--metadata", default="", help="host:port of the VM's metadata server, to learn of nodes"
    )
    parser.add_argument(
        "--shutdown-delay",
        type=float,
        default=0.0,
        help="seconds served on, unready, after SIGTERM",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
