"""Do all members hold the same data? By etcd's own hash of all keys and their histories."""

import ssl
from collections.abc import Sequence

from tests.chaos.gateway import Gateway

TIMEOUT_S = 20.0


def diverging(urls: Sequence[str], context: ssl.SSLContext) -> list[str]:
    """Compare members at the newest revision that all have; returns what differs from the first.

    Raises:
        NotDone: A member could not be asked.
        NoAnswer: A member did not answer.
    """
    members = [Gateway(url, context, timeout_s=TIMEOUT_S) for url in urls]
    for member in members:
        member.get("a read through the quorum")  # afterwards it has applied what was acknowledged
    newest = [int(m.ask("maintenance/status", {})["header"]["revision"]) for m in members]
    hashes = [m.ask("maintenance/hash", {"revision": str(min(newest))}) for m in members]
    for member in members:
        member.close()
    # The hash is of what stands above the last compaction: both are compared, and named.
    shown = [f"{h.get('hash')} above {h.get('compact_revision', 0)}" for h in hashes]
    return [
        f"{url}: {seen}, but {urls[0]}: {shown[0]} (revision {min(newest)})"
        for url, seen in zip(urls, shown, strict=True)
        if seen != shown[0]
    ]
