"""Hostile environments at the settings: understood as meant, or refused in words that are safe.

Twenty thousand drawn ones and the whole table by hand. What a destructive wish must have said is
written down anew here.
"""

import random
import re
from collections import Counter
from collections.abc import Mapping

from hakube_gce.errors import SettingsError
from hakube_gce.intents import Command
from hakube_gce.model import Intent, Verb
from hakube_gce.settings import Settings
from tests.fakes.hostile_environments import CORPUS, WRONG
from tests.fakes.hostile_generator import drawn

HERE = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator"}
KUBE_UP_AND_DOWN = (Verb.ADD_NODES, Verb.CREATE, Verb.REPLICATE, Verb.REMOVE, Verb.TEARDOWN)
"""What the switches of the two commands come to."""
DRAWN = 20_000
COMMANDS = {"up": Command.UP, "down": Command.DOWN, "status": Command.OTHER}
NAME = re.compile(r"[a-z]([-a-z0-9]{0,61}[a-z0-9])?\Z")
ZONE = re.compile(r"[a-z]+(-[a-z]+)*[0-9]+-[a-z][a-z0-9]*\Z")


def understood(verb: str, variables: Mapping[str, str]) -> Settings | tuple[str, ...]:
    """Give the settings, or the problems."""
    try:
        return Settings.parse({**HERE, **variables}, command=COMMANDS[verb])
    except SettingsError as error:
        return error.problems


def says(variables: Mapping[str, str], name: str, *words: str) -> bool:
    return variables.get(name, "").strip().lower() in words


def asked_for(verb: str, variables: Mapping[str, str], intent: Intent, prefix: str) -> bool:
    """Tell whether somebody really said what an intent says, from the documentation alone."""
    named = variables.get("KUBE_REPLICA_NAME", "")
    if verb == "up":
        replicate = says(variables, "KUBE_REPLICATE_EXISTING_MASTER", "true", "1", "yes")
        nodes_alone = says(variables, "KUBE_USE_EXISTING_MASTER", "true", "1", "yes")
        made = Verb.ADD_NODES if nodes_alone else Verb.CREATE
        return intent.verb is (Verb.REPLICATE if replicate else made)
    if intent.verb is Verb.TEARDOWN:
        meant = says(variables, "KUBE_DELETE_NODES", "", "true", "1", "yes") and not named
        word = variables.get("HAKUBE_CONFIRM_TEARDOWN", "")
        return meant and intent.confirmed_teardown is (word == prefix)
    told = says(variables, "KUBE_DELETE_NODES", "false", "0", "no") or bool(named)
    return intent.verb is Verb.REMOVE and told and intent.replica_name == named


def safe(settings: Settings) -> bool:
    """Tell whether nothing but plain names can come out of the settings."""
    intent = settings.intent
    named = [settings.prefix, settings.network, settings.machine_type]
    subnetwork, replica = settings.networking.subnetwork, intent.replica_name if intent else ""
    named += [n for n in (subnetwork, replica) if n]
    paths = (settings.home, *settings.kubeconfig_files, *settings.warnings)
    return (
        all(NAME.match(name) for name in named)
        and ZONE.match(settings.zone) is not None
        and all(path.isprintable() for path in paths)
    )


def test_twenty_thousand_drawn_environments() -> None:
    rng = random.Random(20261121)  # noqa: S311 - the same every time
    ends: Counter[str] = Counter()
    for _ in range(DRAWN):
        verb, variables = drawn(rng)
        found = understood(verb, variables)
        if isinstance(found, tuple):
            ends["refused"] += 1
            assert found, (verb, variables)
            assert all(problem.isprintable() for problem in found), (verb, variables)
            assert max(map(len, found)) < 2000, (verb, variables)
            continue
        assert found.intent is not None
        ends[found.intent.verb.value] += 1
        assert asked_for(verb, variables, found.intent, found.prefix), (verb, variables)
        assert safe(found), (verb, variables)
    assert sum(ends.values()) == DRAWN
    assert min(ends[kind] for kind in ("refused", *KUBE_UP_AND_DOWN)) > 20, ends


def test_the_table_by_hand_is_refused_or_means_what_it_says() -> None:
    rows = [case for case in CORPUS if case.dotenv is None and not case.paths]
    refused = 0
    for case in rows:
        found = understood(case.verb, case.variables)
        if isinstance(found, tuple):
            assert case.statuses == WRONG, case.about
            assert all(problem.isprintable() for problem in found), case.about
            refused += 1
        else:
            # only who opens the file can tell what is wrong with it
            assert case.statuses != WRONG or "HAKUBE_ENV_FILE" in case.variables, case.about
            assert case.means in {"", found.intent and found.intent.verb.value}, case.about
    assert refused > 700


def test_a_nul_is_refused_wherever_it_stands() -> None:
    """No process environment can hold one; a caller's mapping can."""
    for name in ("KUBE_GCE_ZONE", "KUBE_REPLICA_NAME", "HAKUBE_HOME", "KUBE_DELETE_NODES"):
        assert isinstance(understood("down", {name: "/a\0b"}), tuple), name
