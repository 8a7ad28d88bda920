"""What there is to say about names that are set: misspelt, refused, ignored, without effect yet.

Pure. Values of variables that say nothing here are never shown: they may be secrets.
"""

from hakube_gce.misspellings import closest, is_injected
from hakube_gce.setting_sources import Reader, shown
from hakube_gce.variables import table

_OURS = "HAKUBE_"
_WARNED_ABOUT = (
    "KUBE", "ETCD", "ENABLE_ETCD", "MASTER", "SERVICE_CLUSTER", "NODE", "NUM",
    "CLUSTER_IP", "PREEMPTIBLE_", "CREATE_CUSTOM",
)  # fmt: skip

_NAMES = tuple(name for v in table.VARIABLES for name in (v.name, *v.aliases))
_OUR_NAMES = tuple(name for name in _NAMES if name.startswith(_OURS))
_ORIGINAL_NAMES = tuple(name for name in _NAMES if not name.startswith(_OURS))
_DECISIVE = tuple(v.name for v in table.VARIABLES if v.decisive)
_KNOWN = frozenset({*_NAMES, *(row.name for row in table.ROWS)})


def judge(reader: Reader) -> None:
    """Add what is to be said about all names to a reading's problems and notes."""
    _refused(reader)
    _unknown(reader)
    _ignored(reader)
    _pending(reader)


def _refused(reader: Reader) -> None:
    for row in table.REFUSED:
        text, _source = reader.text(row.name)
        if text.strip().lower() not in {"", "false", "0", "no"}:
            reader.problems.append(f"{row.name}={shown(text)}: {row.why}")


def _unknown(reader: Reader) -> None:
    """Note each variable that must be a misspelling, and each that may be."""
    for name in reader.names():
        if _is_known(name) or is_injected(name, reader.text(name)[0]):
            continue
        if problem := _misspelt(name):
            reader.problems.append(problem)
        elif name.upper().startswith(_WARNED_ABOUT) and (meant := _maybe(name)):
            note = f"{_plain(name)} is no variable of ours and was ignored; {meant} is"
            reader.notes.append(note)


def _maybe(name: str) -> str:
    """Give the original's variable that a name may be meant for: many begin with KUBE_GCE_."""
    with_gce = name.upper().replace("KUBE_", "KUBE_GCE_", 1)
    return closest(name, _ORIGINAL_NAMES) or closest(with_gce, _ORIGINAL_NAMES, slips=1)


def _ignored(reader: Reader) -> None:
    names = []
    for row in sorted(table.IGNORED, key=lambda row: row.name):
        text, source = reader.text(row.name)
        if text and not row.quiet:
            reader.sources[row.name] = source
            names.append(row.name)
    if names:
        listed = ", ".join(names)
        reader.notes.append(f"set, but without a meaning here, and ignored: {listed}")


def _pending(reader: Reader) -> None:
    """Say what was asked for and read, and does not come to pass yet."""
    waiting: dict[str, list[str]] = {}
    for row in table.VARIABLES:
        if row.pending and reader.sources.get(row.name, "") and reader.is_set(row):
            waiting.setdefault(row.pending, []).append(row.name)
    for reason, names in waiting.items():
        reader.notes.append(f"read, but without effect: {reason}: {', '.join(names)}")


def _is_known(name: str) -> bool:
    return name in _KNOWN or name.startswith(table.OUR_OWN_TESTS)


def _misspelt(name: str) -> str:
    # KUBE_HOME is two slips from HAKUBE_HOME and somebody else's: at ours, one counts.
    meant = closest(name, _DECISIVE) or closest(name, _OUR_NAMES, slips=1)
    if name.startswith(_OURS):
        meant = meant or closest(name, _OUR_NAMES, slips=4)
        return f"{_plain(name)}: there is no such variable{meant and f'; did you mean {meant}?'}"
    return (
        meant
        and f"{_plain(name)}: no variable of ours, but very close to {meant}; did you mean that?"
    )


def _plain(name: str) -> str:
    return ascii(name)[1:-1]
