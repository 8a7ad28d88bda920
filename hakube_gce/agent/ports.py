"""The edges of the agent as its core sees them: values and Protocols.

The core runs unchanged over OpenSSL, etcd and systemd or child processes on a master, and over
in-memory stand-ins inside the emulator. Nothing here does anything.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from typing import Protocol

PEER_PORT = 2380
CLIENT_PORT = 2379


class Clock(Protocol):
    """Time, injected."""

    def now(self) -> datetime: ...
    def monotonic(self) -> float: ...
    def sleep(self, seconds: float) -> None: ...


class Storage(Protocol):
    """Files of one disk, by relative name."""

    def read(self, name: str) -> bytes | None:
        """Return a file's content, or None when there is no such file."""
        ...

    def write(self, name: str, content: bytes) -> None:
        """Replace a file in one move; it is 0600 from birth, its folder 0700."""
        ...

    def exists(self, name: str) -> bool:
        """Tell whether a file or folder is there."""
        ...

    def names(self, folder: str) -> tuple[str, ...]:
        """Return the names in a folder, sorted; none when there is no such folder."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file, or a folder with all in it; nothing happens when there is none."""
        ...

    def move(self, name: str, to: str) -> None:
        """Rename a file or folder; the new name must be free."""
        ...

    def copy(self, folder: str, to: str) -> None:
        """Copy a folder, which appears under its new name whole or not at all."""
        ...


class CryptoError(Exception):
    """A key, certificate or envelope does not fit."""


class Crypto(Protocol):
    """Keys and signatures; private keys never pass through here."""

    def make_keys(self, leaves: Sequence[str], *, subject: str) -> None:
        """Make the leaves' keys, the sealing key and its certificate, those that are missing."""
        ...

    def certificate_request(self, leaf: str) -> str:
        """Return a PEM certificate request signed by the leaf's key."""
        ...

    def sealing_certificate(self) -> str:
        """Return the self-signed PEM certificate others seal to."""
        ...

    def sign(self, payload: bytes) -> bytes:
        """Return a DER signature (ECDSA P-256, SHA-256) by the agent key."""
        ...

    def unseal(self, envelope: bytes) -> bytes:
        """Open an envelope sealed to this replica.

        Raises:
            CryptoError: It is damaged or sealed to somebody else.
        """
        ...

    def seal(self, secret: bytes, recipient: str) -> bytes:
        """Seal to a PEM certificate.

        Raises:
            CryptoError: The certificate cannot be sealed to.
        """
        ...

    def leaf_problem(self, leaf: str, certificate: str, authority: str) -> str:
        """Say why a PEM certificate is not good as this leaf; empty when it is.

        It must hold this replica's key for the leaf, chain to the PEM authority and be valid now.
        """
        ...

    def expires(self, certificate: str) -> datetime:
        """Return a PEM certificate's ``notAfter``, UTC."""
        ...


class Role(StrEnum):
    """Whether a member votes."""

    VOTER = "voter"
    LEARNER = "learner"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A member as an etcd lists it."""

    id: str
    """Lower-case hexadecimal."""
    name: str
    """Empty until the member has started for the first time."""
    peer_url: str
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdStatus:
    """What the local etcd says about itself."""

    cluster_id: str
    member_id: str
    leader_id: str
    """Empty when it knows of no leader."""
    role: Role
    term: int
    applied_index: int
    db_size_bytes: int
    version: str
    alarms: tuple[str, ...] = ()


class EtcdTrouble(Enum):
    """What etcd refuses or fails with, as far as it makes a difference here."""

    UNREACHABLE = auto()
    """No answer: whether a change was made is unknown."""
    TIMEOUT = auto()
    """No quorum in time: whether a change was made is unknown."""
    LEADER_CHANGED = auto()
    """Broken off by an election: whether a change was made is unknown."""
    UNHEALTHY_CLUSTER = auto()
    """A voter is down, or connected for less than five seconds."""
    NOT_IN_SYNC = auto()
    TOO_MANY_LEARNERS = auto()
    NOT_A_LEARNER = auto()
    MEMBER_NOT_FOUND = auto()
    PEER_URL_EXISTS = auto()
    NOT_ENOUGH_STARTED = auto()
    LEARNER_CANNOT = auto()
    """A learner does not serve this."""
    NO_LEADER = auto()
    NOT_LEADER = auto()
    BAD_TRANSFEREE = auto()
    OTHER = auto()


class EtcdError(Exception):
    """The local etcd refused or failed."""

    def __init__(self, trouble: EtcdTrouble, message: str) -> None:
        """Carry the kind of trouble and etcd's own words."""
        super().__init__(message)
        self.trouble = trouble
        self.message = message


class Etcd(Protocol):
    """The local etcd. There is no way to add a voter: members enter as learners only.

    Every method raises `EtcdError`.
    """

    def status(self) -> EtcdStatus:
        """Return what the local member knows, without asking the others."""
        ...

    def read_linearizable(self) -> None:
        """Read one key through the quorum; returning at all is the news."""
        ...

    def members(self) -> tuple[Member, ...]:
        """Return the list as of now: linearizable."""
        ...

    def members_locally(self) -> tuple[Member, ...]:
        """Return the list as the local member has it, possibly old."""
        ...

    def add_learner(self, peer_url: str) -> str:
        """Add a learner; return its id, lower-case hexadecimal."""
        ...

    def promote(self, member_id: str) -> None: ...
    def remove(self, member_id: str) -> None: ...
    def transfer_leadership(self, to: str) -> None: ...
    def prove_writable(self) -> None:
        """Write a key of ours and delete it again; returning at all is the news."""
        ...

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys that begin with a prefix: linearizable."""
        ...

    def delete(self, key: str) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class EtcdLaunch:
    """How the local etcd is to be started; ignored by etcd where its data already exists."""

    name: str
    token: str
    """The cluster's uid: a member of another cluster never fits."""
    state: str
    """``new`` for the founder, else ``existing``."""
    initial_cluster: Mapping[str, str]
    """Member name → peer URL, the own one included."""


class DatabaseError(Exception):
    """A database could not be saved, is damaged, or could not be restored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A verified copy of etcd's database on the data disk."""

    name: str
    """Its file's name, without the folder."""
    revision: int
    total_keys: int
    size_bytes: int
    hash: str
    """As etcd's tools compute it, hexadecimal."""


class Databases(Protocol):
    """etcd's whole database as a file of the data disk, by relative name.

    Every method raises `DatabaseError`.
    """

    def save(self, name: str) -> None:
        """Save what the local member has, whole or not at all; the file is 0600."""
        ...

    def verify(self, name: str) -> Saved:
        """Read a saved database from its first to its last byte."""
        ...

    def restore(self, name: str, into: str, launch: EtcdLaunch) -> bool:
        """Make an etcd data directory of a saved database: one member, a cluster id of its own.

        Returns:
            Whether revisions were bumped, so that watchers notice that history has changed.
        """
        ...


class EtcdState(Enum):
    """What became of the local etcd process."""

    STOPPED = auto()
    """Not meant to run."""
    RUNNING = auto()
    CRASHED = auto()
    """Ended by itself; started again after a pause."""
    REMOVED = auto()
    """Ended because the cluster removed it; never started again."""


class Services(Protocol):
    """etcd, the API server and the reachability listener on this master."""

    def start_etcd(self, launch: EtcdLaunch, *, alone: bool = False) -> None:
        """Keep etcd running from now on; no effect when it already is.

        ``alone`` makes it forget every other member, for good (``--force-new-cluster``).
        """
        ...

    def stop_etcd(self) -> None: ...
    def etcd_state(self) -> EtcdState: ...
    def start_apiserver(self) -> None:
        """Keep the API server running from now on; no effect when it already is."""
        ...

    def stop_apiserver(self) -> None: ...
    def apiserver_ready(self) -> bool:
        """Tell whether ``/readyz`` answers 200 under this replica's own certificate."""
        ...

    def apiserver_kind(self) -> str:
        """Return ``real`` or ``hollow``."""
        ...

    def open_reach(self, peer_urls: Sequence[str]) -> None:
        """Listen on the peer port until etcd starts, and tell callers which peers answer us."""
        ...

    def close_reach(self) -> None: ...


class PeerError(Exception):
    """A peer gave no usable answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """A newcomer's own words about whom it can reach."""

    replica: str
    uid: str
    """Uid of the cluster it means to join."""
    reached: frozenset[str]
    """Peer URLs that answered it over mutually verified TLS."""
    missed: Mapping[str, str]
    """Peer URL → why not."""


class Peers(Protocol):
    """Other masters, over mutually verified TLS on their peer ports."""

    def answers(self, peer_url: str) -> bool:
        """Tell whether a live etcd answers there now."""
        ...

    def listed(self, peer_url: str) -> tuple[Member, ...]:
        """Return the members as that peer knows them.

        Raises:
            PeerError: No usable answer.
        """
        ...

    def reach(self, peer_url: str) -> Reach:
        """Ask a waiting newcomer whom it reaches.

        An answer proves the way there, its content the way back.

        Raises:
            PeerError: No usable answer.
        """
        ...


class Serial(Protocol):
    """The second serial port."""

    def write(self, line: bytes) -> None:
        """Append one whole line."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All the edges of one agent."""

    clock: Clock
    root: Storage
    """The boot disk's folder: keys, certificates, state."""
    data: Storage
    """The data disk's folder: etcd's data and whose it is."""
    crypto: Crypto
    etcd: Etcd
    databases: Databases
    services: Services
    peers: Peers
    serial: Serial
