"""A lab whose disk is full: its time goes on when there is room, and its process always ends."""

import threading
from pathlib import Path

import pytest

from hakube_gce.clock import SystemClock
from hakube_gce.emulator.background import Background
from hakube_gce.emulator.lab import STATE_FILE, Lab
from hakube_gce.emulator.latency import profile
from hakube_gce.emulator.server import serve
from hakube_gce.emulator.state_file import StateFile
from tests.contract.emulator_bench import ZONE, bench
from tests.contract.test_emulator_server import eventually
from tests.fakes.fake_runtime import FakeRuntime

DISK = {"name": "d", "sizeGb": "10"}


def ended(home: Path) -> bool:
    """Tell whether a disk's operation is written down as done."""
    kept = StateFile(home / STATE_FILE).load().operations.values()
    return bool(kept) and all(operation.ended for operation in kept)


def test_what_could_not_be_kept_is_kept_once_there_is_room(tmp_path: Path) -> None:
    home, away = tmp_path / "lab", tmp_path / "away"
    home.mkdir()
    with bench(latency=profile("realistic"), home=home) as lab:
        lab.start("POST", f"{ZONE}/disks", DISK)
        lab.clock.advance(60)
        home.rename(away)
        with pytest.raises(OSError, match=STATE_FILE), lab.lab.changed:
            lab.lab.tick()
        away.rename(home)
        assert not ended(home)
        with lab.lab.changed:
            lab.lab.tick()
        assert ended(home)


def test_the_lab_s_time_outlives_a_full_disk(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home, away = tmp_path / "lab", tmp_path / "away"
    home.mkdir()
    with bench(latency=profile("realistic"), home=home) as lab:
        lab.start("POST", f"{ZONE}/disks", DISK)
        lab.clock.advance(60)
        home.rename(away)
        background = Background(lab.lab)
        background.start()
        try:
            assert eventually(lambda: "keeping time failed" in caplog.text)
            away.rename(home)
            assert eventually(lambda: ended(home))
        finally:
            background.stop()


def test_a_lab_that_cannot_be_written_down_ends_all_the_same() -> None:
    before = set(threading.enumerate())
    runtime = FakeRuntime()
    lab = Lab(runtime=runtime, clock=SystemClock(), latency=profile("none"))
    runtime.full = True
    with pytest.raises(OSError, match="no room"), serve(lab):
        assert set(threading.enumerate()) - before
    assert set(threading.enumerate()) <= before
