"""A command line that cannot be parsed: usage for people, an object for programs that want one."""

import json

import pytest

from hakube_gce import cli


@pytest.mark.parametrize("asked", [["--output", "json"], ["--output=json"]])
@pytest.mark.parametrize("words", [["up", "--nope"], ["frob"], ["whatif", "--nope"]])
def test_a_program_gets_its_object_whatever_is_wrong(
    words: list[str], asked: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([*words, *asked])
    assert ended.value.code == 2
    printed = capsys.readouterr()
    found = json.loads(printed.out)
    assert (found["verb"], found["exit_status"], found["changed"]) == (words[0], 2, False)
    assert printed.err.startswith("usage: hakube")


def test_people_get_usage_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["up", "--nope"])
    assert not capsys.readouterr().out


def test_no_word_at_all_is_answered_with_usage(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([])
    assert ended.value.code == 2
    assert capsys.readouterr().err.startswith("usage: hakube")
