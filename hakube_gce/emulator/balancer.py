"""Leads connections to external addresses on to VMs: forwarding rules and external VM addresses.

A TCP relay on the lab's external loopback addresses. What it keeps of Google's passthrough
balancer: a new connection goes to a backend by a hash of the client's address and port, an open
one stays where it is, may drain when its backend leaves, and an address with nobody behind it
refuses. What it cannot keep: backends see the relay as the source, the external address is not
their destination, and a backend that calls its own balancer may reach another one. Of an external
VM address, which carries every port on Compute Engine, only the API's port is carried. Backends
are taken as told: health is judged elsewhere.
"""

import asyncio
import socket
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from hakube_gce.emulator.loop_thread import LoopThread
from hakube_gce.emulator.runtime import Route

_DIAL_TIMEOUT_S = 5.0
_FLUSH_TIMEOUT_S = 30.0
_CHUNK_BYTES = 64 * 1024
_BACKLOG = 1024

_Place = tuple[str, int]
"""Address and port."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Flow:
    """One client's connection and the backend it was given."""

    backend: str
    task: "asyncio.Task[None]"
    cut: asyncio.TimerHandle | None = None
    """When its backend has left: the end of its time."""

    def drain(self, seconds: float) -> None:
        if self.cut is None:
            self.cut = asyncio.get_running_loop().call_later(seconds, self.task.cancel)

    def keep(self) -> None:
        if self.cut is not None:
            self.cut.cancel()
            self.cut = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Frontend:
    """One external address and port."""

    place: _Place
    backends: Sequence[str] = ()
    listener: asyncio.Server | None = None
    flows: set[_Flow] = field(default_factory=set)


class Balancer:
    """All of a lab's ways in."""

    def __init__(self, loop: LoopThread, *, api_port: int) -> None:
        """Lead to ``api_port`` of the backends, whatever port was dialled, on ``loop``."""
        self._loop = loop
        self._api_port = api_port
        self._frontends: dict[_Place, _Frontend] = {}
        self._one_at_a_time = asyncio.Lock()

    def route(self, routes: Iterable[Route]) -> None:
        """Make these, and only these, the ways in; see `Runtime.route`.

        New listeners accept and removed ones refuse when this returns. Of two routes for one
        address and port the last one counts.

        Raises:
            OSError: An address and port cannot be opened; then nothing has changed.
        """
        wanted = {(r.address, r.port or self._api_port): r for r in routes}
        self._loop.call(self._route(wanted))

    def ports(self, address: str) -> tuple[int, ...]:
        """Return the ports of an address that accept connections now."""
        return self._loop.call(self._ports(address))

    def close(self) -> None:
        """Refuse and cut everything."""
        self.route(())

    async def _ports(self, address: str) -> tuple[int, ...]:
        return tuple(
            port
            for (host, port), frontend in self._frontends.items()
            if host == address and frontend.listener is not None
        )

    async def _route(self, wanted: Mapping[_Place, Route]) -> None:
        async with self._one_at_a_time:
            opened = await self._open_missing(wanted)
            for place in self._frontends.keys() - wanted.keys():
                await self._vanish(self._frontends.pop(place))
            self._frontends.update(opened)
            for place, route in wanted.items():
                await self._update(self._frontends[place], route)

    async def _open_missing(self, wanted: Mapping[_Place, Route]) -> Mapping[_Place, _Frontend]:
        """Open what does not listen yet and should: all of it or none."""
        new = {p: self._frontends.get(p) or _Frontend(place=p) for p in wanted}
        opened: list[_Frontend] = []
        try:
            for place, frontend in new.items():
                if frontend.listener is None and wanted[place].backends:
                    frontend.backends = wanted[place].backends  # the first client may come at once
                    frontend.listener = await self._listen(frontend)
                    opened.append(frontend)
        except OSError:
            for frontend in opened:
                _stop_listening(frontend)
            raise
        return new

    async def _listen(self, frontend: _Frontend) -> asyncio.Server:
        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            _begin(frontend, reader, writer, port=self._api_port)

        listener = _listening_socket(frontend.place)
        return await asyncio.start_server(
            accept, sock=listener, backlog=_BACKLOG, limit=_CHUNK_BYTES
        )

    async def _update(self, frontend: _Frontend, route: Route) -> None:
        frontend.backends = route.backends
        if not route.backends:
            _stop_listening(frontend)
        leaving = [flow for flow in frontend.flows if flow.backend not in route.backends]
        for flow in frontend.flows.difference(leaving):
            flow.keep()
        if route.drain_s > 0:
            for flow in leaving:
                flow.drain(route.drain_s)
        else:
            await _cut(leaving)

    async def _vanish(self, frontend: _Frontend) -> None:
        frontend.backends = ()
        _stop_listening(frontend)
        await _cut(list(frontend.flows))


def _listening_socket(place: _Place) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        address, port = place
        what = f"cannot open {address}:{port} for the lab: {error.strerror or error}"
        raise OSError(error.errno, what) from error
    return listener


def _stop_listening(frontend: _Frontend) -> None:
    if frontend.listener is not None:
        frontend.listener.close()
        frontend.listener = None


async def _cut(flows: Sequence[_Flow]) -> None:
    for flow in flows:
        flow.task.cancel()
    await asyncio.gather(*(flow.task for flow in flows), return_exceptions=True)


def _begin(
    frontend: _Frontend, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, port: int
) -> None:
    if not frontend.backends:
        writer.transport.abort()
        return
    backend = _pick(frontend.backends, writer.get_extra_info("peername"))
    task = asyncio.create_task(_carry(reader, writer, (backend, port)))
    flow = _Flow(backend=backend, task=task)
    frontend.flows.add(flow)

    def ended(_: object) -> None:
        flow.keep()
        frontend.flows.discard(flow)

    task.add_done_callback(ended)


def _pick(backends: Sequence[str], client: object) -> str:
    return backends[zlib.crc32(repr(client).encode()) % len(backends)]


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, backend: _Place
) -> None:
    """Relay both ways until both sides have said all they had, or one of them broke."""
    writers = [writer]
    try:
        async with asyncio.timeout(_DIAL_TIMEOUT_S):
            far_reader, far_writer = await asyncio.open_connection(*backend, limit=_CHUNK_BYTES)
        writers.append(far_writer)
        await _relay(reader, far_writer, far_reader, writer)
        async with asyncio.timeout(_FLUSH_TIMEOUT_S):
            for each in writers:
                each.close()
                await each.wait_closed()
    except (OSError, TimeoutError):
        pass  # a backend that refuses, or a side that broke: the client sees its connection break
    finally:
        for each in writers:
            each.transport.abort()


async def _relay(
    reader: asyncio.StreamReader,
    far_writer: asyncio.StreamWriter,
    far_reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    directions = [
        asyncio.create_task(_copy(reader, far_writer)),
        asyncio.create_task(_copy(far_reader, writer)),
    ]
    try:
        await asyncio.gather(*directions)
    finally:
        for direction in directions:
            direction.cancel()
        await asyncio.gather(*directions, return_exceptions=True)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(_CHUNK_BYTES):
        writer.write(data)
        await writer.drain()
    # half a connection may end while the other half goes on: TCP, and so the passthrough, allows
    # it
    writer.write_eof()
