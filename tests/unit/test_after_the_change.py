"""Whoever is stopped after a command's change is never told to make the change again."""

from types import SimpleNamespace
from typing import cast

import pytest

from hakube_gce.assemble import Means
from hakube_gce.commands import afterwards
from hakube_gce.job import Job
from hakube_gce.manifest import ManifestObject
from hakube_gce.model import Intent, Verb
from hakube_gce.render import Result
from tests.fakes.clusters import NOW
from tests.unit.test_plan import BLUEPRINT, C

AGAIN = "KUBE_REPLICATE_EXISTING_MASTER=true up"
POD_NETWORK = cast("ManifestObject", SimpleNamespace())


class Screen:
    """Notes what the last words are whenever something is said."""

    def __init__(self, last_words: list[str]) -> None:
        self.last_words, self.seen = last_words, list[str]()

    def say(self, _text: str) -> None:
        self.seen.append(self.last_words[-1])


def after_a_replication(*manifest: ManifestObject) -> tuple[list[str], list[str]]:
    """Run what follows a replication in a lab of records; gives the last words, then and now."""
    last_words = ["Stopped at once. To go on, run:", AGAIN]
    screen = Screen(last_words)
    job = SimpleNamespace(
        intent=Intent(verb=Verb.REPLICATE, zone=C),
        inherit=lambda _: SimpleNamespace(blueprint=BLUEPRINT),
        clock=SimpleNamespace(now=lambda: NOW),
        screen=screen,
    )
    means = SimpleNamespace(
        place=SimpleNamespace(runtime="records"),
        settings=SimpleNamespace(
            zone=C, master_zones=(), readiness=SimpleNamespace(allowed_not_ready_nodes=0)
        ),
    )
    done = Result(verb="replicate", changed=True, exit_status=0)
    afterwards(cast("Job", job), cast("Means", means), manifest, done, last_words)
    return screen.seen, last_words


def test_what_is_left_of_a_replication_is_to_validate() -> None:
    _, last_words = after_a_replication()
    assert last_words[-1] == f"KUBE_GCE_ZONE={C} {BLUEPRINT.programs[2]} validate"


@pytest.mark.parametrize("manifest", [(POD_NETWORK,)], ids=["a pod network"])
def test_while_a_manifest_is_applied_it_is_to_apply_it(
    manifest: tuple[ManifestObject, ...],
) -> None:
    meanwhile, last_words = after_a_replication(*manifest)
    assert meanwhile, "nothing was said of the manifest"
    assert not any("REPLICATE" in line for line in (*meanwhile, *last_words))
