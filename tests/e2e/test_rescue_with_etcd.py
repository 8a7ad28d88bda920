"""The whole product over a real etcd: all disks are lost, or all masters but one.

What was acknowledged before is read back through the members' own ports, by eyes that import
nothing of the program.
"""

import base64
import http.client
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e.labs import B, C, D, Lab
from tests.e2e.writer import Member, client_context

pytestmark = pytest.mark.process

WORDS = {"HAKUBE_CONFIRM_RECOVER": "kubernetes", "HAKUBE_CONFIRM_RESTORE": "kubernetes"}
BUMP = 1_000_000_000
"""What revisions are bumped by, where etcd's tools can."""


def key(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def ask(lab: Lab, name: str, path: str, question: dict[str, object]) -> dict[str, Any]:
    context = client_context(lab.hakube("emulator", "env", name))
    member = Member(lab.vms()[name]["etcd_client_url"], context, timeout_s=20)
    try:
        return member.ask(path, question)
    finally:
        member.close()


def put(lab: Lab, name: str, text: str) -> int:
    """Write a key; return its revision."""
    said = ask(lab, name, "kv/put", {"key": key(text), "value": key("v")})
    return int(said["header"]["revision"])


def has(lab: Lab, name: str, text: str) -> bool:
    return ask(lab, name, "kv/range", {"key": key(text)}).get("count") == "1"


def delete(lab: Lab, path: str) -> None:
    """Delete a resource behind the program's back."""
    endpoint = urlsplit(lab.hakube("emulator", "status")["compute_endpoint"])
    wire = http.client.HTTPConnection(endpoint.hostname or "", endpoint.port, timeout=60)
    base = "/compute/v1/projects/hakube-lab"
    wire.request("DELETE", f"{base}/{path}")
    operation = json.loads(wire.getresponse().read())
    scope = path.rsplit("/", 2)[0]
    wire.request("POST", f"{base}/{scope}/operations/{operation['name']}/wait")
    done = json.loads(wire.getresponse().read())
    wire.close()
    assert done["status"] == "DONE", done
    assert "error" not in done, done


def lose(lab: Lab, zone: str, name: str) -> None:
    delete(lab, f"zones/{zone}/instances/{name}")
    delete(lab, f"zones/{zone}/disks/{name}-pd")


def is_healthy(lab: Lab, voters: int) -> None:
    status = lab.hakube("status")
    assert (status["verdict"], status["etcd"]["healthy_voters"]) == ("healthy", voters), status


def check_snapshot_and_restore(lab: Lab, *, bumps: bool) -> None:
    first = str(lab.up(B)["replica"])
    second = str(lab.replicate(C)["replica"])
    revision = put(lab, second, "before")
    taken = lab.hakube("snapshot")["snapshot"]
    assert taken["revision"] >= revision
    put(lab, second, "after")
    for zone, name in ((B, first), (C, second)):
        lose(lab, zone, name)
    done = lab.hakube("restore", **WORDS)
    assert (done["replica"], done["snapshot"]["name"]) == (first, taken["name"])
    assert has(lab, first, "before")
    assert not has(lab, first, "after")
    assert (put(lab, first, "since") > BUMP) is bumps
    told = " ".join(done["notes"])
    assert ("must be restarted" in told) is not bumps, done
    is_healthy(lab, 1)
    lab.replicate(C)
    is_healthy(lab, 2)


@pytest.mark.slow
def test_all_disks_are_lost_and_a_snapshot_brings_the_cluster_back(lab: Lab) -> None:
    check_snapshot_and_restore(lab, bumps=False)


@pytest.fixture
def newer_lab(tmp_path: Path) -> Iterator[Lab]:
    """A lab with an etcd whose tools can bump revisions, where HAKUBE_TEST_ETCD35 names one."""
    folder = os.environ.get("HAKUBE_TEST_ETCD35", "")  # noqa: TID251 - where people have one
    if not folder:
        pytest.skip("HAKUBE_TEST_ETCD35 names no folder with a newer etcd")
    lab = Lab(folder=tmp_path, search_path=os.pathsep.join([folder, os.defpath]))
    yield lab
    lab.destroy()


def test_where_the_tools_can_revisions_only_grow(newer_lab: Lab) -> None:
    check_snapshot_and_restore(newer_lab, bumps=True)


@pytest.mark.slow
def test_one_of_three_goes_on_and_becomes_three_again(lab: Lab) -> None:
    first = str(lab.up(B)["replica"])
    second, third = (str(lab.replicate(zone)["replica"]) for zone in (C, D))
    put(lab, first, "from the beginning")
    lab.hakube("emulator", "vm", "kill", first)
    lab.hakube("emulator", "vm", "kill", second)
    done = lab.hakube("recover", "--survivor", third, **WORDS)
    assert done["window"]["kind"] == "demotion"
    assert has(lab, third, "from the beginning")
    is_healthy(lab, 1)
    fourth = str(lab.replicate(B)["replica"])
    lab.replicate(C)
    is_healthy(lab, 3)
    assert has(lab, fourth, "from the beginning")


@pytest.mark.slow
def test_one_of_two_is_lost_with_its_disk(lab: Lab) -> None:
    first = str(lab.up(B)["replica"])
    second = str(lab.replicate(C)["replica"])
    put(lab, first, "from the beginning")
    lose(lab, B, first)
    lab.hakube("recover", "--survivor", second, **WORDS)
    assert has(lab, second, "from the beginning")
    is_healthy(lab, 1)
