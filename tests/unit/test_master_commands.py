"""How etcd and the API server are started: what they listen to, and whom they trust."""

from pathlib import Path

import pytest

from hakube_gce.agent.files import FileStorage
from hakube_gce.agent.ports import EtcdLaunch
from hakube_gce.agent.processes import Programs, apiserver_command, etcd_command
from hakube_gce.emulator.runtime import VirtualMachine
from hakube_gce.emulator.runtimes.process_command import hollow_command, real_command

OWN, OTHER = "10.0.0.3", "10.0.0.2"
UID = "0123456789abcdef"
LAUNCH = EtcdLaunch(
    name="kubernetes-master-7c1",
    token=UID,
    state="existing",
    initial_cluster={
        "kubernetes-master": f"https://{OTHER}:2380",
        "kubernetes-master-7c1": f"https://{OWN}:2380",
    },
)
VM = VirtualMachine(
    name="kubernetes-master-7c1",
    zone="z",
    id="1",
    project="p",
    internal_ip=OWN,
    data_disk_id="2",
    boot_disk_id="3",
)
REAL = real_command(Path("/x/kube-apiserver"), {}, keys=Path("/x/pki"))
HOLLOW = hollow_command(VM, {})


def programs(*apiserver: str) -> Programs:
    return Programs(etcd=Path("/x/etcd"), apiserver=apiserver, address=OWN, api_port=443)


def options(command: tuple[str, ...]) -> dict[str, str]:
    return {w.partition("=")[0]: w.partition("=")[2] for w in command if w.startswith("--")}


def test_etcd_is_made_to_be_clustered_by_members_with_certificates_alone() -> None:
    """Its peer URL can be reached by others from the first master on: it cannot change later."""
    root, data = FileStorage(Path("/root-disk")), FileStorage(Path("/data-disk"))
    found = options(etcd_command(programs(), LAUNCH, root=root, data=data))
    own = f"https://{OWN}:2380"
    assert found["--initial-advertise-peer-urls"] == found["--listen-peer-urls"] == own
    assert found["--listen-client-urls"] == f"https://{OWN}:2379"
    assert {"--peer-client-cert-auth", "--client-cert-auth", "--strict-reconfig-check"} <= set(
        found
    )
    assert found["--peer-trusted-ca-file"].endswith("/etcd-ca.crt")
    assert "http://" not in str(found)
    listens = [found[name] for name in found if name.startswith("--listen-")]
    assert len(listens) == 2
    assert all(url.startswith(f"https://{OWN}:") for url in listens)
    assert sorted(found["--initial-cluster"].split(",")) == [
        f"kubernetes-master-7c1=https://{OWN}:2380",
        f"kubernetes-master=https://{OTHER}:2380",
    ]


@pytest.mark.parametrize("apiserver", [REAL, HOLLOW], ids=["real", "hollow"])
def test_an_api_server_speaks_to_its_own_masters_etcd_alone(apiserver: list[str]) -> None:
    filled = apiserver_command(programs(*apiserver), root=FileStorage(Path("/root-disk")))
    words = " ".join(filled)
    assert f"https://{OWN}:2379" in words
    assert words.count(":2379") == 1
    assert OTHER not in words
    assert "{" not in words, "every placeholder is filled in"
