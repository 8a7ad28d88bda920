"""What a variable's text may be, where it is about files and folders. Pure: it looks at none."""

from hakube_gce import setting_kinds as kinds
from hakube_gce.setting_kinds import Kind


def path(text: str) -> str:
    """Read a path that means the same from every folder."""
    if text.startswith(("/", "~/")):
        return text
    raise ValueError("is not an absolute path (or one that begins with ~/)")


def latency(text: str) -> str:
    """Read the emulator's latency: a word, or where a profile stands."""
    if text in {"none", "realistic"}:
        return text
    try:
        return path(text)
    except ValueError:
        raise ValueError("is neither none, realistic nor the absolute path of a profile") from None


PATH = Kind(says="an absolute path", parse=path, max_length=4096, ascii_only=False)
ENV_FILE = Kind(says="a path, or off", parse=kinds.any_text, max_length=4096, ascii_only=False)
PATH_LIST = Kind(
    says="paths with colons between", parse=kinds.any_text, max_length=32768, ascii_only=False
)
LATENCY = Kind(says="none, realistic or a path", parse=latency, max_length=4096, ascii_only=False)
