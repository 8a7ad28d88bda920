"""How this program is started: from a checkout, or as an installed tool.

What we print as the next command must run where it is printed, and what `hakube shims` writes must
start this very program, whatever stands on somebody's PATH later. Looks at files alone; starts
nothing and writes nothing.
"""

import re
import shlex
import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from hakube_gce.errors import SettingsError

_CALLED = re.compile(
    r"(?<![-\w./])hakube (config|emulator|join-nodes|recover|replace|restore|scale|snapshot|status"
    r"|unlock|validate|whatif)\b"
)

_PACKAGE = Path(__file__).resolve().parent

# As -I, but for one thing: what `pip install --user` has installed must still be found.
_ISOLATED = ("-E", "-P")


def checkout(package: Path = _PACKAGE) -> Path | None:
    """Give the root of the checkout that a package lies in; None when it is installed."""
    root = package.parent
    scripts = ("bin/kube-up.sh", "bin/kube-down.sh", "scripts/lib/environment.bash")
    return root if all((root / script).is_file() for script in scripts) else None


def current_folder() -> Path:
    """Give the folder the user stands in.

    Raises:
        SettingsError: It was deleted.
    """
    try:
        return Path.cwd()
    except OSError:
        gone = "the current folder is gone; cd to one that is there, for example: cd /"
        raise SettingsError([gone]) from None


def here() -> Path:
    """Give the same for what is only printed: the root when the folder is gone."""
    try:
        return current_folder()
    except SettingsError:
        return Path("/")


def to_print(
    search_path: str,
    *,
    folder: Path,
    package: Path = _PACKAGE,
    python: Path = Path(sys.executable),
) -> tuple[str, str, str]:
    """Tell people how to run up, down and the rest.

    Args:
        search_path: Their PATH.
        folder: Where they stand.
        package: Where this package lies.
        python: What runs it.
    """
    root = checkout(package)
    if root is None:
        hakube = _installed(search_path, python)
        return f"{hakube} up", f"{hakube} down", hakube
    programs = [root / "bin/kube-up.sh", root / "bin/kube-down.sh", root / ".venv/bin/hakube"]
    near = root == folder
    up, down, rest = (shlex.quote(str(p.relative_to(root) if near else p)) for p in programs)
    return up, down, rest


def here_and_now(environment: Mapping[str, str]) -> tuple[str, str, str]:
    """Tell how this user, where they stand, runs up, down and the rest."""
    return to_print(environment.get("PATH", ""), folder=here())


def in_words(text: str, program: str) -> str:
    """Put the program as it is called here in the place of `hakube` before a verb, in a hint.

    >>> in_words("look at `hakube status`; run: hakube emulator stop", ".venv/bin/hakube")
    'look at `.venv/bin/hakube status`; run: .venv/bin/hakube emulator stop'
    >>> in_words("the hakube that made it", "x")
    'the hakube that made it'
    """
    return _CALLED.sub(lambda found: f"{program} {found.group(1)}", text)


def to_start(python: Path = Path(sys.executable)) -> Sequence[str]:
    """Give the words that start the program, from any folder and with any environment."""
    return (str(python), *_ISOLATED, "-m", _PACKAGE.name)


def _installed(search_path: str, python: Path) -> str:
    ours = python.with_name("hakube")
    if not ours.is_file():
        return shlex.join([str(python), "-m", _PACKAGE.name])
    found = shutil.which("hakube", path=search_path)
    on_path = found is not None and Path(found).resolve() == ours.resolve()
    return "hakube" if on_path else shlex.quote(str(ours))
