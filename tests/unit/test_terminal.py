"""What was asked for is delivered or missed; who has gone away is no mistake of ours."""

import errno
import io

import pytest

from hakube_gce.errors import OutputLost
from hakube_gce.terminal import deliver


class _Broken(io.StringIO):
    """A stream that takes nothing."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self._error = OSError(number, "as the test wants it")

    def write(self, text: str, /) -> int:
        del text
        raise self._error


def test_what_was_asked_for_is_written_as_a_line() -> None:
    stream = io.StringIO()
    deliver("a", stream)
    assert stream.getvalue() == "a\n"


def test_a_reader_that_has_seen_enough_is_no_mistake() -> None:
    deliver("a", _Broken(errno.EPIPE))


def test_half_of_it_is_a_loss_where_all_is_needed() -> None:
    with pytest.raises(OutputLost):
        deliver("a", _Broken(errno.EPIPE), whole=True)


@pytest.mark.parametrize("whole", [False, True])
def test_a_full_disk_is_a_loss(*, whole: bool) -> None:
    with pytest.raises(OutputLost, match="as the test wants it"):
        deliver("a", _Broken(errno.ENOSPC), whole=whole)
