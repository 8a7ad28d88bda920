"""The metadata server: what a VM asks about itself, and how it hears of a change.

One listening socket per VM on the VM's own address; which VM asks follows from the socket, not
from the caller. Google's is at 169.254.169.254:80, which takes root and a network namespace, so
guests are told by GCE_METADATA_HOST where this one is. As on Google's, nobody is asked who he is:
whoever reaches the address may read, and so no secret ever stands in metadata; the header that is
demanded keeps browsers and forwarded requests out. It says nothing about service accounts. One
path is the lab's own: who else of a master's cluster runs, for its hollow API server.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from urllib.parse import parse_qs, unquote, urlsplit

from hakube_gce.emulator.addresses import METADATA_PORT
from hakube_gce.emulator.calls import Json
from hakube_gce.emulator.hollow_keeper import NODES_PATH
from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.emulator.metadata_tree import Node, Page, find, is_folder, page, tree
from hakube_gce.emulator.runtime import VirtualMachine

_ROOT = "/computeMetadata/v1"
_HEAD_LIMIT_BYTES = 16 * 1024


Roster = Callable[[VirtualMachine], list[Json]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Request:
    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    keep_alive: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: HTTPStatus
    page: Page
    location: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class _Guest:
    """One VM as its metadata server knows it."""

    vm: VirtualMachine
    attributes: Mapping[str, str]
    roster: Roster
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set, and replaced by a fresh one, with every change."""
    server: asyncio.Server | None = None
    conversations: set[asyncio.Task[None]] = field(default_factory=set)

    def find(self, path: str) -> Node | None:
        """Return what stands at a path of a request."""
        if path == NODES_PATH:
            return json.dumps(self.roster(self.vm))
        return find(tree(self.vm, self.attributes), path.removeprefix(_ROOT))

    def stir(self) -> None:
        """Let whoever waits look again."""
        self.changed.set()
        self.changed = asyncio.Event()


class MetadataServer:
    """The metadata servers of all VMs of a lab, on one event loop."""

    def __init__(self, loop: LoopThread, *, roster: Roster = lambda _: []) -> None:
        """Serve on a loop; ``roster`` says who runs of the cluster that a VM is a master of."""
        self._loop = loop
        self._roster = roster
        self._guests: dict[str, _Guest] = {}

    def tell(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        """Replace a VM's attributes and wake whoever waits for a change."""
        self._loop.call(self._tell(vm, dict(attributes)))

    def stir(self) -> None:
        """Wake whoever waits: who runs has changed."""
        self._loop.post(self._stir)

    def open(self, vm: VirtualMachine) -> None:
        """Listen on the VM's address; returns once connections are accepted.

        Raises:
            OSError: The address and port are taken.
        """
        self._loop.call(self._open(vm))

    def close(self, vm_id: str) -> None:
        """Stop listening for a VM and cut its open connections; what it knows stays."""
        self._loop.call(self._close(vm_id))

    def close_all(self) -> None:
        """Stop listening for every VM."""
        for vm_id in tuple(self._guests):
            self.close(vm_id)

    async def _tell(self, vm: VirtualMachine, attributes: Mapping[str, str]) -> None:
        guest = self._guest(vm)
        guest.attributes = attributes
        guest.stir()

    def _stir(self) -> None:
        for guest in self._guests.values():
            guest.stir()

    async def _open(self, vm: VirtualMachine) -> None:
        guest = self._guest(vm)
        guest.vm = vm
        if guest.server is None:
            guest.server = await asyncio.start_server(
                lambda reader, writer: _welcome(guest, reader, writer),
                vm.internal_ip,
                METADATA_PORT,
                limit=_HEAD_LIMIT_BYTES,
            )

    async def _close(self, vm_id: str) -> None:
        guest = self._guests.get(vm_id)
        if guest is None or guest.server is None:
            return
        guest.server.close()
        guest.server = None
        for conversation in guest.conversations:
            conversation.cancel()
        await asyncio.gather(*guest.conversations, return_exceptions=True)

    def _guest(self, vm: VirtualMachine) -> _Guest:
        new = _Guest(vm=vm, attributes={}, roster=self._roster)
        return self._guests.setdefault(vm.id, new)


def _welcome(guest: _Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    conversation = asyncio.create_task(_converse(guest, reader, writer))
    guest.conversations.add(conversation)
    conversation.add_done_callback(guest.conversations.discard)


async def _converse(
    guest: _Guest, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while True:
            request = _understand(await reader.readuntil(b"\r\n\r\n"))
            writer.write(_write(await _answer(guest, request), keep_alive=request.keep_alive))
            await writer.drain()
            if not request.keep_alive:
                break
    except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        pass  # gone, or not HTTP: there is nobody to tell
    finally:
        writer.close()


def _understand(head: bytes) -> _Request:
    first, *rest = head.decode("latin-1").strip().split("\r\n")
    method, target, version = first.split(" ")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (h.partition(":") for h in rest)
    }
    url = urlsplit(target)
    if int(headers.get("content-length", "0")) or "transfer-encoding" in headers:
        msg = "a body, which nothing here takes"
        raise ValueError(msg)
    return _Request(
        method=method,
        path=unquote(url.path),
        query={name: values[-1] for name, values in parse_qs(url.query).items()},
        headers=headers,
        keep_alive=version == "HTTP/1.1" and headers.get("connection", "").lower() != "close",
    )


async def _answer(guest: _Guest, request: _Request) -> _Answer:
    refusal = _refusal(request)
    if refusal is not None:
        return refusal
    node = guest.find(request.path)
    if node is not None and request.query.get("wait_for_change", "").lower() == "true":
        try:
            node = await _await_change(guest, request)
        except ValueError as error:
            return _say(HTTPStatus.BAD_REQUEST, f"timeout_sec: {error}")
    if node is None:
        return _say(HTTPStatus.NOT_FOUND, f"{request.path} is not in this VM's metadata")
    if is_folder(node) and not request.path.endswith("/"):
        return _Answer(
            status=HTTPStatus.MOVED_PERMANENTLY, page=_text(""), location=f"{request.path}/"
        )
    return _Answer(status=HTTPStatus.OK, page=_page_for(node, request))


def _refusal(request: _Request) -> _Answer | None:
    if request.method != "GET":
        return _say(HTTPStatus.METHOD_NOT_ALLOWED, "only GET")
    if request.headers.get("metadata-flavor") != "Google":
        return _say(HTTPStatus.FORBIDDEN, "Missing Metadata-Flavor:Google header.")
    if "x-forwarded-for" in request.headers:
        return _say(HTTPStatus.FORBIDDEN, "forwarded requests are not answered")
    if not request.path.startswith(_ROOT + "/") and request.path != NODES_PATH:
        return _say(HTTPStatus.NOT_FOUND, f"everything is below {_ROOT}/")
    return None


async def _await_change(guest: _Guest, request: _Request) -> Node | None:
    """Wait until the page differs from the one the caller knows, or his time is up."""
    timeout_s = float(request.query["timeout_sec"]) if "timeout_sec" in request.query else None
    node = guest.find(request.path)
    known = request.query.get("last_etag") or _etag(node, request)
    try:
        async with asyncio.timeout(timeout_s):
            while node is not None and _etag(node, request) == known:
                await guest.changed.wait()
                node = guest.find(request.path)
    except TimeoutError:
        return node
    return node


def _etag(node: Node | None, request: _Request) -> str:
    return "" if node is None else _page_for(node, request).etag


def _page_for(node: Node, request: _Request) -> Page:
    wanted = request.query.get("alt")
    return page(
        node,
        recursive=request.query.get("recursive", "").lower() == "true",
        as_json=None if wanted is None else wanted == "json",
    )


def _say(status: HTTPStatus, text: str) -> _Answer:
    return _Answer(status=status, page=_text(f"{text}\n"))


def _text(body: str) -> Page:
    return Page(body=body, content_type="text/plain")


def _write(answer: _Answer, *, keep_alive: bool) -> bytes:
    body = answer.page.body.encode()
    lines = [
        f"HTTP/1.1 {answer.status.value} {answer.status.phrase}",
        "Metadata-Flavor: Google",
        "Server: Metadata Server for VM",
        f"Content-Type: {answer.page.content_type}",
        f"Content-Length: {len(body)}",
        f"ETag: {answer.page.etag}",
        f"Connection: {'keep-alive' if keep_alive else 'close'}",
        *([f"Location: {answer.location}"] if answer.location else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
