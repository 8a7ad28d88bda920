"""The three variables about the kubeconfig, from the command to the file and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.e2e.forks import Ended
from tests.e2e.lab_on_records import B, C, Desk, lab_on_records, warm_up

pytestmark = pytest.mark.forks

MINE = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "mine", "cluster": {"server": "https://192.0.2.1"}}],
    "contexts": [{"name": "mine", "context": {"cluster": "mine", "user": "mine"}}],
    "users": [{"name": "mine", "user": {"token": "t"}}],
    "current-context": "mine",
}
CHOSEN = {
    "OVERRIDE_CONTEXT": "staging",
    "SECONDARY_KUBECONFIG": "true",
    "KUBE_SERVER": "https://api.example.com",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    warm_up()
    with lab_on_records(tmp_path / "lab") as lab:
        desk = Desk(folder=tmp_path / "desk", lab=lab)
        desk.folder.mkdir()
        desk.kubeconfig.write_text(yaml.safe_dump(MINE), encoding="utf-8")
        desk.kubeconfig.chmod(0o600)
        yield desk


def does(desk: Desk, verb: str, **variables: str) -> Ended:
    ended = desk.run(verb, "--output", "json", **variables)
    assert ended.status == 0, ended
    return ended


def found(desk: Desk) -> dict[str, str]:
    """Return each cluster of the file and where it is, and the current context."""
    content = yaml.safe_load(desk.kubeconfig.read_text(encoding="utf-8"))
    names = {section: [each["name"] for each in content[section]] for section in ("users",)}
    servers = {each["name"]: each["cluster"]["server"] for each in content["clusters"]}
    assert sorted(names["users"]) == sorted(servers)
    return {**servers, "current": content["current-context"]}


def test_name_server_and_current_context_are_the_operators_to_choose(desk: Desk) -> None:
    does(desk, "up", KUBE_GCE_ZONE=B, **CHOSEN)
    mine = {"mine": "https://192.0.2.1", "current": "mine"}
    assert found(desk) == {**mine, "staging": "https://api.example.com"}

    again = does(desk, "up", KUBE_GCE_ZONE=B, **CHOSEN)
    assert not again.result()["changed"], again

    desk.kubeconfig.write_text(yaml.safe_dump(MINE), encoding="utf-8")
    does(desk, "up", KUBE_GCE_ZONE=C, KUBE_REPLICATE_EXISTING_MASTER="true", **CHOSEN)
    assert found(desk) == {**mine, "staging": "https://api.example.com"}

    word = {"HAKUBE_CONFIRM_TEARDOWN": "kubernetes"}
    does(desk, "down", KUBE_GCE_ZONE=B, **word, **CHOSEN)
    assert found(desk) == mine


def test_unset_they_mean_what_they_always_did(desk: Desk) -> None:
    does(desk, "up", KUBE_GCE_ZONE=B)
    entries = found(desk)
    (name,) = set(entries) - {"mine", "current"}
    assert name.endswith("_kubernetes")
    assert entries["current"] == name
    assert entries[name] == f"https://{desk.status()['endpoint']['address']}"


def test_the_commands_that_are_printed_say_them_too(desk: Desk) -> None:
    does(desk, "up", KUBE_GCE_ZONE=B, **CHOSEN)
    last = {"KUBE_GCE_ZONE": B, "KUBE_DELETE_NODES": "false", **CHOSEN}
    refused = desk.run("down", **last)
    assert refused.status == 5, refused
    (command,) = [line for line in refused.stdout.splitlines() if "kube-down.sh" in line]
    for name, value in CHOSEN.items():
        assert f"{name}={value}" in command, refused
