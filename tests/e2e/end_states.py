"""What is left of a run, brought into a form in which two runs can be compared.

Random parts (ids, times, fingerprints, keys, the three digits of a new master's name) are taken
out; everything else of every resource, of etcd's membership and of the operator's kubeconfig
stays.
"""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import yaml

_RANDOM = re.compile(
    r"id|targetId|source\w+Id|\w*[Ff]ingerprint|\w*Timestamp|hakube-lock-epoch|hakube-hash|"
    r"hakube-size"
)
"""Fields that no two runs share."""
_CONFIG = "hakube-config"


class Lab(Protocol):
    """A lab of records, as far as its state goes."""

    def dump(self) -> dict[str, Any]: ...
    def etcd(self) -> dict[str, dict[str, str]]: ...
    def disks_with_data(self) -> int: ...
    def serves(self, address: str) -> bool: ...


class Desk(Protocol):
    """An operator's machine."""

    @property
    def kubeconfig(self) -> Path: ...


def end_state(lab: Lab, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return all that a lab holds, comparable with another lab's.

    Args:
        lab: The lab, at rest.
        known: Its dump before the run: masters in it keep their names.
    """
    dump = lab.dump()
    state = {
        "resources": {path: _without_chance(record) for path, record in dump.items()},
        "etcd": lab.etcd(),
        "disks with data": lab.disks_with_data(),
        "served": {a: lab.serves(a) for a in _cluster_ips(dump)},
    }
    found: dict[str, Any] = json.loads(_anonymous(json.dumps(state), dump, known))
    return found


def differences(one: object, other: object, where: str = "") -> list[str]:
    """Name what differs between two end states, for people."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            line
            for key in sorted({*one, *other})
            for line in differences(one.get(key), other.get(key), f"{where}/{key}")
        ]
    return [] if one == other else [f"{where}: {json.dumps(one)}, now {json.dumps(other)}"]


def lock_and_operation(lab: Lab, address: str = "kubernetes-master-ip") -> dict[str, str]:
    """Return what the address says of a lock and of an unfinished operation."""
    records = lab.dump().items()
    found = [record for path, record in records if path.endswith(f"/addresses/{address}")]
    labels: dict[str, str] = found[0].get("labels", {}) if found else {}
    stay = {"hakube-lock-epoch", "hakube-network-project"}
    return {k: v for k, v in labels.items() if k not in stay}


def contexts(desk: Desk) -> dict[str, str]:
    """Return the clusters a kubeconfig knows and where they are."""
    if not desk.kubeconfig.exists():
        return {}
    found = yaml.safe_load(desk.kubeconfig.read_text(encoding="utf-8")) or {}
    return {c["name"]: c["cluster"]["server"] for c in found.get("clusters") or []}


def _without_chance(value: Any) -> Any:
    if isinstance(value, list):
        return [_without_chance(v) for v in value]
    if not isinstance(value, dict):
        return value
    if value.get("kind") == "compute#targetPool":  # who joined first means nothing
        value = {**value, "instances": sorted(value.get("instances", []))}
    if set(value) == {"key", "value"}:  # an entry of an instance's metadata
        return {"key": value["key"], "value": _metadata(value["key"], value["value"])}
    return {k: _without_chance(v) for k, v in value.items() if not _RANDOM.fullmatch(k)}


def _metadata(key: str, text: str) -> Any:
    if key != _CONFIG:
        return "…" if key.startswith("hakube-") else text
    return {k: v for k, v in json.loads(text).items() if k not in {"nonce", "uid"}}


def _cluster_ips(dump: Mapping[str, Any]) -> list[str]:
    return [r["address"] for r in dump.values() if r["kind"] == "compute#address"]


def _anonymous(text: str, dump: Mapping[str, Any], known: Mapping[str, Any]) -> str:
    masters = {path.rsplit("/", 1)[1].removesuffix("-pd") for path in known}
    for number, address in enumerate(_cluster_ips(dump)):
        text = re.sub(rf"\b{re.escape(address)}\b", f"CLUSTER-IP-{number}", text)
    text = re.sub(r"\b(203\.0\.113|198\.51\.100)\.\d+\b", "EXTERNAL-IP", text)
    for path, record in dump.items():
        if record["kind"] == "compute#instance" and path not in known:
            # who was made first among several at once is chance, and so is who got which address
            inside = record["networkInterfaces"][0]["networkIP"].replace(".", "[.-]")
            zone = path.split("/")[-3]
            text = re.sub(rf"\b{inside}\b", f"NEWCOMER-IN-{zone}", text)
    text = re.sub(r"-snapshot-[0-9]{14}-[0-9a-f]{3}\b", "-snapshot-NOW", text)
    text = re.sub(r"\b[0-9a-f]{16}\b", "UID", text)
    text = re.sub(r"\b[0-9a-f]{12}\b", "OPERATION", text)
    return re.sub(
        r"\b[a-z-]+-master-[0-9a-f]{3}\b(?![0-9a-z])",
        lambda found: found[0] if found[0] in masters else "NEWCOMER",
        text,
    )
