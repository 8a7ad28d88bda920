"""The planted defects: each a mistake that somebody could make, and the test that must mind it.

Data alone. A text stands in its file exactly once; one that does not any more is as bad as a
defect that nobody catches.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One mistake."""

    name: str
    rule: str
    """What the project promises and the mistake breaks."""
    file: str
    old: str
    new: str
    test: str
    """As pytest names it."""


PACKAGE = "hakube_gce"
_PLAN = "tests/unit/test_plan.py::"
_TABLE = "tests/unit/test_quorum_table.py::"
_LOCK = "tests/unit/test_lock.py::"
_SEEN = "tests/unit/test_understand.py::"
_ADMIT = "tests/contract/test_agent_admit.py::"
_RETRIES = "tests/contract/test_gateway_retries.py::"

MUTANTS: tuple[Mutant, ...] = (
    # ---- etcd's membership
    Mutant(
        name="a voter is added instead of a learner",
        rule="members enter as learners",
        file="agent/etcd.py",
        old='"isLearner": True',
        new='"isLearner": False',
        test="tests/unit/test_agent_etcd_answers.py::test_no_call_in_the_agent_can_add_a_voter",
    ),
    Mutant(
        name="a master is added beside a dead one",
        rule="remove first, then add",
        file="plan/replicate.py",
        old="    if others_dead:\n        found.append(",
        new="    if False:\n        found.append(",
        test=_TABLE + "test_nobody_is_added_while_a_voter_is_down",
    ),
    Mutant(
        name="the agent admits beside a dead voter",
        rule="every voter is healthy before one is added",
        file="agent/admit.py",
        old="    if down:\n",
        new="    if False:\n",
        test=_ADMIT + "test_nobody_is_admitted_while_a_voter_is_down",
    ),
    Mutant(
        name="a second newcomer is admitted beside a learner",
        rule="one membership change at a time",
        file="agent/admit.py",
        old="    if others:\n",
        new="    if False:\n",
        test=_ADMIT + "test_nobody_is_admitted_beside_another_learner",
    ),
    Mutant(
        name="nobody looks whether the newcomer is reached both ways",
        rule="reachable both ways before it is a member",
        file="agent/admit.py",
        old="    for voter in seen.voters:\n",
        new="    for voter in ():\n",
        test=_ADMIT + "test_a_newcomer_that_does_not_reach_every_voter_changes_nothing",
    ),
    Mutant(
        name="a newcomer that is silent is promoted",
        rule="promoted only while its etcd answers",
        file="agent/admit.py",
        old='        return "its etcd does not answer"\n',
        new='        return ""\n',
        test=_TABLE + "test_nobody_is_promoted_whose_etcd_does_not_answer",
    ),
    Mutant(
        name="promoted counts as ready",
        rule="a newcomer is done when it was seen as a healthy voter",
        file="agent/admit.py",
        old="return members if alive and wanted in members else ()",
        new="return members",
        test="tests/contract/test_agent_races.py::test_a_newcomer_that_falls_silent_once_promoted_is_not_called_healthy",
    ),
    Mutant(
        name="a learner that does not come stays behind",
        rule="no member without a master",
        file="agent/admit.py",
        old="    remove_learner(job.master, member_id)\n",
        new="",
        test=_ADMIT + "test_a_learner_that_never_starts_is_taken_out_again",
    ),
    Mutant(
        name="etcd's five seconds are not waited out",
        rule="'unhealthy cluster' is asked again",
        file="agent/admit.py",
        old="return error.trouble is EtcdTrouble.UNHEALTHY_CLUSTER or is_lost_answer(error)",
        new="return is_lost_answer(error)",
        test=_ADMIT + "test_a_third_is_admitted_at_once_in_spite_of_the_five_second_rule",
    ),
    Mutant(
        name="a joiner is told the VMs instead of the members",
        rule="etcd's own list says who is a member",
        file="plan/replicate.py",
        old="tuple(m.peer_url for m in conditions.voters(seen))",
        new="tuple(conditions.peer_url(r) for r in seen.replicas)",
        test=_PLAN + "test_a_joiner_is_told_etcds_members_and_not_the_vms",
    ),
    Mutant(
        name="a removal forgets today's majority",
        rule="a change needs a majority to be committed",
        file="conditions.py",
        old="return majority(seen, seen.members).holds and majority_without(seen, leaving).holds",
        new="return majority_without(seen, leaving).holds",
        test=_TABLE + "test_nobody_leaves_without_todays_majority",
    ),
    Mutant(
        name="a removal forgets the majority of those who stay",
        rule="a majority is left to go on",
        file="conditions.py",
        old="return majority(seen, seen.members).holds and majority_without(seen, leaving).holds",
        new="return majority(seen, seen.members).holds",
        test=_TABLE + "test_nobody_leaves_without_a_majority_of_those_who_stay",
    ),
    Mutant(
        name="the agent forgets the majority of those who stay",
        rule="the agent judges for itself",
        file="agent/quorum.py",
        old="    if staying < majority(voters - 1):\n",
        new="    if staying < 0:\n",
        test=_TABLE + "test_nobody_leaves_without_a_majority_of_those_who_stay",
    ),
    Mutant(
        name="a member is removed by name",
        rule="members are removed by id",
        file="perform/membership.py",
        old='{"member_id": step.member_id}',
        new='{"member_id": step.member_name}',
        test="tests/e2e/test_lifecycle_on_records.py::test_a_master_becomes_three_loses_one_and_ends_as_none",
    ),
    Mutant(
        name="the VM goes before its member",
        rule="proven out of etcd first",
        file="plan/remove.py",
        old="after=(*gone, *free))",
        new="after=())",
        test=_PLAN + "test_removal_takes_the_member_out_before_the_vm",
    ),
    Mutant(
        name="the leader is removed as it is",
        rule="leadership moves first",
        file="plan/remove.py",
        old="conditions.leader_id(seen) == member.id:",
        new='conditions.leader_id(seen) == "":',
        test=_PLAN + "test_a_leaving_leader_hands_over_first",
    ),
    Mutant(
        name="a silent voter counts as healthy",
        rule="unknown is not healthy",
        file="conditions.py",
        old="replica.report is None or not replica.fresh:",
        new="replica.report is None:",
        test=_TABLE + "test_silence_is_judged_as_death_by_the_operator",
    ),
    # ---- what was seen
    Mutant(
        name="a part of a list that failed counts as empty",
        rule="unknown is not absent",
        file="gce/listing.py",
        old="                holes.extend(_holes(scoped, scope))\n",
        new="",
        test="tests/unit/test_gce_listing.py::test_a_hole_on_an_early_page_is_still_told",
    ),
    Mutant(
        name="a removal is planned on half a list",
        rule="unknown is not absent",
        file="plan/remove.py",
        old="    if seen.unreadable:\n",
        new="    if False:\n",
        test=_PLAN + "test_unknown_is_not_absent",
    ),
    Mutant(
        name="names are matched anywhere",
        rule="a name is ours when the whole of it fits",
        file="names.py",
        old='return re.fullmatch(rf"',
        new='return re.search(rf"',
        test="hakube_gce/names.py::hakube_gce.names.is_master",
    ),
    Mutant(
        name="a fitting name is enough",
        rule="ours by name and by mark",
        file="understand.py",
        old="if names.is_master(ours.prefix, i.name) and ours.labels(i.labels)",
        new="if names.is_master(ours.prefix, i.name)",
        test=_SEEN + "test_a_name_like_ours_without_our_mark_is_a_conflict_and_no_replica",
    ),
    Mutant(
        name="another cluster's mark is as good as ours",
        rule="the mark is the cluster's uid",
        file="understand.py",
        old="(mark.cluster, mark.uid) == (self.prefix, self.uid)",
        new="bool(mark.cluster)",
        test=_SEEN + "test_a_name_like_ours_without_our_mark_is_a_conflict_and_no_replica",
    ),
    Mutant(
        name="an old heartbeat is believed",
        rule="what was heard long ago is history",
        file="understand.py",
        old="now - FRESH <= report.time <=",
        new="report.time <=",
        test=_SEEN + "test_an_old_heartbeat_is_history",
    ),
    Mutant(
        name="two etcds of one name are one",
        rule="a split is believed by nobody",
        file="understand.py",
        old="if len({report.cluster_id for report in healthy}) != 1:",
        new="if not healthy:",
        test=_SEEN + "test_two_etcd_clusters_under_one_name_are_believed_by_nobody",
    ),
    Mutant(
        name="the keys of another cluster are used",
        rule="local files decide nothing",
        file="keystore.py",
        old='if content.get("uid") != uid:',
        new="if False:",
        test="tests/unit/test_keystore.py::test_a_file_under_another_clusters_name_is_not_used",
    ),
    Mutant(
        name="anybody may have signed",
        rule="only a replica's own key speaks for it",
        file="agent_trust.py",
        old="if not _is_agents(certificate, replica) or not isinstance(",
        new="if not isinstance(",
        test="tests/unit/test_channel_messages.py::test_one_replica_cannot_speak_for_another",
    ),
    # ---- calls and requests
    Mutant(
        name="a failed operation counts as done",
        rule="accepted is not done",
        file="gce/failures.py",
        old="if not errors and operation.http_error_status_code < 400:",
        new="if operation.http_error_status_code < 600:",
        test=_RETRIES + "test_an_accepted_operation_that_fails_is_an_error_and_is_not_sent_again",
    ),
    Mutant(
        name="a resumed run repeats a failed request's id",
        rule="a new attempt has new ids",
        file="perform/context.py",
        old="{self.operation.id}/{self.lock.epoch}/",
        new="{self.operation.id}/",
        test="tests/unit/test_request_ids.py::test_a_resumed_run_never_gets_a_failed_requests_old_answer",
    ),
    Mutant(
        name="an overtaken run is obeyed",
        rule="agents refuse an older epoch",
        file="agent/protocol.py",
        old="if request.epoch < highest_epoch:",
        new="if request.epoch < 0:",
        test="tests/contract/test_agent_verbs.py::test_an_older_epoch_changes_nothing",
    ),
    Mutant(
        name="an API that ends like Google's gets the credentials",
        rule="only Google gets credentials",
        file="settings.py",
        old='host.endswith(".googleapis.com")',
        new='host.endswith("googleapis.com")',
        test="tests/unit/test_settings.py::test_only_google_gets_credentials",
    ),
    # ---- keys and files
    Mutant(
        name="keys are written 0644",
        rule="private from the first byte",
        file="files.py",
        old="os.fchmod(out.fileno(), mode)",
        new="os.fchmod(out.fileno(), 0o644)",
        test="tests/unit/test_files.py::test_a_file_is_0600_whatever_the_umask",
    ),
    Mutant(
        name="the etcd authority's key stands in metadata",
        rule="no private key in the clear",
        file="perform/handover.py",
        old='"leaves": leaves})',
        new='"leaves": leaves, "more": keys.etcd.key})',
        test="tests/e2e/test_no_secret_leaves.py::test_no_private_key_is_in_metadata_labels_descriptions_or_output",
    ),
    Mutant(
        name="etcd's certificate names no address",
        rule="peers dial each other by address",
        file="leaves.py",
        old="alternatives=own,",
        new="alternatives=(),",
        test="tests/unit/test_pki.py::test_each_leaf_says_what_the_protocols_table_says",
    ),
    Mutant(
        name="a .env that others can write is believed",
        rule="a .env is ours alone or nobody's",
        file="dotenv_file.py",
        old="if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):",
        new="if status.st_mode & stat.S_IWOTH & stat.S_IWGRP:",
        test="tests/unit/test_dotenv_file.py::test_a_file_that_others_can_write_is_refused",
    ),
    # ---- wishes
    Mutant(
        name="a trailing newline is taken off",
        rule="a name fits whole or not at all",
        file="setting_sources.py",
        old="text = text.strip() if kind.trimmed else text",
        new="text = text.strip()",
        test="tests/unit/test_settings.py::test_an_unclear_value_is_a_problem_that_names_variable_and_example",
    ),
    Mutant(
        name="what is not exactly false is true",
        rule="neither true nor false is refused",
        file="setting_kinds.py",
        old='    raise ValueError("is neither true nor false (true, false, 1, 0, yes, no)")',
        new="    return True",
        test="tests/unit/test_hostile_settings.py::test_the_table_by_hand_is_refused_or_means_what_it_says",
    ),
    Mutant(
        name="False with a capital deletes the nodes",
        rule="switches are read whatever their case",
        file="setting_kinds.py",
        old="    if word in _FALSE:\n        return False",
        new="    if word in _FALSE:\n        return text != word",
        test="tests/unit/test_hostile_settings.py::test_twenty_thousand_drawn_environments",
    ),
    Mutant(
        name="a home that is a file is a bug",
        rule="an environment that cannot work is said to be wrong",
        file="files.py",
        old='        return f"{_shown(place)} is not a folder"\n',
        new='        return ""\n',
        test="tests/unit/test_files.py::test_a_home_that_cannot_become_a_folder_is_told_by_its_reason",
    ),
    Mutant(
        name="a zone without a master means any master",
        rule="an empty choice is an error",
        file="plan/resolve.py",
        old="in_zone = [r for r in seen.replicas if r.zone == intent.zone]\n    if",
        new="in_zone = list(seen.replicas)\n    if",
        test=_PLAN + "test_wishes_that_cannot_be",
    ),
    Mutant(
        name="an interrupted removal chooses anew",
        rule="the target was made absolute",
        file="plan/resolve.py",
        old="if unfinished is not None and _is_resumed(intent, unfinished):",
        new="if False:",
        test=_PLAN + "test_a_removal_cut_short_keeps_its_victim",
    ),
    Mutant(
        name="a lost zone loses nobody",
        rule="a forecast is of what would be",
        file="whatif_worlds.py",
        old="fresh=False",
        new="fresh=True",
        test="tests/unit/test_whatif.py::test_what_would_be",
    ),
    # ---- the lock
    Mutant(
        name="whoever has the holder's name holds the lock",
        rule="the nonce is the holder",
        file="lock.py",
        old="there.nonce != self.lock.nonce",
        new="there.holder != self.lock.holder",
        test=_LOCK + "test_two_runs_of_one_person_on_one_machine_are_told_apart",
    ),
    Mutant(
        name="the lock ends by the laptop's clock",
        rule="the API's clock counts",
        file="lock.py",
        old="    now = place.gateway.server_time()\n",
        new="    now = place.clock.now()\n",
        test=_LOCK + "test_a_machine_whose_clock_is_wrong_takes_no_lock_that_holds",
    ),
    Mutant(
        name="a long run lets its lock run out",
        rule="the lock is renewed",
        file="lock.py",
        old="TTL.total_seconds() / 3:",
        new="TTL.total_seconds() * 3:",
        test=_LOCK + "test_a_long_run_renews_its_lock",
    ),
    Mutant(
        name="steps begin without a look at the lock",
        rule="no step without the lock",
        file="perform/performer.py",
        old="    context.lock.keep()\n",
        new="",
        test="tests/unit/test_perform_under_lock.py::test_a_run_that_lost_its_lock_changes_nothing_more",
    ),
    # ---- a run's course
    Mutant(
        name="a window that failed stays open",
        rule="a window is closed or rolled back",
        file="perform/endpoint.py",
        old="    take_back()\n",
        new="",
        test="tests/e2e/test_signals.py::test_a_window_that_cannot_be_completed_is_rolled_back",
    ),
    Mutant(
        name="the address is released at once",
        rule="the address goes last: it is the lock",
        file="plan/teardown.py",
        old='draft.add("release-address", step, after=draft.keys)',
        new='draft.add("release-address", step)',
        test=_PLAN + "test_the_address_is_released_last",
    ),
    Mutant(
        name="steps are begun after a failure",
        rule="after a failure nothing new begins",
        file="execute.py",
        old="if not failures and not stop.is_set():",
        new="if not stop.is_set():",
        test="tests/unit/test_execute.py::test_after_a_failure_nothing_new_begins_and_what_runs_may_end",
    ),
    Mutant(
        name="a silent founder is founded again",
        rule="who served once is never founded again",
        file="conditions.py",
        old="return replica.fresh and waits",
        new="return waits or not replica.fresh",
        test=_PLAN + "test_a_master_that_cannot_be_heard_is_never_founded_again",
    ),
    # ---- the tests themselves
    Mutant(
        name="a table of no questions passes",
        rule="a test that asks nothing fails",
        file="../tests/unit/test_quorum_table.py",
        old="TABLE = [q for voters in range(1, MOST_VOTERS + 1)",
        new="TABLE = [q for voters in range(1, 1)",
        test=_TABLE + "test_the_table_is_whole",
    ),
)
