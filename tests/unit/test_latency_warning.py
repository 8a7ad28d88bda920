"""A latency that a running lab does not have is said, when somebody asked for it."""

from hakube_gce.assemble import latency_warning
from hakube_gce.settings import Settings

AT_HOME = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator"}


def test_a_latency_of_no_effect_is_said() -> None:
    asked = Settings.parse({**AT_HOME, "HAKUBE_LATENCY": "realistic"})
    said = latency_warning(asked, "none", AT_HOME)
    assert "the lab runs with none" in said
    assert "bin/hakube emulator stop`" in said
    assert latency_warning(asked, "realistic", AT_HOME) == ""


def test_a_lab_of_any_latency_suits_who_asked_for_none() -> None:
    assert latency_warning(Settings.parse(AT_HOME), "realistic", AT_HOME) == ""
