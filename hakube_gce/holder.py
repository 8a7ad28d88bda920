"""Who we are to a lock, and whether a holder of this very host is certainly gone.

A killed run leaves its lock behind. On another machine nobody can tell a dead holder from a slow
one, so there the lock has to expire. On the same host, in the same boot and the same process
namespace, a process id that is no longer alive proves it. Containers of one machine share the boot
id but not the process namespace, which is why that is part of the host's name.
"""

import getpass
import hashlib
import os
import socket
from pathlib import Path

from hakube_gce import marks
from hakube_gce.lock import Holder
from hakube_gce.model import Lock


def this_process() -> Holder:
    """Describe the running process."""
    pid = os.getpid()
    return Holder(
        name=marks.label_value(f"{_user()}-{socket.gethostname()}-{pid}"),
        host=_host(),
        pid=pid,
    )


def is_gone(lock: Lock) -> bool:
    """Tell whether a lock's holder was a process of this host that has ended."""
    if not lock.host or lock.host != _host() or lock.pid <= 0:
        return False
    try:
        os.kill(lock.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return _is_zombie(lock.pid)


def _is_zombie(pid: int) -> bool:
    """Tell whether a process has ended and only its parent has not noticed.

    In a container whose first process reaps nobody, a killed run stays one for ever.
    """
    # "4711 (any name) Z 1 …": the name may hold blanks and parentheses, the state follows the last
    return _read(f"/proc/{pid}/stat").rpartition(")")[2].split()[:1] in (["Z"], ["X"])


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an arbitrary uid in a container has no name
        return f"uid{os.getuid()}"


def _host() -> str:
    facts = [socket.gethostname(), _read("/proc/sys/kernel/random/boot_id"), _process_namespace()]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _process_namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
