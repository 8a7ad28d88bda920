"""The operator's copy of a cluster's keys, on this machine: a convenience, never the truth.

Losing it is harmless: a healthy master gives the keys back, sealed. So a store that is not whole,
or holds the keys of another cluster, counts as empty, with a word about why; nothing is guessed or
repaired. What is refused is a store that others can look into: that needs a person.
"""

import json
from collections.abc import Callable
from pathlib import Path

from hakube_gce.cluster_keys import UID, ClusterKeys, from_files, to_files
from hakube_gce.errors import KeysError
from hakube_gce.files import (
    check_private_folder,
    make_private_folder,
    read_private,
    write_private,
)

SCHEMA = 1


class KeyStore:
    """Keys under ``$HAKUBE_HOME/clusters/<project>_<prefix>/``, one file per cluster uid.

    A uid has a file of its own because the same names can live again, or in another region: saving
    the keys of one cluster must not destroy another's.
    """

    def __init__(self, folder: Path, *, warn: Callable[[str], None]) -> None:
        """Take the cluster's folder, which need not exist, and where to say what was odd."""
        self._folder = folder
        self._warn = warn

    def load(self, uid: str) -> ClusterKeys | None:
        """Return the keys of the cluster with this uid, or None when there are no usable ones.

        Raises:
            KeysError: The folder or the file is a link, belongs to somebody else, or is open to
                others.
        """
        path = self._path(uid)
        if not check_private_folder(self._folder):
            return None
        data = read_private(path)
        if data is None:
            return None
        try:
            return _parse(data, uid)
        except KeysError as error:
            self._warn(f"{path} is not used: {error.message}; the keys are taken from a master")
            return None

    def save(self, keys: ClusterKeys) -> None:
        """Store the keys, whole or not at all; what was stored under their uid is replaced.

        Raises:
            KeysError: The folder is not private, or could not be written.
        """
        path = self._path(keys.uid)
        content = {"schema": SCHEMA, "uid": keys.uid, "keys": to_files(keys)}
        try:
            make_private_folder(self._folder)
            check_private_folder(self._folder)
            write_private(path, json.dumps(content, indent=1).encode("ascii"))
        except OSError as error:
            raise KeysError(
                f"cannot write {path}: {error.strerror}",
                hint="set HAKUBE_HOME to a folder of yours that can be written",
            ) from error

    def remove(self, uid: str) -> None:
        """Delete the keys of the cluster with this uid; nothing happens when there are none."""
        self._path(uid).unlink(missing_ok=True)

    def _path(self, uid: str) -> Path:
        # the uid comes out of cloud metadata: it must not be able to name another folder
        if not UID.fullmatch(uid):
            raise KeysError(f"cluster uid {uid!r} is not 16 hexadecimal digits")
        return self._folder / f"keys-{uid}.json"


def _parse(data: bytes, uid: str) -> ClusterKeys:
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        raise KeysError("it is damaged") from None
    if not isinstance(content, dict) or content.get("schema") != SCHEMA:
        raise KeysError(f"it is not of schema {SCHEMA}")
    if content.get("uid") != uid:
        raise KeysError("it holds the keys of another cluster")
    files = content.get("keys")
    if not isinstance(files, dict):
        raise KeysError("it holds no keys")
    return from_files(files, uid=uid)
