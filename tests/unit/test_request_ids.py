"""A request's id: the same for the same request, and never again for another one."""

from types import SimpleNamespace
from typing import cast

from hakube_gce.model import Operation, Verb
from hakube_gce.perform.context import Context

REMOVAL = Operation(id="aaaaaaaaaaaa", verb=Verb.REMOVE, zone="z", target="kubernetes-master-7c1")


def context(*, epoch: int, operation: Operation = REMOVAL) -> Context:
    """A run with nothing but its lock's epoch and its operation: ids need no more."""
    nothing = SimpleNamespace()
    return Context(
        **dict.fromkeys(
            ("blueprint", "mark", "gateway", "channel", "probe", "clock", "put_off", "keys"),
            cast("None", nothing),
        ),  # type: ignore[arg-type]  # never looked at
        operation=operation,
        lock=cast("None", SimpleNamespace(epoch=epoch)),  # type: ignore[arg-type]  # as above
        observe=lambda: nothing,  # type: ignore[arg-type,return-value]  # as above
        say=lambda _: None,
        write_kubeconfig=lambda _, __: None,
        remove_kubeconfig=lambda _: None,
    )


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
