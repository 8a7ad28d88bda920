"""Reads all keys with a prefix, page by page, at one revision."""

import base64
import ssl
from typing import Any

from tests.chaos.gateway import Gateway, encoded

PAGE = 2000
TIMEOUT_S = 20.0


def read_back(
    url: str, context: ssl.SSLContext, prefix: str, *, serializable: bool = False
) -> dict[str, str]:
    """Read every key and value that begins with a prefix, asking one member.

    Args:
        url: Whom to ask.
        context: And how.
        prefix: Not empty.
        serializable: Ask for what this member has applied, majority or not.

    Raises:
        NotDone: The member could not be asked.
        NoAnswer: The member did not answer.
    """
    gateway = Gateway(url, context, timeout_s=TIMEOUT_S)
    beyond = encoded(prefix[:-1] + chr(ord(prefix[-1]) + 1))
    question: dict[str, Any] = {
        "key": encoded(prefix),
        "range_end": beyond,
        "limit": PAGE,
        "serializable": serializable,
    }
    found: dict[str, str] = {}
    while True:
        answer = gateway.ask("kv/range", question)
        pairs = [(_text(p["key"]), _text(p.get("value", ""))) for p in answer.get("kvs", [])]
        found |= pairs
        if not answer.get("more"):
            gateway.close()
            return found
        question["key"] = encoded(pairs[-1][0] + "\0")
        question.setdefault("revision", answer["header"]["revision"])


def _text(encoded_text: str) -> str:
    return base64.b64decode(encoded_text).decode()
