"""What the gateway repeats, what it never repeats, and what it makes of a lost answer.

Against a scripted loopback server: every request is seen as it arrives, and time is the
test's own.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from hakube_gce.errors import (
    GatewayError,
    Locked,
    PermissionMissing,
    QuotaExceeded,
    RequestInvalid,
    ResourceConflict,
    ResourceInUse,
    ResourceNotFound,
    StaleFingerprint,
    Unavailable,
    ZoneExhausted,
)
from hakube_gce.gce import connect
from hakube_gce.gce.gateway import GoogleCompute
from hakube_gce.resources import RuleTarget, TargetKind
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_api import (
    CUT,
    Answer,
    ScriptedApi,
    operation,
    refusal,
    scripted_api,
)

REQUEST_ID = "6f6ce8cc-3f2a-4c55-9d0c-6ac0f2f3a001"
MARK = "cluster=kubernetes,uid=0123456789abcdef,operation=aaaabbbbcccc"
REGION = "europe-west1"
ZONE = "europe-west1-b"
IN_USE = "Specified IP address is in-use and would result in a conflict."


@pytest.fixture
def api() -> Iterator[ScriptedApi]:
    with scripted_api() as running:
        yield running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@contextmanager
def opened(url: str, clock: FakeClock, budget_s: float = 300.0) -> Iterator[GoogleCompute]:
    rng = random.Random(1)  # noqa: S311 - spreads pauses, hides nothing
    gateway = connect("p", endpoint=url, clock=clock, rng=rng, retry_budget_s=budget_s)
    try:
        yield gateway
    finally:
        gateway.close()


@pytest.fixture
def gateway(api: ScriptedApi, clock: FakeClock) -> Iterator[GoogleCompute]:
    with opened(api.url, clock) as built:
        yield built


def insert_address(gateway: GoogleCompute) -> None:
    gateway.insert_address(REGION, "kubernetes-master-ip", description=MARK, request_id=REQUEST_ID)


def standing_address(description: str, status: str = "RESERVED") -> Answer:
    return Answer(
        body={
            "name": "kubernetes-master-ip",
            "address": "203.0.113.5",
            "description": description,
            "status": status,
        }
    )


# ------------------------------------------------------------------------------ what is repeated


PASSING = {
    "503": refusal(503, "backendError"),
    "500": refusal(500, "internalError"),
    "502, not even JSON": Answer(status=502, body=b"<html>Bad Gateway</html>"),
    "504, no reason": Answer(status=504, body={}),
    "429": refusal(429, "rateLimitExceeded"),
    "429, no reason": Answer(status=429, body={}),
    "403 rate limit": refusal(403, "rateLimitExceeded"),
    "403 user rate limit": refusal(403, "userRateLimitExceeded"),
    "403 concurrency": refusal(403, "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED"),
    "reset": CUT,
    "half an answer": Answer(body={"status": "DONE"}, truncated=True),
    "a captive portal": Answer(body=b"<html>Log in to the hotel's network</html>"),
}


@pytest.mark.parametrize("trouble", PASSING.values(), ids=PASSING.keys())
def test_passing_trouble_is_repeated_under_the_same_request_id(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock, trouble: Answer
) -> None:
    api.will(trouble, trouble, operation())
    insert_address(gateway)
    assert [asked.request_id for asked in api.asked] == [REQUEST_ID] * 3
    assert len(clock.naps) == 2


def test_a_concurrency_limit_is_known_by_its_detail_though_its_reason_says_quota(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    error = {
        "code": 403,
        "message": "Quota exceeded for quota metric 'Concurrent operations'",
        "errors": [{"reason": "quotaExceeded", "message": "quota"}],
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "CONCURRENT_OPERATIONS_QUOTA_EXCEEDED",
            }
        ],
    }
    api.will(Answer(status=403, body={"error": error}), operation())
    insert_address(gateway)
    assert len(api.asked) == 2


LASTING = [
    (403, "quotaExceeded", "no", QuotaExceeded),
    (403, "forbidden", "no", PermissionMissing),
    (401, "authError", "no", PermissionMissing),
    (404, "notFound", "no", ResourceNotFound),
    (409, "alreadyExists", "no", ResourceConflict),
    (412, "conditionNotMet", "no", StaleFingerprint),
    (400, "invalid", "no", RequestInvalid),
    (400, "resourceInUseByAnotherResource", "no", ResourceInUse),
    (400, "invalid", IN_USE, ResourceInUse),
    (503, "ZONE_RESOURCE_POOL_EXHAUSTED", "no", ZoneExhausted),
    (501, "notImplemented", "no", RequestInvalid),
    (400, "resourceNotReady", "no", Unavailable),
]


@pytest.mark.parametrize(("status", "reason", "text", "error"), LASTING)
def test_a_plain_no_is_never_repeated(  # noqa: PLR0917 - fixtures and a table's columns
    api: ScriptedApi,
    gateway: GoogleCompute,
    clock: FakeClock,
    status: int,
    reason: str,
    text: str,
    error: type[GatewayError],
) -> None:
    api.will(refusal(status, reason, text))
    with pytest.raises(error) as caught:
        insert_address(gateway)
    assert type(caught.value) is error
    assert caught.value.resource == f"regions/{REGION}/addresses/kubernetes-master-ip"
    assert (len(api.asked), clock.naps) == (1, ())


def test_a_change_is_asked_for_anew_before_it_is_sent_again(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    """Hours may lie between two attempts: whoever asks may have no right any more."""
    asked: list[int] = []

    def once() -> None:
        asked.append(len(api.asked))
        if len(asked) > 1:
            raise Locked("lost")

    api.will(CUT)
    with pytest.raises(Locked):
        insert_address(gateway.guarded(once))
    assert asked == [0, 1]
    assert len(api.asked) == 1, "nothing was sent after that"


def test_who_only_reads_is_asked_nothing(api: ScriptedApi, gateway: GoogleCompute) -> None:
    def never() -> None:
        raise AssertionError("it was asked")

    api.will(standing_address(MARK))
    assert gateway.guarded(never).find_address(REGION, "kubernetes-master-ip")


def test_a_read_is_repeated_too(api: ScriptedApi, gateway: GoogleCompute) -> None:
    api.will(refusal(503, "backendError"), standing_address(MARK))
    found = gateway.find_address(REGION, "kubernetes-master-ip")
    assert found is not None
    assert found.description == MARK


def test_a_list_is_read_to_its_last_page(api: ScriptedApi, gateway: GoogleCompute) -> None:
    first = {"items": [{"name": "b"}], "nextPageToken": "there"}
    api.will(Answer(body=first), CUT, Answer(body={"items": [{"name": "a"}]}))
    assert gateway.zone_names() == ("a", "b")
    assert [asked.query.get("pageToken") for asked in api.asked] == [None, "there", "there"]


# ------------------------------------------------------------------------------ how it is paced


def test_a_storm_ends_within_the_budget_and_says_how_long_it_tried(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    api.will(*[refusal(503, "backendError", "overloaded")] * 200)
    with pytest.raises(Unavailable) as caught:
        insert_address(gateway)
    spent = sum(clock.naps)
    assert 250 < spent <= 300
    assert max(clock.naps) <= 32
    assert f"{len(api.asked)} attempts in {spent:.0f} s" in caught.value.message
    assert "overloaded" in caught.value.message
    assert caught.value.exit_status == 9
    api.forget()


def test_pauses_grow_and_are_spread(api: ScriptedApi, clock: FakeClock) -> None:
    api.will(*[refusal(503, "backendError")] * 6, operation())
    with opened(api.url, clock) as gateway:
        insert_address(gateway)
    ceilings = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    shares = [nap / ceiling for nap, ceiling in zip(clock.naps, ceilings, strict=True)]
    assert all(0 <= share < 1 for share in shares)
    assert len(set(shares)) == 6


def test_what_the_server_asks_for_is_waited_for(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    api.will(refusal(429, "rateLimitExceeded", Retry_After="40"), operation())
    insert_address(gateway)
    assert 40 <= clock.naps[0] <= 41


def test_retry_after_may_be_a_date_by_the_servers_own_clock(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    dated = {
        "Date": "Wed, 21 Oct 2015 07:28:00 GMT",
        "Retry_After": "Wed, 21 Oct 2015 07:28:20 GMT",
    }
    api.will(refusal(503, "backendError", **dated), operation())
    insert_address(gateway)
    assert 20 <= clock.naps[0] <= 21


def test_a_pause_longer_than_the_budget_is_not_begun(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    api.will(refusal(503, "backendError", Retry_After="3600"))
    with pytest.raises(Unavailable):
        insert_address(gateway)
    assert clock.naps == ()


def test_the_budget_is_the_callers(api: ScriptedApi, clock: FakeClock) -> None:
    api.will(*[refusal(503, "backendError")] * 20)
    with opened(api.url, clock, budget_s=5) as gateway, pytest.raises(Unavailable):
        insert_address(gateway)
    assert sum(clock.naps) <= 5
    api.forget()


def test_nobody_on_this_machine_is_given_up_after_ten_seconds(clock: FakeClock) -> None:
    with scripted_api() as gone:
        url = gone.url
    with opened(url, clock) as gateway, pytest.raises(Unavailable) as caught:
        insert_address(gateway)
    assert 5 < sum(clock.naps) <= 10
    assert "hakube emulator status" in caught.value.hint
    assert "Connection refused" in caught.value.message


# ------------------------------------------------------------------------------ lost answers


@pytest.mark.parametrize("lost", [CUT, refusal(503, "backendError")], ids=["reset", "503"])
def test_an_insert_carried_out_unseen_is_recognised_by_its_mark(
    api: ScriptedApi, gateway: GoogleCompute, lost: Answer
) -> None:
    api.will(lost, refusal(409, "alreadyExists"), standing_address(MARK))
    insert_address(gateway)
    assert [asked.method for asked in api.asked] == ["POST", "POST", "GET"]


def test_an_insert_carried_out_unseen_is_waited_for(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    api.will(
        CUT,
        refusal(409, "alreadyExists"),
        standing_address(MARK, "RESERVING"),
        standing_address(MARK, "RESERVING"),
        standing_address(MARK),
    )
    insert_address(gateway)
    assert clock.naps[-2:] == (1.0, 1.0)


@pytest.mark.parametrize("mark", ["", "cluster=kubernetes,uid=0123456789abcdef,operation=other"])
def test_somebody_elses_resource_is_a_conflict_even_after_a_lost_answer(
    api: ScriptedApi, gateway: GoogleCompute, mark: str
) -> None:
    api.will(CUT, refusal(409, "alreadyExists"), standing_address(mark))
    with pytest.raises(ResourceConflict):
        insert_address(gateway)


def test_a_request_without_a_mark_recognises_nothing(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    api.will(CUT, refusal(409, "alreadyExists"), standing_address(""))
    with pytest.raises(ResourceConflict):
        gateway.insert_address(
            REGION, "kubernetes-master-ip", description="", request_id=REQUEST_ID
        )


def test_after_a_refusal_that_did_nothing_a_conflict_is_a_conflict(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    """A rate limit refuses before anything is done: what stands there was made by another call."""
    api.will(refusal(403, "rateLimitExceeded"), refusal(409, "alreadyExists"))
    with pytest.raises(ResourceConflict):
        insert_address(gateway)
    assert [asked.method for asked in api.asked] == ["POST", "POST"]


def test_a_marked_disk_is_recognised_by_its_labels(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    labels = {"hakube-cluster": "kubernetes", "hakube-operation": "aaaabbbbcccc"}
    disk = {"name": "d", "status": "READY", "labels": {**labels, "added-by": "somebody"}}
    api.will(CUT, refusal(409, "alreadyExists"), Answer(body=disk))
    gateway.insert_disk(
        ZONE, "d", size_gb=20, disk_type="pd-ssd", labels=labels, request_id=REQUEST_ID
    )
    api.will(
        CUT,
        refusal(409, "alreadyExists"),
        Answer(body={**disk, "labels": {"hakube-cluster": "kubernetes"}}),
    )
    with pytest.raises(ResourceConflict):
        gateway.insert_disk(
            ZONE, "d", size_gb=20, disk_type="pd-ssd", labels=labels, request_id=REQUEST_ID
        )


def test_a_delete_carried_out_unseen_is_success(api: ScriptedApi, gateway: GoogleCompute) -> None:
    api.will(CUT, refusal(404, "notFound"), refusal(404, "notFound"))
    gateway.delete_address(REGION, "kubernetes-master-ip", request_id=REQUEST_ID)


def test_deleting_what_was_never_there_is_not_found(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    api.will(refusal(404, "notFound"))
    with pytest.raises(ResourceNotFound):
        gateway.delete_address(REGION, "kubernetes-master-ip", request_id=REQUEST_ID)


@pytest.mark.parametrize(
    ("standing", "ours"), [({"lock": "mine"}, True), ({"lock": "theirs"}, False)]
)
def test_a_compare_and_set_with_a_lost_answer_is_judged_by_what_stands(
    api: ScriptedApi, gateway: GoogleCompute, standing: dict[str, str], ours: bool
) -> None:
    body = {"name": "kubernetes-master-ip", "labels": standing}
    api.will(CUT, refusal(412, "conditionNotMet"), Answer(body=body))

    def write() -> None:
        gateway.set_address_labels(
            REGION,
            "kubernetes-master-ip",
            labels={"lock": "mine"},
            fingerprint="abc=",
            request_id=REQUEST_ID,
        )

    if ours:
        write()
    else:
        with pytest.raises(StaleFingerprint):
            write()


# ------------------------------------------------------------------------------ operations


def test_an_operation_is_waited_for_where_it_lives(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    api.will(operation("RUNNING"), operation("RUNNING"), operation())
    gateway.delete_disk(ZONE, "d", request_id=REQUEST_ID)
    api.will(operation("PENDING"), operation())
    insert_address(gateway)
    api.will(operation("PENDING"), operation())
    gateway.networks.delete_firewall("kubernetes-master-https", request_id=REQUEST_ID)
    waits = [asked.path for asked in api.asked if asked.path.endswith("/wait")]
    assert waits == [
        f"projects/p/zones/{ZONE}/operations/op-1/wait",
        f"projects/p/zones/{ZONE}/operations/op-1/wait",
        f"projects/p/regions/{REGION}/operations/op-1/wait",
        "projects/p/global/operations/op-1/wait",
    ]


def test_a_wait_that_returns_at_once_does_not_become_a_busy_loop(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    api.will(operation("RUNNING"), operation("RUNNING"), operation("RUNNING"), operation())
    insert_address(gateway)
    assert clock.naps == (1.0, 1.0)


def test_an_operation_that_never_ends_is_left_after_ten_minutes(
    api: ScriptedApi, gateway: GoogleCompute, clock: FakeClock
) -> None:
    api.will(*[operation("RUNNING")] * 700)
    with pytest.raises(Unavailable, match="not done after 600 s") as caught:
        insert_address(gateway)
    assert f"regions/{REGION}/operations/op-1" in caught.value.message
    assert sum(clock.naps) == 600
    api.forget()


def test_a_wait_is_repeated_through_trouble(api: ScriptedApi, gateway: GoogleCompute) -> None:
    api.will(operation("RUNNING"), CUT, refusal(503, "backendError"), operation())
    insert_address(gateway)
    assert [asked.path.rpartition("/")[2] for asked in api.asked] == ["addresses"] + ["wait"] * 3


ENDINGS = [
    ("ZONE_RESOURCE_POOL_EXHAUSTED", 503, ZoneExhausted),
    ("ZONE_RESOURCE_POOL_EXHAUSTED_WITH_DETAILS", 503, ZoneExhausted),
    ("QUOTA_EXCEEDED", 403, QuotaExceeded),
    ("RESOURCE_IN_USE_BY_ANOTHER_RESOURCE", 400, ResourceInUse),
    ("RESOURCE_NOT_FOUND", 404, ResourceNotFound),
    ("RESOURCE_ALREADY_EXISTS", 409, ResourceConflict),
    ("PERMISSIONS_ERROR", 403, PermissionMissing),
    ("INVALID_FIELD_VALUE", 400, RequestInvalid),
    ("INTERNAL_ERROR", 500, Unavailable),
    ("ZONE_RESOURCE_POOL_EXHAUSTED", 0, ZoneExhausted),
]


@pytest.mark.parametrize(("code", "status", "error"), ENDINGS)
def test_an_accepted_operation_that_fails_is_an_error_and_is_not_sent_again(
    api: ScriptedApi,
    gateway: GoogleCompute,
    code: str,
    status: int,
    error: type[GatewayError],
) -> None:
    """Even without an HTTP status beside the error block, which the library takes for success."""
    block = {"errors": [{"code": code, "message": f"text of {code}"}]}
    failed: dict[str, Any] = {"error": block}
    if status:
        failed |= {"httpErrorStatusCode": status, "httpErrorMessage": "NO"}
    api.will(operation("RUNNING"), operation(**failed))
    with pytest.raises(error) as caught:
        gateway.delete_disk(ZONE, "d", request_id=REQUEST_ID)
    assert type(caught.value) is error
    assert f"text of {code}" in caught.value.message
    assert len(api.asked) == 2


def test_a_forgotten_operation_counts_as_done_when_the_resource_stands(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    api.will(operation("RUNNING"), refusal(404, "notFound"), standing_address(MARK))
    insert_address(gateway)


def test_a_forgotten_operation_whose_resource_is_missing_failed(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    api.will(operation("RUNNING"), refusal(404, "notFound"), refusal(404, "notFound"))
    with pytest.raises(Unavailable, match="the change did not happen"):
        insert_address(gateway)


# ------------------------------------------------------------------------------ staying here


def test_a_redirect_is_not_followed(api: ScriptedApi, clock: FakeClock) -> None:
    with scripted_api() as elsewhere, opened(api.url, clock, budget_s=1) as gateway:
        away = Answer(status=307, headers={"Location": f"{elsewhere.url}/compute/v1/x"})
        api.will(*[away] * 20)
        with pytest.raises(GatewayError):
            gateway.find_address(REGION, "kubernetes-master-ip")
        assert elsewhere.asked == ()
    api.forget()


def test_no_authorization_is_sent_to_an_endpoint(api: ScriptedApi, gateway: GoogleCompute) -> None:
    api.will(standing_address(MARK))
    gateway.find_address(REGION, "kubernetes-master-ip")
    assert "authorization" not in {name.lower() for name in api.asked[0].headers}
    assert api.asked[0].headers["User-Agent"].startswith("hakube-gce")


# ------------------------------------------------------------------------------ the server's clock


def test_the_servers_date_is_the_time(api: ScriptedApi, gateway: GoogleCompute) -> None:
    date = {"Date": "Wed, 21 Oct 2015 07:28:00 GMT"}
    api.will(refusal(503, "backendError"), Answer(body={"items": []}, headers=date))
    assert gateway.server_time() == datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    assert dict(api.asked[-1].query)["maxResults"] == "1"


def test_the_inventorys_time_is_not_after_what_it_tells(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    """A lock that was renewed while lists were read must not look expired."""
    api.will(Answer(headers={"Date": "Wed, 21 Oct 2015 07:28:00 GMT"}))
    api.will(*[Answer(headers={"Date": "Wed, 21 Oct 2015 07:29:00 GMT"})] * 16)
    seen = gateway.inventory(REGION)
    assert seen.server_time == datetime(2015, 10, 21, 7, 28, tzinfo=UTC)
    assert api.asked[0].path == "projects/p/zones"
    assert len({asked.path for asked in api.asked}) == 17


def test_a_backend_is_healthy_only_behind_every_rule(
    api: ScriptedApi, gateway: GoogleCompute
) -> None:
    """During a promotion two rules refer to the service, and each has its own verdict."""
    group = f"projects/p/zones/{ZONE}/instanceGroups/g"
    verdicts = [("a", "UNHEALTHY"), ("b", "HEALTHY"), ("a", "HEALTHY"), ("b", "HEALTHY")]
    statuses = [
        {"instance": f"projects/p/zones/{ZONE}/instances/{name}", "healthState": state}
        for name, state in verdicts
    ]
    api.will(Answer(body={"name": "s", "backends": [{"group": group}]}))
    api.will(Answer(body={"healthStatus": statuses}))
    assert gateway.balancers.backend_health(
        REGION, RuleTarget(kind=TargetKind.BACKEND_SERVICE, name="s")
    ) == {"a": "UNHEALTHY", "b": "HEALTHY"}
