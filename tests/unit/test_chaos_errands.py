"""Our commands in the middle of trouble: given again until they are done, and every time noted."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from tests.chaos.errands import MOST_ATTEMPTS, Errands
from tests.chaos.events import ZONES, Errand, choose_errands
from tests.chaos.lab import Ran


@dataclass(slots=True, kw_only=True)
class Cluster:
    """Masters by zone, and commands that end as scripted before they end with 0."""

    statuses: list[int] = field(default_factory=list)
    masters: dict[str, list[str]] = field(
        default_factory=lambda: {zone: [f"first-{zone}"] for zone in ZONES}
    )
    given: list[str] = field(default_factory=list)
    looks: int = 0

    def replicate(self, zone: str) -> Ran:
        done = self._ran(f"replicate {zone}")
        if done.status == 0:
            self.masters[zone].append(f"m{len(self.given)}")
        return done

    def remove(self, zone: str, name: str) -> Ran:
        done = self._ran(f"remove {name}")
        if done.status == 0:
            self.masters[zone].remove(name)
        return done

    def refresh(self) -> None:
        self.looks += 1

    def within(self, zone: str) -> list[str]:
        return self.masters[zone]

    def _ran(self, shown: str) -> Ran:
        self.given.append(shown)
        status = self.statuses.pop(0) if self.statuses else 0
        return Ran(shown=shown, status=status, seconds=0.1, result={}, said=())


def carried_out(cluster: Cluster, chosen: Sequence[Errand]) -> Errands:
    errands = Errands(operator=cluster, roster=cluster, chosen=iter(chosen), pause_s=0)
    errands.start()
    errands.await_end()
    return errands


B = ZONES[0]
REPLACE = Errand(kind="replace", zone=B, newest=False)


def test_a_replacement_removes_first() -> None:
    cluster = Cluster()
    errands = carried_out(cluster, [REPLACE])
    assert cluster.given == [f"remove first-{B}", f"replicate {B}"]
    assert errands.done == [f"replace in {B}"]
    assert cluster.looks == 2


def test_of_two_in_a_zone_the_chosen_one_goes() -> None:
    for newest, goes in ((False, f"first-{B}"), (True, "m1")):
        cluster = Cluster()
        carried_out(cluster, [Errand(kind="add, then remove", zone=B, newest=newest)])
        assert cluster.given == [f"replicate {B}", f"remove {goes}"]


def test_a_command_is_repeated_as_it_was_until_it_is_done() -> None:
    cluster = Cluster(statuses=[5, 7, 9, 0, 5, 0])
    errands = carried_out(cluster, [REPLACE])
    assert cluster.given == [f"remove first-{B}"] * 4 + [f"replicate {B}"] * 2
    assert [ran.status for ran in errands.runs] == [5, 7, 9, 0, 5, 0]
    assert errands.problem == ""


def test_a_master_that_is_gone_by_the_next_attempt_was_removed() -> None:
    cluster = Cluster(statuses=[7, 3, 0])
    errands = carried_out(cluster, [REPLACE])
    assert cluster.given[1:] == [f"remove first-{B}", f"replicate {B}"]
    assert errands.done == [f"replace in {B}"]


def test_a_master_that_never_was_is_not() -> None:
    cluster = Cluster(statuses=[3] * 1 + [5] * (MOST_ATTEMPTS - 1))
    assert "GaveUp" in carried_out(cluster, [REPLACE]).problem


def test_it_gives_up_in_the_end_and_says_so() -> None:
    cluster = Cluster(statuses=[5] * (MOST_ATTEMPTS + 1))
    errands = carried_out(cluster, [REPLACE, REPLACE])
    assert len(errands.runs) == MOST_ATTEMPTS
    assert "not done after" in errands.problem
    assert errands.done == []


def test_three_masters_in_three_zones_are_there_after_every_errand() -> None:
    cluster = Cluster()
    carried_out(cluster, list(islice(choose_errands(9), 30)))
    assert [len(names) for names in cluster.masters.values()] == [1, 1, 1]
    assert len(cluster.given) == 60
