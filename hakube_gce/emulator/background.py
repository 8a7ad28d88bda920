"""The lab's two threads: one completes operations when they are due, one probes backends.

The prober looks from outside, like Google's: it holds the lab's lock to learn whom to ask and to
note what it heard, never while it asks. A runtime that computes its answers needs no prober.
"""

import logging
import threading
from concurrent.futures import ThreadPoolExecutor

from hakube_gce.emulator import health
from hakube_gce.emulator.health import Key, Target
from hakube_gce.emulator.lab import Lab

_LOG = logging.getLogger(__name__)
_IDLE_S = 0.2
"""How soon the prober notices that there is something to probe."""
_PROBES_AT_ONCE = 8
_AFTER_TROUBLE_S = 1.0
"""How soon time is kept again when it could not be: the disk may have room by then."""


class Background:
    """Runs a lab's threads between `start` and `stop`."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._stopped = threading.Event()
        self._next_probe: dict[Key, float] = {}
        self._threads = [threading.Thread(target=self._keep_time, name="operations")]
        if not lab.computes_health:
            self._threads.append(threading.Thread(target=self._probe_all, name="health"))

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End both threads; a probe under way is waited for."""
        self._stopped.set()
        with self._lab.changed:
            self._lab.changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _keep_time(self) -> None:
        lab = self._lab
        with lab.changed:
            while not self._stopped.is_set():
                lab.changed.wait(self._ticked())

    def _ticked(self) -> float | None:
        """Complete what is due; return how long to wait, None for until something changes."""
        lab = self._lab
        try:
            lab.tick()
        except Exception:  # noqa: BLE001 - one bad moment must not stop the lab's time
            _LOG.exception("keeping time failed")
            return _AFTER_TROUBLE_S
        due = lab.next_due()
        return None if due is None else max(0.0, due - lab.clock.monotonic())

    def _probe_all(self) -> None:
        with ThreadPoolExecutor(_PROBES_AT_ONCE, thread_name_prefix="probe") as pool:
            pause_s = _IDLE_S
            while not self._stopped.wait(pause_s):
                try:
                    pause_s = self._round(pool)
                except Exception:  # noqa: BLE001 - one bad round must not end all probing
                    _LOG.exception("probing failed")
                    pause_s = _IDLE_S

    def _round(self, pool: ThreadPoolExecutor) -> float:
        """Probe who is due; return how long to pause."""
        lab = self._lab
        with lab.changed:
            targets = health.targets(lab.world)
        now = lab.clock.monotonic()
        due = [target for target in targets if self._next_probe.get(target.key, 0.0) <= now]
        answers = pool.map(lambda target: health.probe(lab.runtime, target), due)
        results = {target.key: answer for target, answer in zip(due, answers, strict=True)}
        for target in due:
            self._next_probe[target.key] = now + self._pause_s(target)
        with lab.changed:
            lab.health.keep_only(health.targets(lab.world))
            lab.health.note(results, due)
            lab.refresh_traffic()
        return min([self._pause_s(target) for target in targets], default=_IDLE_S)

    def _pause_s(self, target: Target) -> float:
        return self._lab.latency.probe_pause_s(target.interval_s)
