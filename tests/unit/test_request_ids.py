"""A request's id: the same for the same request, and never again for another one."""

from dataclasses import MISSING, fields
from types import SimpleNamespace
from typing import Any

from hakube_gce.model import Operation, Verb
from hakube_gce.perform.context import Context

REMOVAL = Operation(id="aaaaaaaaaaaa", verb=Verb.REMOVE, zone="z", target="kubernetes-master-7c1")


def context(*, epoch: int) -> Context:
    """A run with nothing but its lock's epoch and its operation: ids need no more."""
    needed = [
        f.name
        for f in fields(Context)
        if f.init and f.default is MISSING and f.default_factory is MISSING
    ]
    nothing: dict[str, Any] = dict.fromkeys(needed)
    lock = SimpleNamespace(epoch=epoch)
    return Context(**(nothing | {"operation": REMOVAL, "lock": lock}))


def test_a_resumed_run_never_gets_a_failed_requests_old_answer() -> None:
    first = context(epoch=1).request_id("delete-instance", "delete")
    resumed = context(epoch=2).request_id("delete-instance", "delete")
    assert first != resumed


def test_a_call_made_again_in_one_run_is_another_request() -> None:
    run = context(epoch=1)
    assert run.request_id("detach", "delete") != run.request_id("detach", "delete")


def test_the_same_run_told_again_has_the_same_ids() -> None:
    one, other = context(epoch=3), context(epoch=3)
    assert one.request_id("a", "b") == other.request_id("a", "b")
