"""One asyncio loop in one daemon thread, for the emulator's many sockets.

The rest of the emulator is threads and plain calls; this is the door between the two. Nothing here
knows what the sockets are for.
"""

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

_Answer = TypeVar("_Answer")


class LoopThread:
    """A running event loop that other threads hand work to."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, _Answer], *, timeout_s: float = 30.0) -> _Answer:
        """Run a coroutine on the loop and return what it returns, or raise what it raises.

        Not to be called from the loop's own thread: it would wait for itself.
        """
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def post(self, work: Callable[[], None]) -> None:
        """Have something done on the loop soon, and do not wait for it."""
        self._loop.call_soon_threadsafe(work)

    def close(self) -> None:
        """Cancel all that runs, end the thread, close the loop; a second time does nothing."""
        if self._loop.is_closed():
            return
        self.call(_cancel_all())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.sleep(0)  # transports that were aborted close their sockets one turn later
