"""The channel's receiving half: what is signed, what is read, who is obeyed."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from hakube_gce.agent.protocol import (
    Code,
    Fields,
    Request,
    RequestError,
    canonical,
    check_admission,
    format_time,
    parse_request,
    parse_time,
    signed_line,
)

NOW = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)
WELL_FORMED = {
    "schema": 1,
    "id": "ab" * 16,
    "verb": "admit",
    "instance_id": "4711",
    "epoch": 7,
    "expires": "2026-11-21T06:20:00Z",
    "args": {"name": "m2"},
}


def request(*, instance_id: str = "4711", epoch: int = 7, lasts_s: float = 60) -> Request:
    return Request(
        id="ab" * 16,
        verb="report",
        instance_id=instance_id,
        epoch=epoch,
        expires=NOW + timedelta(seconds=lasts_s),
        args={},
    )


def test_the_canonical_form_is_the_contracts() -> None:
    fields: Fields = {"b": "ü", "a": [1, True, None], "sig": "left out"}
    assert canonical(fields) == b'{"a":[1,true,null],"b":"\\u00fc"}'


def test_a_line_carries_the_signature_of_everything_else() -> None:
    seen: list[Fields] = []

    def sign(fields: Fields) -> str:
        seen.append(dict(fields))
        return "c2ln"

    line = signed_line({"hakube": 1, "type": "heartbeat"}, sign)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line) == {"hakube": 1, "type": "heartbeat", "sig": "c2ln"}
    assert seen == [{"hakube": 1, "type": "heartbeat"}]


def test_a_request_is_read_as_it_was_written() -> None:
    found = parse_request(json.dumps(WELL_FORMED))
    assert found == Request(
        id="ab" * 16,
        verb="admit",
        instance_id="4711",
        epoch=7,
        expires=datetime(2026, 11, 21, 6, 20, tzinfo=UTC),
        args={"name": "m2"},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"schema": 2},
        {"id": ""},
        {"id": 5},
        {"verb": None},
        {"instance_id": 4711},
        {"epoch": "7"},
        {"epoch": True},
        {"expires": "2026-11-21T06:20:00"},
        {"expires": "soon"},
        {"args": ["m2"]},
    ],
    ids=str,
)
def test_what_is_no_request_is_not_read_as_one(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_request(json.dumps(WELL_FORMED | change))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"request"'])
def test_what_is_no_object_is_not_read_either(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_request(text)


@pytest.mark.parametrize(
    "stale",
    [request(instance_id="4712"), request(epoch=6), request(lasts_s=0), request(lasts_s=-1)],
    ids=["other instance", "older epoch", "expires now", "expired"],
)
def test_a_stale_request_is_not_obeyed(stale: Request) -> None:
    with pytest.raises(RequestError) as caught:
        check_admission(stale, instance_id="4711", highest_epoch=7, now=NOW)
    assert caught.value.code is Code.STALE


@pytest.mark.parametrize("good", [request(), request(epoch=8), request(lasts_s=0.001)])
def test_a_request_in_order_is_obeyed(good: Request) -> None:
    check_admission(good, instance_id="4711", highest_epoch=7, now=NOW)


def test_times_are_written_in_utc_and_read_back() -> None:
    moment = datetime.fromisoformat("2026-11-21T07:20:00.25+01:00")
    assert format_time(moment) == "2026-11-21T06:20:00.250Z"
    assert parse_time(format_time(moment)) == moment
