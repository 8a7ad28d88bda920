"""What `hakube config` shows: every value and its source, and no secret."""

import json

from hakube_gce import explain
from hakube_gce.intents import Command
from hakube_gce.setting_sources import Reader
from hakube_gce.settings import read
from hakube_gce.variables import table

HERE = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator"}


def told(**variables: str) -> tuple[str, dict[str, dict[str, object]], list[str]]:
    """Return the screen, the rows of the JSON by name, and the problems."""
    reader = Reader(
        environment={**HERE, **variables}, dotenv={"MULTIZONE": "1"}, dotenv_path="/.env"
    )
    settings = read(reader, Command.OTHER)
    found = explain.settings_object(settings, reader.problems, 0)
    rows = {
        row["name"]: row
        for group in json.loads(json.dumps(found))["groups"]
        for row in group["variables"]
    }
    return "\n".join(explain.settings_lines(settings)), rows, reader.problems


def test_every_variable_has_its_value_and_its_source() -> None:
    screen, rows, _problems = told(NUM_NODES="20", CLOUDSDK_COMPUTE_ZONE="us-east1-b")
    assert set(rows) == {row.name for row in table.VARIABLES}
    assert all(f"\n  {name} " in screen for name in rows)
    shown = {name: (row["value"], row["source"]) for name, row in rows.items()}
    assert shown["PROJECT"] == ("hakube-lab", "default")
    assert shown["KUBE_GCE_ZONE"] == ("us-east1-b", "environment: CLOUDSDK_COMPUTE_ZONE")
    assert shown["MULTIZONE"] == ("1", "/.env")
    assert shown["NUM_NODES"] == ("20", "environment")
    assert shown["MASTER_SIZE"] == ("e2-standard-4", "default")
    assert shown["KUBE_DELETE_NETWORK"] == ("false", "default")
    assert shown["NETWORK_PROJECT"] == ("hakube-lab", "default")


def test_no_secret_and_nothing_unread_is_shown() -> None:
    secrets = {"KUBE_PASSWORD": "hunter2", "ETCD_CA_KEY": "hunter3", "PROVIDER_VARS": "hunter4"}
    screen, rows, _problems = told(**secrets)
    assert "hunter" not in screen + json.dumps(rows)
    for name in secrets:
        assert rows[name]["value"] == explain.NOT_SHOWN
        assert rows[name]["support"] == "accepted and ignored"
        assert rows[name]["why"]
        assert f"{name} " in screen


def test_a_value_that_cannot_be_read_hides_no_other() -> None:
    screen, rows, problems = told(
        HAKUBE_COMPUTE_ENDPOINT="https://me:hunter2@x",
        KUBE_GCE_ZONE="a\x1b[2J",
        HAKUBE_CONFIRM_TEARDOWN="x\x1b[2J",
        NUM_NODES="many",
    )
    assert len(problems) == 4
    for name in (
        "HAKUBE_COMPUTE_ENDPOINT", "KUBE_GCE_ZONE", "HAKUBE_CONFIRM_TEARDOWN", "NUM_NODES",
    ):  # fmt: skip
        assert rows[name]["value"] == explain.UNREADABLE
    assert "hunter2" not in screen
    assert screen.replace("\n", "").isprintable()
    assert rows["KUBE_GCE_INSTANCE_PREFIX"]["value"] == "kubernetes"


def test_what_has_no_effect_yet_is_marked() -> None:
    screen, rows, _problems = told()
    marked = {line.split()[0] for line in screen.splitlines() if line.endswith(" *")}
    assert (
        marked
        == {name for name, row in rows.items() if row["without_effect"]}
        > {"MASTER_IP_RANGE"}
    )
