"""Masters that Compute Engine takes, all at once, come back with the next kube-up."""

from tests.simulation.stories import B, Beginnings, C, founded, replicate, up


def test_preemptible_masters_that_were_all_taken_serve_again_after_kube_up(
    beginnings: Beginnings,
) -> None:
    scene = beginnings(0)
    for argv in ((*founded(B, ""), "PREEMPTIBLE_MASTER=true"), replicate(C)):
        assert scene.operator.alone(argv).status == 0
    masters = scene.cloud.masters()
    assert [r["scheduling"]["preemptible"] for _, r in masters] == [True, True]
    for path, _record in masters:
        scene.cloud.power("stop", path)
    scene.cloud.settle()
    assert not scene.cloud.cluster_ip_serves()
    assert scene.operator.alone(up(B)).status == 0
    assert scene.cloud.cluster_ip_serves()
