"""Copies of folders that stand for disks, for snapshots of them and disks made from snapshots.

A disk in use goes on being written while it is copied, and its files are copied one after another:
what comes of it is worth no more than what a power cut leaves. A copy appears in one move or not
at all.
"""

import contextlib
import secrets
import shutil
from pathlib import Path

from hakube_gce.files import make_private_folder


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder; no effect when the target is there. A source that is not there is empty.

    Raises:
        OSError: A file could be neither copied nor found gone meanwhile.
    """
    if target.exists():
        return
    draft = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    make_private_folder(draft)
    try:
        if source.exists():
            shutil.copytree(source, draft, copy_function=_copy_file, dirs_exist_ok=True)
            draft.chmod(0o700)  # copytree copies the mode too
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _copy_file(source: str, target: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # etcd renames and drops files as it goes
        shutil.copy2(source, target)
