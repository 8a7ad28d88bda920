"""New certificates for a running master: its keys and authorities stay, nothing is restarted."""

import datetime as dt
import json
from typing import Any

from tests.fakes.agent_operator import Operator
from tests.fakes.records_lab import RecordsLab, error, lab_of, members

LATER = dt.timedelta(days=300)


def renew(lab: RecordsLab, name: str, certificates: dict[str, Any]) -> dict[str, Any]:
    request = lab.operator.request("renew", lab.vms[name].id, {})
    return lab.send(name, request, **{"hakube-certificates": json.dumps(certificates)})


def renewed(lab: RecordsLab, name: str) -> dict[str, Any]:
    """Issue a master's certificates again."""
    address = lab.vms[name].internal_ip
    return lab.operator.certificates(lab.hello(name), name=name, address=address)


def years_go_by(lab: RecordsLab) -> None:
    """Come to a day when the certificates still hold, but not for long."""
    lab.clock.advance(LATER.total_seconds())
    lab.operator.now = lab.clock.now()


def test_new_certificates_are_used_and_nothing_is_restarted() -> None:
    lab = lab_of("m1", "m2")
    before = lab.heartbeat("m1")
    years_go_by(lab)
    answer = renew(lab, "m1", renewed(lab, "m1"))
    after = lab.heartbeat("m1")
    assert answer["result"] == {"certificates_expire": after["certificates_expire"]}
    assert before["certificates_expire"] < after["certificates_expire"]
    assert (after["phase"], after["etcd_healthy"]) == ("running", True)
    assert members(lab) == {"m1": "voter", "m2": "voter"}


def test_certificates_of_another_authority_are_refused() -> None:
    lab = lab_of("m1")
    stranger = Operator(now=lab.operator.now)
    issued = stranger.certificates(lab.hello("m1"), name="m1", address="10.0.0.2")
    code, message = error(renew(lab, "m1", issued))
    assert code == "refused"
    assert "is not this cluster's" in message


def test_certificates_for_another_masters_keys_are_not_taken() -> None:
    lab = lab_of("m1", "m2")
    before = lab.heartbeat("m1")["certificates_expire"]
    code, message = error(renew(lab, "m1", renewed(lab, "m2")))
    assert code == "failed"
    assert "does not fit" in message
    assert lab.heartbeat("m1")["certificates_expire"] == before


def test_a_master_without_certificates_has_nothing_to_renew() -> None:
    lab = RecordsLab()
    lab.insert("m1")
    assert error(renew(lab, "m1", renewed(lab, "m1")))[0] == "refused"
