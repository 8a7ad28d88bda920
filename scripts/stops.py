"""One stop of the tour: a command, and everything about it that is looked at from outside.

What a command claims is held against what `checker` and `prober` see, which import nothing of the
program. The first thing that is not as it must be ends the tour.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import checker
import telling
from machine import Ended, Machine
from prober import PROBES_PER_SECOND, Gap, Prober

PROJECT = "hakube-lab"
CONTEXT = f"{PROJECT}_kubernetes"
FIRST = "kubernetes-master"
OBJECT, SAID = "written-at-the-start", "I was here before all of you"
CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
B, C, D = ("europe-west1-b", "europe-west1-c", "europe-west1-d")
WINDOW_S = 2.0
"""How long the cluster IP may be away while it moves, in a lab without latency."""
TOO_LITTLE_S, TOO_MUCH_S = 0.2, 0.5
"""How far the program's own measure of that may be off. It looks as this client does, and a good
answer that a busy machine brings late makes either's gap longer, never shorter."""
FEWEST_PROBES_PER_SECOND = 4
"""With fewer, nobody may say that the cluster IP was looked at."""
SETTLE_S = 15.0
_PRINTED = re.compile(r"API unavailable for (\d+\.\d+) s \((promotion|demotion)\)")


class TourFailed(Exception):
    """Something was not as it must be."""


def equal(what: str, seen: object, wanted: object) -> None:
    """Insist that two things are the same."""
    if seen != wanted:
        raise TourFailed(f"{what}: {seen!r}, but it must be {wanted!r}")


@dataclass(slots=True, kw_only=True)
class Stops:
    """The stops so far, and what was seen at them."""

    machine: Machine
    all: list[dict[str, Any]] = field(default_factory=list)
    prober: Prober | None = None
    access: checker.Access | None = None
    totals: Mapping[str, Any] | None = None
    """What the prober counted in all, once it has ended."""
    versions: Mapping[str, str] = field(default_factory=dict)
    looked_until: float = 0.0
    """Up to this moment of the monotonic clock every failed probe has been accounted for."""

    # ------------------------------------------------------------------------------------ commands

    def command(self, script: str, **variables: str) -> Mapping[str, Any]:
        """Run one documented command on a machine that has forgotten everything."""
        print(telling.chapter(len(self.all) + 1), flush=True)
        self.machine.forget()
        ended = self.machine.run(script, variables)
        stop: dict[str, Any] = {
            "command": ended.shown,
            "seconds": round(ended.seconds, 2),
            "result": ended.result,
            "checked": [],
        }
        self.all.append(stop)
        equal("exit_status in the JSON", ended.result.get("exit_status"), 0)
        if self.prober is not None:
            self._judge_outage(stop, ended)
        return ended.result

    def ok(self, text: str) -> None:
        """Note, and show, that something was seen to hold."""
        print(f"  ok  {text}", flush=True)
        self.all[-1]["checked"].append(text)

    # ------------------------------------------------------------------------------------- outages

    def _judge_outage(self, stop: dict[str, Any], ended: Ended) -> None:
        """Hold what the program printed of an outage against what a client saw."""
        gaps, counts = self._look(ended.ended)
        stop["probes"] = counts
        window = ended.result.get("window")
        printed = next(filter(None, map(_PRINTED.search, ended.said)), None)
        equal("a window both on the screen and in the JSON", bool(printed), window is not None)
        if printed is None or window is None:
            equal("failed probes although no address moved", counts["failed"], 0)
            self.ok(f"the cluster IP answered all {counts['good']} probes")
            return
        seen_s = max((gap.seconds for gap in gaps), default=0.0)
        surely_s = max((gap.surely_s for gap in gaps), default=0.0)
        stop["window"] = {
            "kind": printed[2],
            "printed_s": window["seconds"],
            "seen_s": round(seen_s, 3),
            "surely_s": round(surely_s, 3),
        }
        equal("the kind of window", window["kind"], printed[2])
        for text, printed_s in (("JSON", window["seconds"]), ("screen", float(printed[1]))):
            if not surely_s - TOO_LITTLE_S <= printed_s <= seen_s + TOO_MUCH_S:
                msg = f"the {text} says {printed_s} s without API, a client saw {seen_s:.2f} s"
                raise TourFailed(msg)
        spread_s = gaps[-1].ended - gaps[0].began if gaps else 0.0
        if spread_s >= WINDOW_S:
            lengths = ", ".join(f"{gap.seconds:.2f} s" for gap in gaps)
            msg = f"gaps of {lengths} in {spread_s:.2f} s: the move may take {WINDOW_S} s at most"
            raise TourFailed(msg)
        self.ok(
            f"the IP moved ({printed[2]}): printed {printed[1]} s, seen {seen_s:.2f} s; "
            f"{counts['failed']} of {sum(counts.values())} probes failed"
        )

    def _look(self, until: float) -> tuple[list[Gap], dict[str, int]]:
        """Account for all probes since the last look."""
        if self.prober is None:
            raise TourFailed("nobody looks at the cluster IP")
        self.prober.await_ended(until)
        since, self.looked_until = self.looked_until, until
        good, failed = self.prober.count(since, until)
        if good + failed < int((until - since) * FEWEST_PROBES_PER_SECOND):
            msg = f"only {good + failed} probes in {until - since:.1f} s: too few to tell anything"
            raise TourFailed(msg)
        return self.prober.gaps(since, until), {"good": good, "failed": failed}

    def kill(self, vm: str) -> None:
        """Cut a VM's power, and see that its processes are really gone."""
        print(telling.chapter(len(self.all) + 1), flush=True)
        self.machine.forget()
        lab = self.machine.hakube("emulator", "status")
        found = next(v for v in lab["vms"] if v["name"] == vm)
        running = self._processes(found, lab["api_port"])
        began = time.monotonic()
        self.machine.hakube("emulator", "vm", "kill", vm, show=True)
        seconds = time.monotonic() - began
        command = self.machine.commands[-1]
        killed = {"command": command, "seconds": round(seconds, 2), "checked": []}
        self.all.append(killed | {"killed": vm, "processes": running})
        equal(f"processes left of {vm}", [p for p in running if checker.is_alive(p)], [])
        equal("who still listens there", checker.listeners(found["internal_ip"]), {})
        pids = ", ".join(f"{name} {pid}" for pid, name in sorted(running.items()))
        self.ok(f"its processes are gone: {pids}")
        self.all[-1]["probes"] = self._settle()

    def _processes(self, vm: Mapping[str, Any], api_port: int) -> dict[int, str]:
        """Find out what a VM consists of: whom the lab names must own the sockets there."""
        alive = {pid: checker.program(pid) for pid in vm["pids"] if checker.is_alive(pid)}
        owners = checker.listeners(vm["internal_ip"])
        serving = {owners.get(port) for port in (2379, 2380, api_port)}
        if not serving <= set(alive) or len(alive) != len(vm["pids"]):
            msg = f"{vm['name']} should be {vm['pids']}; alive: {alive}, listening: {owners}"
            raise TourFailed(msg)
        return alive

    def start_probing(self) -> None:
        """Begin to look at the cluster IP."""
        self.prober = Prober(self.known_access())
        self.looked_until = time.monotonic()
        self.prober.start()

    def rest(self) -> None:
        """Account for the time since the last command, in which nothing was changed."""
        _, counts = self._look(time.monotonic())
        equal("failed probes although nothing was changed", counts["failed"], 0)

    def stop_probing(self) -> None:
        """End looking; what the prober counted stands."""
        if self.prober is not None:
            self.prober.stop()
            good, failed = self.prober.count(0.0, time.monotonic())
            self.totals = {"good": good, "failed": failed, "reasons": dict(self.prober.reasons)}
            self.prober = None

    def _settle(self) -> dict[str, int]:
        """Wait until the balancer has noticed a dead backend; then no probe may fail any more."""
        began = time.monotonic()
        while time.monotonic() - began < SETTLE_S:
            since = time.monotonic()
            time.sleep(1.0)  # noqa: TID251 - one second of probes is what is looked at
            if self.prober is not None and not self.prober.count(since, time.monotonic())[1]:
                _, counts = self._look(time.monotonic())
                self.ok(
                    f"the balancer has noticed: {counts['failed']} of {sum(counts.values())} "
                    "probes failed, none any more"
                )
                return counts
        raise TourFailed(f"the cluster IP still loses probes {SETTLE_S:.0f} s after the kill")

    # -------------------------------------------------------------------------------- the state

    def expect(self, *, voters: Sequence[str], endpoint: str) -> None:
        """Look at everything from outside, then hear what the program itself says."""
        lab = self.machine.hakube("emulator", "status")
        vms = {vm["name"]: vm for vm in lab["vms"]}
        self._expect_members(vms, voters)
        if self.all[-1]["command"].endswith("kube-up.sh"):
            self.take_kubeconfig()
        self._expect_holder(lab["compute_endpoint"], endpoint)
        self._expect_api(vms, voters)
        status = self.machine.hakube("status")
        self.all[-1]["status"] = status
        said = {r["name"]: (r["member"] or {}).get("role") for r in status["replicas"]}
        equal("masters by hakube status", said, dict.fromkeys(voters, "voter"))
        equal(
            "ready masters by status", {r["apiserver_ready"] for r in status["replicas"]}, {True}
        )
        equal("endpoint by hakube status", status["endpoint"]["mode"], endpoint)

    def _expect_members(self, vms: Mapping[str, Any], voters: Sequence[str]) -> None:
        tls = self.machine.hakube("emulator", "env", voters[0])
        urls = {name: vms[name]["etcd_client_url"] for name in voters if name in vms}
        listed = {url: checker.members(url, tls) for url in urls.values()}
        self.all[-1]["members"] = listed
        wanted = dict.fromkeys(voters, "voter")
        for url, seen in listed.items():
            equal(f"members by etcd's own port {url}", seen, wanted)
        equal("VMs in the lab", sorted(vms), sorted(voters))
        self.ok(
            f"etcd's own port{'s' * (len(urls) > 1)}: {len(voters)} voter(s), {', '.join(voters)}"
        )

    def _expect_holder(self, compute: str, endpoint: str) -> None:
        ip = self.known_access().host
        holders = checker.holders(compute, PROJECT, ip)
        self.all[-1]["address_held_by"] = holders
        kinds = {"vm": "instances", "load-balancer": "forwardingRules"}
        equal(f"what carries {ip}", [h.split("/")[0] for h in holders], [kinds[endpoint]])
        rules = checker.list_compute(compute, PROJECT, "aggregated/forwardingRules")
        equal("forwarding rules", len(rules), int(endpoint == "load-balancer"))
        self.ok(f"Compute API: the cluster IP {ip} is on the {endpoint} ({holders[0]})")

    def _expect_api(self, vms: Mapping[str, Any], voters: Sequence[str]) -> None:
        access = self.known_access()
        equal(
            "GET /version as the administrator",
            checker.call_api(access, "GET", "/version")[0],
            200,
        )
        code, found = checker.call_api(access, "GET", f"{CONFIG_MAPS}/{OBJECT}")
        equal(
            "the object written at the start",
            (code, (found.get("data") or {}).get("said")),
            (200, SAID),
        )
        self._expect_nobody_gets_in(access)
        inside = {name: vms[name]["internal_ip"] for name in voters}
        names = {name: checker.certified_names(access, ip) for name, ip in inside.items()}
        self.all[-1]["certificates"] = names
        strangers = {vm["external_ip"] for vm in vms.values()} - {access.host, None}
        for name, ip in inside.items():
            equal(
                f"{name}: addresses missing in its certificate",
                {access.host, ip} - set(names[name]),
                set(),
            )
            equal(f"{name}: ephemeral addresses in it", strangers & set(names[name]), set())
        self.ok("API: TLS, certificates' addresses, 401 without one; the first object is readable")

    def _expect_nobody_gets_in(self, access: checker.Access) -> None:
        code, _ = checker.call_api(access, "GET", "/readyz", certificate=False)
        equal("GET /readyz as nobody", code, 200)
        for method, path in (
            ("GET", CONFIG_MAPS),
            ("GET", "/api/v1/namespaces/kube-system/secrets"),
        ):
            code, _ = checker.call_api(access, method, path, certificate=False)
            if code not in {401, 403}:
                raise TourFailed(
                    f"{method} {path} without a certificate: {code}, 401 or 403 is due"
                )

    def take_kubeconfig(self) -> None:
        """Go on with the kubeconfig that the last command wrote."""
        path = self.machine.kubeconfig
        equal("the kubeconfig's mode", checker.mode(path), "0600")
        fresh = checker.read_kubeconfig(path, CONTEXT)
        if self.access is not None:
            equal("the cluster IP in the kubeconfig", fresh.host, self.access.host)
            equal("the CA in the kubeconfig", fresh.authority, self.access.authority)
        self.access = fresh

    def known_access(self) -> checker.Access:
        """Give the kubeconfig taken last."""
        if self.access is None:
            raise TourFailed("the kubeconfig was never written")
        return self.access

    def evidence(self, problem: str, *, seconds: float) -> dict[str, Any]:
        """Give everything that was run and seen, as JSON."""
        return {
            "schema_version": 1,
            "passed": not problem,
            "problem": problem or None,
            "seconds": round(seconds, 1),
            "versions": dict(self.versions),
            "cluster_ip": self.access.host if self.access else None,
            "probes_per_second": PROBES_PER_SECOND,
            "probes": self.totals,
            "forgotten": self.machine.forgotten,
            "commands": self.machine.commands,
            "stops": self.all,
        }
