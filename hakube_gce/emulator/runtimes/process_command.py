"""What a VM's first process is started with: the agent's arguments and environment.

Pure. The environment is made, not inherited: nothing of the daemon's own (credentials, proxies,
the user's Kubernetes settings) reaches a VM, as nothing of it would on Compute Engine.
"""

import ipaddress
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hakube_gce.emulator.addresses import METADATA_PORT
from hakube_gce.emulator.runtime import VirtualMachine

AGENT = (sys.executable, "-m", "hakube_gce.agent")

_PLACEHOLDERS = {
    "--address": "{address}",
    "--port": "{port}",
    "--etcd": "{etcd}",
    "--cert": "{cert}",
    "--key": "{key}",
    "--client-ca": "{client_ca}",
    "--etcd-ca": "{etcd_ca}",
    "--etcd-cert": "{etcd_cert}",
    "--etcd-key": "{etcd_key}",
}
"""The hollow API server's options; the agent fills them in once it has keys and certificates."""


def agent_options(
    vm: VirtualMachine,
    *,
    disks: Path,
    serial_file: Path,
    api_port: int,
    etcd: Path,
    apiserver: Sequence[str],
) -> list[str]:
    """Return what the agent of a VM is told.

    Args:
        vm: The VM.
        disks: Folder with one folder per disk id.
        serial_file: What the agent appends its lines to: serial port 2.
        api_port: The port its API server is to listen on.
        etcd: The etcd binary.
        apiserver: Command of an API server, with placeholders.
    """
    root = disks / vm.boot_disk_id
    data = disks / vm.data_disk_id if vm.data_disk_id else root / "no-data-disk"
    return [
        *("--root", str(root)),
        *("--data", str(data)),
        *("--serial", str(serial_file)),
        *("--metadata", f"http://{metadata_host(vm)}"),
        *("--address", vm.internal_ip),
        *("--api-port", str(api_port)),
        *("--etcd", str(etcd)),
        *("--apiserver-command", json.dumps(list(apiserver))),
    ]


def hollow_command(vm: VirtualMachine, attributes: Mapping[str, str]) -> list[str]:
    """Return the hollow API server's command of a VM, placeholders still in it."""
    options = [word for option in _PLACEHOLDERS.items() for word in option]
    cidr = _service_cidr(attributes)
    services = ["--service-cidr", cidr] if cidr else []
    nodes = ["--metadata", metadata_host(vm)]
    return [sys.executable, "-m", "hakube_gce.emulator.hollow", *options, *nodes, *services]


def real_command(apiserver: Path, attributes: Mapping[str, str], *, keys: Path) -> list[str]:
    """Return a real kube-apiserver's command, placeholders still in it.

    Its endpoint reconciler is off: Kubernetes takes no loopback address as an endpoint. Not run
    here with a real binary yet; the options are those a 1.20 was run with against etcd members
    like ours.

    Args:
        apiserver: The binary.
        attributes: The VM's metadata.
        keys: Folder of the VM's keys, where the service-account key will be.
    """
    options = {
        "advertise-address": "{address}",
        "authorization-mode": "Node,RBAC",
        "bind-address": "{address}",
        "client-ca-file": "{client_ca}",
        "enable-bootstrap-token-auth": "true",
        "endpoint-reconciler-type": "none",
        "etcd-cafile": "{etcd_ca}",
        "etcd-certfile": "{etcd_cert}",
        "etcd-keyfile": "{etcd_key}",
        "etcd-servers": "{etcd}",
        "secure-port": "{port}",
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": str(keys / "service-account.key"),
        "service-account-signing-key-file": str(keys / "service-account.key"),
        "service-cluster-ip-range": _service_cidr(attributes) or "10.0.0.0/16",
        "tls-cert-file": "{cert}",
        "tls-private-key-file": "{key}",
    }
    return [str(apiserver), *(f"--{name}={value}" for name, value in options.items())]


def agent_environment(vm: VirtualMachine, *, search_path: str, package: Path) -> dict[str, str]:
    """Return the whole environment of a VM's processes.

    Args:
        vm: The VM.
        search_path: PATH; the agent runs openssl.
        package: The folder that holds this package.
    """
    return {
        "PATH": search_path,
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(package),
        "PYTHONDONTWRITEBYTECODE": "1",
        "GCE_METADATA_HOST": metadata_host(vm),
    }


def metadata_host(vm: VirtualMachine) -> str:
    """Return host and port of the VM's metadata server."""
    return f"{vm.internal_ip}:{METADATA_PORT}"


def _service_cidr(attributes: Mapping[str, str]) -> str:
    """Return the services' range from the agent's configuration, or nothing unless it is one.

    >>> _service_cidr({"hakube-config": '{"service_cidr": "10.0.0.0/16"}'})
    '10.0.0.0/16'
    >>> _service_cidr({"hakube-config": '{"service_cidr": "--key=/etc/shadow"}'})
    ''
    """
    try:
        return str(ipaddress.IPv4Network(json.loads(attributes["hakube-config"])["service_cidr"]))
    except (KeyError, TypeError, ValueError):
        return ""
