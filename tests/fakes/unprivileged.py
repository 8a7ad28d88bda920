"""Runs a command as somebody whom file permissions hold back, even where the tests run as root.

Root without the two capabilities that override permissions is a user like any other, who owns
root's files: nothing else about the machine changes, and every interpreter stays in reach.
"""

import os
import shutil

import pytest

_HELD_BACK = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-all")


def held_back() -> tuple[str, ...]:
    """Return what to put in front of a command; skips the test where that cannot be had."""
    if os.geteuid():
        return ()
    if shutil.which(_HELD_BACK[0]) is None:
        pytest.skip("root may write anywhere, and there is no setpriv to hold it back")
    return _HELD_BACK
