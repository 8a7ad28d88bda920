"""`scale`, `replace` and `runbook`: several operations, one after the other, in one command.

What comes next is decided in `plan.course`; here it is run, each operation as its own command
would run it. A course stops at the first refusal or failure, and says what is left to run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace as changed

from hakube_gce import commands as single
from hakube_gce import verdicts
from hakube_gce.arguments import Arguments
from hakube_gce.assemble import Means
from hakube_gce.ending import refuse
from hakube_gce.errors import HakubeError, SettingsError
from hakube_gce.inherit import Inheritance
from hakube_gce.job import Job
from hakube_gce.list_kinds import MOST_MASTERS
from hakube_gce.model import Intent, Observed, Verb
from hakube_gce.plan import commands, course, replacing
from hakube_gce.plan.blueprint import Blueprint
from hakube_gce.plan.course import Goal
from hakube_gce.plan.graph import Blocker
from hakube_gce.render import Result, runbook_lines, runbook_object
from hakube_gce.run import run
from hakube_gce.settings import Settings
from hakube_gce.settling import steadied
from hakube_gce.start_up import check_zones, looking, where_the_cluster_is
from hakube_gce.terminal import show

_TURNS = 2 * MOST_MASTERS


def scale(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Add or remove masters, one after the other, until there are so many."""
    if not 1 <= found.to <= MOST_MASTERS:
        raise SettingsError(
            [f"--to {found.to}: how many masters, 1 to {MOST_MASTERS}; for example --to 3"]
        )
    goal = goal_of(settings, found.to)

    def work(job: Job, means: Means) -> Result:
        there = where_the_cluster_is(means, environment)
        return towards(single.in_place(job, there), goal, "scale")

    first = Intent(verb=Verb.REPLICATE, zone=settings.zone)
    return single.carry_out(found, settings, environment, first, work)


def up(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Make a cluster of several masters: one in each of the zones that KUBE_MASTER_ZONES names."""
    goal = changed(goal_of(settings, len(settings.master_zones)), founding=True)

    def work(job: Job, means: Means) -> Result:
        check_zones(means, settings.master_zones)
        return towards(job, goal, "create")

    first = Intent(verb=Verb.CREATE, zone=settings.zone)
    return single.carry_out(found, settings, environment, first, work)


def goal_of(settings: Settings, masters: int) -> Goal:
    """Give the goal of so many masters, as the variables want them placed."""
    return Goal(
        masters=masters,
        zones=settings.master_zones,
        share_zones=settings.same_zone,
        even=settings.even_masters,
    )


def towards(job: Job, goal: Goal, verb: str) -> Result:
    """Run operations until the goal is reached, or one is refused.

    Raises:
        HakubeError: One failed; it names the command that goes on.
    """
    ended: list[Result] = []
    blueprint = single.blueprint_of(job)
    again = (
        commands.create_in_zones(blueprint, goal.zones)
        if goal.founding
        else commands.scale(blueprint, job.intent.zone, goal.masters)
    )
    try:
        for _ in range(_TURNS):
            seen = steadied(job.observe(), job.observe, clock=job.clock, say=job.screen.say)
            wished = course.towards(job.inherit(seen).blueprint, goal, seen)
            if isinstance(wished, Blocker):
                return _summed(verb, [*ended, refuse(job, [wished])])
            if wished is None:
                return _arrived(job, seen, _summed(verb, ended))
            _tell_what_follows(job, seen, goal)
            ended.append(_one(job, wished.intent, wished.prepare))
            if ended[-1].exit_status or job.dry_run or job.check:
                break
    except HakubeError as error:
        error.next_command = again
        raise
    return changed(_summed(verb, ended), next_command=ended[-1].next_command or again)


def _tell_what_follows(job: Job, seen: Observed, goal: Goal) -> None:
    """Say before a plan is shown that it is not the whole course, where it is not."""
    if (job.dry_run or job.check) and abs(goal.masters - len(seen.replicas)) > 1:
        job.screen.say(
            "note: this is the plan of the first of several operations; the run goes on, one "
            f"after the other, until {_masters(goal.masters)}"
        )


def _masters(count: int) -> str:
    return "there is 1 master" if count == 1 else f"there are {count} masters"


def _arrived(job: Job, seen: Observed, result: Result) -> Result:
    job.say(course.survives(seen))
    if note := course.advice(seen, [r.zone for r in seen.replicas]):
        job.screen.say(f"note: {note}")
    verdict = verdicts.verdict(seen)
    if verdict is not verdicts.Verdict.HEALTHY:
        job.screen.say(f"note: the cluster is {verdict.value}; see `hakube status`")
    if not result.changed:
        job.screen.say("Everything is as asked. Nothing was changed.")
    return result


def replace(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Put a sound master in the place of one: the runbook in one command."""

    def work(job: Job, means: Means) -> Result:
        there = single.in_place(job, where_the_cluster_is(means, environment))
        return put_another_in_place(there, found.named, anew=found.new)

    first = Intent(verb=Verb.REPLICATE, zone=settings.zone)
    return single.carry_out(found, settings, environment, first, work)


def put_another_in_place(job: Job, name: str, *, anew: bool) -> Result:
    """Replace a master, by its own disk or by another one.

    Raises:
        HakubeError: A part failed; it names the command that goes on, which is the same.
    """
    seen = steadied(job.observe(), job.observe, clock=job.clock, say=job.screen.say, named=name)
    parts = replacing.parts(job.inherit(seen).blueprint, name, seen, anew=anew)
    if isinstance(parts, Blocker):
        return changed(refuse(job, [parts]), verb="replace")
    newcomer = replacing.in_place_of(seen, name)
    if newcomer is not None and not parts:
        job.screen.say(f"{newcomer.name} is in the place of {name}. Nothing was changed.")
    try:
        return _in_turn(job, name, parts)
    except HakubeError as error:
        blueprint = single.blueprint_of(job)
        error.next_command = commands.replace(blueprint, job.intent.zone, name, anew=anew)
        raise


def _in_turn(job: Job, name: str, parts: Sequence[Intent]) -> Result:
    ended: list[Result] = []
    for index, part in enumerate(parts):
        later = parts[index + 1 :]
        prepare = tuple(p.zone for p in later if p.verb is Verb.REPLICATE)
        ended.append(_one(job, part, prepare, in_place_of=name))
        if ended[-1].exit_status or job.dry_run or job.check:
            break
    return _summed("replace", ended)


def runbook(found: Arguments, settings: Settings, environment: Mapping[str, str]) -> int:
    """Print what `replace` would run, with this cluster's own values; changes nothing."""
    means = looking(settings, environment)
    seen = means.observer.observe()
    blueprint = means.inherit(seen).blueprint
    parts = replacing.parts(blueprint, found.named, seen, anew=found.new)
    if isinstance(parts, Blocker):
        return single.show_refusal(found, Verb.MEND, parts)
    steps = _runbook(blueprint, seen, found.named, parts)
    show(runbook_object(steps), runbook_lines(steps), as_json=found.json)
    return 0


def _runbook(
    blueprint: Blueprint, seen: Observed, name: str, parts: Sequence[Intent]
) -> tuple[tuple[str, str], ...]:
    """Give (why, command) pairs: look, act, look."""
    look = commands.status(blueprint, seen)
    why = {
        Verb.CREATE: f"{name} comes back on its own data disk: no membership changes",
        Verb.REMOVE: f"{name} leaves etcd, the load balancer and Compute Engine",
        Verb.REPLICATE: "a new master joins in its zone",
    }
    return (
        ("what is there", look),
        *((why[p.verb], commands.again(blueprint, p)) for p in parts),
        ("healthy again", look),
    )


def _one(job: Job, intent: Intent, prepare: tuple[str, ...], *, in_place_of: str = "") -> Result:
    """Run one operation, and make the VMs of those that come after it meanwhile."""

    def inherit(seen: Observed) -> Inheritance:
        found = job.inherit(seen)
        blueprint = changed(found.blueprint, prepare=prepare, in_place_of=in_place_of)
        return changed(found, blueprint=blueprint)

    return run(changed(job, intent=intent, operation_id=job.new_id(), inherit=inherit))


def _summed(verb: str, ended: Sequence[Result]) -> Result:
    """Put the operations' ends together: the last one's status, everybody's changes and notes."""
    if not ended:
        return Result(verb=verb, changed=False, exit_status=0)
    windows = [r.window for r in ended if r.window is not None]
    return changed(
        ended[-1],
        verb=verb,
        changed=any(r.changed for r in ended),
        window=windows[-1] if windows else None,
        steps=tuple(step for r in ended for step in r.steps),
        notes=tuple(dict.fromkeys(note for r in ended for note in r.notes)),
    )
