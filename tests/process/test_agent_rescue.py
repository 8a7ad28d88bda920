"""Snapshots, recovery and restore by real agents over a real etcd and its own tools.

With HAKUBE_TEST_ETCD35 naming a folder with an etcd of 3.5.10 or newer, told by that one too.
"""

import itertools
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hakube_gce.agent.etcd_tools import BUMP, EtcdTools
from hakube_gce.agent.files import FileStorage
from hakube_gce.agent.ports import DatabaseError
from hakube_gce.agent.wire import Credentials
from hakube_gce.emulator.addresses import Claim
from tests.fakes.process_lab import ProcessLab

pytestmark = pytest.mark.process

QUICK_S = 5.0
"""One of a small database takes 0.1 s on an idle machine; there is room for a busy one."""
LEASE = "L3JlZ2lzdHJ5L21hc3RlcmxlYXNlcy8xMC4wLjAuOQ=="
"""/registry/masterleases/10.0.0.9"""

_blocks = itertools.count(150)


@pytest.fixture(params=["the distribution's", "3.5"])
def tools(request: pytest.FixtureRequest) -> Path:
    """An etcd with its tools beside it."""
    if request.param == "3.5":
        folder = os.environ.get("HAKUBE_TEST_ETCD35", "")  # noqa: TID251 - where people have one
        if not folder:
            pytest.skip("HAKUBE_TEST_ETCD35 names no folder with a newer etcd")
        return Path(folder, "etcd")
    found: Path = request.getfixturevalue("etcd")
    if not found.with_name("etcdctl").is_file():
        pytest.skip(f"there is no etcdctl beside {found}")
    return found


@pytest.fixture
def lab(tools: Path, held: Claim, tmp_path: Path) -> Iterator[ProcessLab]:
    prefix = f"127.{held.addresses.number}.{next(_blocks)}"
    with ProcessLab(etcd=tools, folder=tmp_path, prefix=prefix) as lab:
        lab.insert("m1")
        assert lab.install("m1", role="founder")["ok"]
        yield lab


def put(lab: ProcessLab, via: str, key: str) -> None:
    lab.etcd(via, "kv/put", {"key": key, "value": "dg=="})


def has(lab: ProcessLab, via: str, key: str) -> bool:
    return lab.etcd(via, "kv/range", {"key": key}).get("count") == "1"


def members(lab: ProcessLab, via: str) -> set[str]:
    found = lab.etcd(via, "cluster/member/list", {"linearizable": True})["members"]
    return {m.get("name", "") for m in found}


def files(lab: ProcessLab, name: str) -> list[Path]:
    return sorted((lab.masters[name].folder / "data/snapshots").iterdir())


def databases(lab: ProcessLab, name: str, etcd: Path) -> EtcdTools:
    master = lab.masters[name]
    pki = master.folder / "root/pki"
    credentials = Credentials(
        authority=pki / "etcd-ca.crt",
        certificate=pki / "etcd-client.crt",
        key=pki / "etcd-client.key",
    )
    return EtcdTools(
        etcd=etcd,
        address=master.address,
        credentials=credentials,
        data=FileStorage(master.folder / "data"),
        environment={"PATH": os.defpath},
    )


def test_a_snapshot_is_quick_private_verified_and_not_kept_for_ever(
    lab: ProcessLab, tools: Path
) -> None:
    put(lab, "m1", "YQ==")
    own = databases(lab, "m1", tools)
    began_s = time.monotonic()
    own.save("snapshots/first.db")
    saved = own.verify("snapshots/first.db")
    took_s = time.monotonic() - began_s
    assert took_s < QUICK_S
    assert saved.total_keys >= 1
    path = lab.masters["m1"].folder / "data/snapshots/first.db"
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    for offset in (1000, path.stat().st_size - 5):
        content = bytearray(path.read_bytes())
        content[offset] ^= 1
        path.with_name("spoilt.db").write_bytes(content)
        with pytest.raises(DatabaseError, match="damaged"):
            own.verify("snapshots/spoilt.db")
    path.with_name("short.db").write_bytes(path.read_bytes()[:-600])
    with pytest.raises(DatabaseError, match="damaged"):
        own.verify("snapshots/short.db")
    for file in files(lab, "m1"):
        file.unlink()
    answers = [lab.ask("m1", "snapshot")["result"] for _ in range(4)]
    assert [f.name for f in files(lab, "m1")] == [a["name"] for a in answers[1:]]
    assert {a["revision"] for a in answers} == {saved.revision}


@pytest.mark.slow
def test_one_of_three_goes_on_alone_and_grows_again(lab: ProcessLab) -> None:
    lab.join("m2", via="m1")
    lab.join("m3", via="m1")
    assert len(files(lab, "m1")) == 2, "a snapshot before each"
    put(lab, "m1", "YQ==")
    put(lab, "m1", LEASE)
    before = lab.heartbeat("m3")
    lab.kill("m1")
    lab.kill("m2")
    lab.until(lambda: not lab.heartbeat("m3")["etcd_healthy"], "m3 is alone")
    answer = lab.ask("m3", "recover")
    assert answer["ok"], answer
    assert [m["name"] for m in answer["result"]["members"]] == ["m3"]
    assert answer["result"]["forgotten_masters"] == ["10.0.0.9"]
    assert (lab.masters["m3"].folder / "data" / answer["result"]["kept"] / "member").is_dir()
    assert has(lab, "m3", "YQ==")
    assert not has(lab, "m3", LEASE)
    put(lab, "m3", "Yg==")
    beat = lab.heartbeat("m3")
    assert (beat["cluster_id"], beat["member_id"]) == (before["cluster_id"], before["member_id"])
    lab.until(lambda: lab.heartbeat("m3")["apiserver_ready"], "m3 serves again")
    grow_again(lab)


def grow_again(lab: ProcessLab) -> None:
    assert lab.ask("m3", "recover")["result"]["kept"] == "", "it began once more"
    lab.kill("m3")
    lab.start("m3")
    lab.until(lambda: lab.etcd_answers("m3") and members(lab, "m3") == {"m3"}, "m3 is back")
    lab.insert("m4")
    lab.install("m4", role="joiner")
    assert lab.admit("m4", via="m3")["ok"]
    assert members(lab, "m4") == {"m3", "m4"}
    assert has(lab, "m4", "YQ==")


def test_all_disks_are_lost_and_a_copy_of_one_begins_a_new_cluster(lab: ProcessLab) -> None:
    put(lab, "m1", "YQ==")
    put(lab, "m1", LEASE)
    saved = lab.ask("m1", "snapshot")["result"]
    put(lab, "m1", "Yg==")
    before = lab.heartbeat("m1")
    # as a snapshot of the disk is: of a running master, some files torn
    torn = lab.masters["m1"].folder.parent / "torn"
    shutil.copytree(lab.masters["m1"].folder / "data", torn)
    (torn / "etcd/member/snap/db").write_bytes(b"torn")
    lab.kill("m1")
    lab.insert("n1")
    shutil.copytree(torn, lab.masters["n1"].folder / "data", dirs_exist_ok=True)
    answer = lab.install("n1", role="founder", restore=True)
    assert answer["ok"], answer
    restored = answer["result"]["restored"]
    assert restored["name"] == saved["name"]
    assert has(lab, "n1", "YQ==")
    assert not has(lab, "n1", "Yg==")
    assert not has(lab, "n1", LEASE)
    assert members(lab, "n1") == {"n1"}
    beat = lab.heartbeat("n1")
    assert beat["cluster_id"] != before["cluster_id"]
    revision = int(lab.etcd("n1", "kv/range", {"key": "YQ=="})["header"]["revision"])
    assert restored["bumped"] is (revision > BUMP)
    version = lab.heartbeat("n1")["etcd_version"]
    assert restored["bumped"] is (version >= "3.5.10"), version
    lab.until(lambda: lab.heartbeat("n1")["apiserver_ready"], "n1 serves")
