"""The command that was typed is printed so that it can be pasted, whatever it was."""

import pytest

from hakube_gce import arguments
from hakube_gce.same_command import same_command
from hakube_gce.settings import Settings

B, C, X = "europe-west1-b", "europe-west1-c", "kubernetes-master-x1"
AT_HOME = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator", "PATH": "/nowhere"}
WHICH = "KUBERNETES_PROVIDER=emulator "


def printed(*words: str, **variables: str) -> tuple[str, str]:
    """Give the command's variables, and its last part."""
    environment = {**AT_HOME, **variables}
    found = arguments.parse(list(words))
    settings = Settings.parse(environment, command=found.command, named=found.named)
    before, path, program = same_command(found, settings, environment).partition("bin/")
    assert path
    return before[: before.rindex(" ") + 1], program


@pytest.mark.parametrize(
    ("words", "variables", "said", "program"),
    [
        (
            ["up"],
            {"KUBE_GCE_ZONE": B},
            f"KUBE_GCE_ZONE={B} ",
            "kube-up.sh",
        ),
        (
            ["up"],
            {"KUBE_GCE_ZONE": B, "KUBE_REPLICATE_EXISTING_MASTER": "true"},
            f"KUBE_GCE_ZONE={B} KUBE_REPLICATE_EXISTING_MASTER=true ",
            "kube-up.sh",
        ),
        (
            ["up"],
            {
                "KUBE_MASTER_ZONES": f"{B},{B},{C}",
                "HAKUBE_SAME_ZONE": "true",
            },
            f"KUBE_MASTER_ZONES={B},{B},{C} HAKUBE_SAME_ZONE=true ",
            "kube-up.sh",
        ),
        (
            ["down", "--dry-run"],
            {
                "KUBE_GCE_ZONE": B,
                "KUBE_DELETE_NODES": "false",
                "KUBE_REPLICA_NAME": X,
            },
            f"KUBE_DELETE_NODES=false KUBE_GCE_ZONE={B} KUBE_REPLICA_NAME={X} ",
            "kube-down.sh --dry-run",
        ),
        (
            ["scale", "--to", "4"],
            {"KUBE_GCE_ZONE": B, "HAKUBE_EVEN_MASTERS": "true"},
            f"KUBE_GCE_ZONE={B} HAKUBE_EVEN_MASTERS=true ",
            "hakube scale --to 4",
        ),
        (
            ["up", "--check"],
            {"KUBE_GCE_ZONE": B, "KUBECONFIG": "/home/me/a file"},
            f"KUBECONFIG='/home/me/a file' KUBE_GCE_ZONE={B} ",
            "kube-up.sh --check",
        ),
        (
            ["whatif", f"lose zone {B}"],
            {},
            "",
            f"hakube whatif 'lose zone {B}'",
        ),
        (
            ["replace", X, "--new"],
            {},
            "",
            f"hakube replace {X} --new",
        ),
    ],
    ids=["create", "replicate", "zones", "remove", "scale", "kubeconfig", "whatif", "replace"],
)
def test_what_was_typed_can_be_pasted(
    words: list[str], variables: dict[str, str], said: str, program: str
) -> None:
    assert printed(*words, **variables) == (WHICH + said, program)
