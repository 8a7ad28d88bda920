"""Instance metadata and serial ports: the two ends of the channel between operator and master."""

import re

from hakube_gce.emulator.calls import Accepted, Call, Json
from hakube_gce.emulator.handlers import ZONE, Route, change, get
from hakube_gce.emulator.links import link
from hakube_gce.emulator.machines import virtual_machine
from hakube_gce.emulator.refusals import invalid
from hakube_gce.emulator.world import World, check_fingerprint, check_place, fingerprint

_KEY = re.compile(r"[a-zA-Z0-9_-]{1,128}", re.ASCII)
_VALUE_BYTES = 262_144
_TOTAL_BYTES = 524_288


def metadata_fields(wanted: Json) -> Json:
    """Return metadata as an instance shows it.

    Raises:
        Refusal: a malformed or repeated key, a value over 256 KiB, or all together over 512 KiB.
    """
    items = wanted.get("items") or []
    keys = [str(item.get("key")) for item in items]
    for number, key in enumerate(keys):
        field = f"resource.metadata.items[{number}].key"
        if not _KEY.fullmatch(key):
            raise invalid(field, key, f"Must be a match of regex '{_KEY.pattern}'")
        if key in keys[:number]:
            raise invalid(field, key, f"Metadata has duplicate key: {key}")
    _check_size(items)
    kept = [{"key": item["key"], "value": str(item.get("value", ""))} for item in items]
    shown: Json = {"kind": "compute#metadata", "fingerprint": fingerprint(kept)}
    return {**shown, "items": kept} if kept else shown


def _check_size(items: list[Json]) -> None:
    sizes = [len(str(item.get("value", "")).encode()) for item in items]
    for number, size in enumerate(sizes):
        if size > _VALUE_BYTES:
            field = f"resource.metadata.items[{number}].value"
            why = f"Value is too large: maximum size {_VALUE_BYTES}; actual size {size}."
            raise invalid(field, "…", why)
    total = sum(sizes) + sum(len(str(item["key"])) for item in items)
    if total > _TOTAL_BYTES:
        why = f"Metadata is too large: maximum size {_TOTAL_BYTES}; actual size {total}."
        raise invalid("resource.metadata", "…", why)


def _set_metadata(world: World, call: Call) -> Accepted:
    """Replace the whole set, and tell the guest at once: on accept, as the fingerprint is judged.

    Google applies it some time before the operation is done; when exactly is not documented [K].
    """
    check_place(call)
    path = call.path("instances", "instance")
    record = world.settled(path)
    check_fingerprint(call.body.get("fingerprint"), record["metadata"]["fingerprint"], "metadata")
    world.store.change(path, metadata=metadata_fields(call.body))
    return Accepted(target=path)


def _serial_output(world: World, call: Call) -> Json:
    check_place(call)
    path = call.path("instances", "instance")
    record = world.need(path)
    port, start = _number(call, "port", 1), _number(call, "start", 0)
    if not 1 <= port <= 4:
        raise invalid("port", port, "Must be between 1 and 4, inclusive.")
    written, dropped = b"", 0
    if record["status"] != "PROVISIONING":  # before that, no runtime has heard of it
        vm = virtual_machine(world.store, path, record)
        written = world.runtime.serial_output(vm, port)
        dropped = world.runtime.serial_offset(vm, port)
    end = dropped + len(written)
    # A negative start counts from the end; one before the window is moved to its first byte.
    first = min(max(end + start if start < 0 else start, dropped), end)
    contents = written[first - dropped :].decode("utf-8", errors="replace")
    return {
        "kind": "compute#serialPortOutput",
        "selfLink": link(f"{path}/serialPort"),
        "contents": contents,
        "start": str(first),
        "next": str(end),
    }


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name, str(default))
    try:
        return int(text)
    except ValueError as error:
        raise invalid(name, text, "Must be an integer.") from error


_INSTANCE = f"{ZONE}/instances/{{instance}}"

ROUTES: tuple[Route, ...] = (
    change("instances.setMetadata", f"POST {_INSTANCE}/setMetadata", _set_metadata),
    get("instances.getSerialPortOutput", f"{_INSTANCE}/serialPort", _serial_output),
)
