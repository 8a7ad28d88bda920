"""Loopback addresses of one lab: a 127.N.0.0/16 that no other lab of this machine uses.

A lab holds its range by listening on a fixed port of 127.N.0.1 for as long as its daemon lives:
the kernel gives that socket to one process only, whoever it belongs to, and takes it back when the
process ends in any way. The number is remembered in the lab, so that a lab that starts again finds
its VMs' certificates still fitting their addresses. Every address of 127/8 can be bound on Linux
without configuration; elsewhere only 127.0.0.1 is there, and this refuses.
"""

import errno
import functools
import hashlib
import ipaddress
import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from hakube_gce.errors import SettingsError
from hakube_gce.files import make_private_folder, write_private

CLAIM_PORT = 8774
METADATA_PORT = 8775
ETCD_CLIENT_PORT = 2379
ETCD_PEER_PORT = 2380
API_PORTS = (443, 6443)
"""What the masters' API answers on: the first that this user may bind."""

_FIRST, _LAST = 16, 250  # 127.0/16 … 127.15/16 are where people and distributions put their own
_PER_BLOCK = 250
_BLOCKS = 125


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressRange:
    """The addresses 127.N.x.y of one lab.

    >>> lab = AddressRange(number=16)
    >>> lab.internal_ip(0), lab.internal_ip(250), lab.external_ip(0), lab.external_ip(251)
    ('127.16.1.2', '127.16.3.2', '127.16.2.2', '127.16.4.3')
    """

    number: int

    def internal_ip(self, index: int) -> str:
        """Return the index-th (from 0) address for VMs: the third number is odd."""
        return self._address(index, first_block=1)

    def external_ip(self, index: int) -> str:
        """Return the index-th (from 0) address for the outside: the third number is even."""
        return self._address(index, first_block=2)

    def holds(self, address: str) -> bool:
        """Tell whether an address lies in this range.

        >>> [AddressRange(number=16).holds(a) for a in ("127.16.1.2", "127.17.1.2", "")]
        [True, False, False]
        """
        return _lies_in(address, self.number)

    def _address(self, index: int, *, first_block: int) -> str:
        block, rest = divmod(index, _PER_BLOCK)
        if not 0 <= block < _BLOCKS:
            msg = f"a lab has {_PER_BLOCK * _BLOCKS} addresses of each kind, no number {index}"
            raise ValueError(msg)
        return f"127.{self.number}.{first_block + 2 * block}.{2 + rest}"


@functools.lru_cache(maxsize=1 << 14)
def _lies_in(address: str, number: int) -> bool:
    try:
        return ipaddress.IPv4Address(address) in ipaddress.IPv4Network(f"127.{number}.0.0/16")
    except ValueError:
        return False


class Claim:
    """A range held: nobody else gets it until `release`, or until this process ends."""

    def __init__(self, addresses: AddressRange, *, api_port: int, holder: socket.socket) -> None:
        self.addresses = addresses
        self.api_port = api_port
        self._holder = holder

    def release(self) -> None:
        self._holder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def claim(memory: Path) -> Claim:
    """Hold the range that a lab had before, or one that is free.

    Args:
        memory: The file that remembers range and API port; made when missing.

    Raises:
        SettingsError: The lab's range is held by somebody else, none is free, or a port that VMs
            need is taken on every loopback address.
    """
    remembered = _remembered(memory)
    if remembered is None:
        return _first_claim(memory)
    number, api_port = remembered
    holder = _hold(number)
    if holder is None:
        raise SettingsError(
            [
                f"the lab's addresses 127.{number}.0.0/16 are in use by another lab on this "
                f"machine: something listens on 127.{number}.0.1:{CLAIM_PORT} (who it is: "
                f"ss -ltnp 'src 127.{number}.0.1'). Stop that lab, or destroy this one: "
                "hakube emulator destroy"
            ]
        )
    return _checked(Claim(AddressRange(number=number), api_port=api_port, holder=holder))


def can_bind(address: str, port: int) -> bool:
    """Tell whether a listener could be opened on an address right now, by binding one."""
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((address, port))  # refused already while another listens there
        except OSError:
            return False
    return True


def _first_claim(memory: Path) -> Claim:
    count = _LAST - _FIRST + 1
    # where to begin follows from the folder, so that labs that are not running rarely share a
    # number
    begin = int(hashlib.sha256(str(memory.absolute()).encode()).hexdigest(), 16) % count
    for step in range(count):
        number = _FIRST + (begin + step) % count
        holder = _hold(number)
        if holder is not None and _is_haunted(number):
            holder.close()
        elif holder is not None:
            api_port = next(
                (p for p in API_PORTS if can_bind(f"127.{number}.2.1", p)), API_PORTS[-1]
            )
            held = _checked(Claim(AddressRange(number=number), api_port=api_port, holder=holder))
            _remember(memory, number, api_port)
            return held
    raise SettingsError(
        [
            f"no range 127.{_FIRST}.0.0/16 … 127.{_LAST}.0.0/16 is free: port {CLAIM_PORT} is "
            f"taken in each. Something listens on all addresses: ss -ltnp 'sport = :{CLAIM_PORT}'"
        ]
    )


def _checked(held: Claim) -> Claim:
    address = f"127.{held.addresses.number}.2.1"
    ports = (held.api_port, ETCD_CLIENT_PORT, ETCD_PEER_PORT, METADATA_PORT)
    problems = [
        f"the lab needs port {port} on its own loopback addresses and cannot open it on "
        f"{address}. Stop what listens on every address (ss -ltnp 'sport = :{port}'); for a "
        "port below 1024, run as the user who made the lab"
        for port in ports
        if not can_bind(address, port)
    ]
    if problems:
        held.release()
        raise SettingsError(problems)
    return held


def _is_haunted(number: int) -> bool:
    """Tell whether somebody listens in a range that nobody holds: VMs that outlived their lab."""
    end = f"{number:02X}7F"  # the kernel writes 127.N.x.y as yyxxNN7F, and LISTEN as 0A
    sockets = [line.split()[1:4] for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    places = [local.split(":") for local, _, state in sockets if state == "0A"]
    return any(a.endswith(end) and int(port, 16) != CLAIM_PORT for a, port in places)


def _hold(number: int) -> socket.socket | None:
    holder = socket.socket()
    try:
        holder.bind((f"127.{number}.0.1", CLAIM_PORT))
        holder.listen(1)
    except OSError as error:
        holder.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise SettingsError(
                [
                    f"127.{number}.0.1 is no address of this machine: the process runtime needs "
                    "Linux. Use the other one: HAKUBE_RUNTIME=records"
                ]
            ) from error
        return None
    return holder


def _remember(memory: Path, number: int, api_port: int) -> None:
    make_private_folder(memory.parent)
    content = {"schema": 1, "range": number, "api_port": api_port}
    write_private(memory, json.dumps(content).encode() + b"\n")


def _remembered(memory: Path) -> tuple[int, int] | None:
    try:
        content = json.loads(memory.read_bytes())
        number, api_port = int(content["range"]), int(content["api_port"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError([_unusable(memory)]) from error
    if not _FIRST <= number <= _LAST or api_port not in API_PORTS:
        raise SettingsError([_unusable(memory)])
    return number, api_port


def _unusable(memory: Path) -> str:
    return (
        f"{memory} does not say which addresses the lab has (range {_FIRST}…{_LAST}, api_port "
        f"{' or '.join(map(str, API_PORTS))}). Restore it, or: hakube emulator destroy"
    )
