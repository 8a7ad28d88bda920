"""A daemon for tests: boots one VM, says what it consists of, and waits to be killed."""

import json
import sys
import threading
from pathlib import Path

from hakube_gce.emulator.runtime import VirtualMachine
from hakube_gce.emulator.runtimes.process import ProcessRuntime


def main(home: str, agent: str) -> None:
    runtime = ProcessRuntime(Path(home), etcd=Path("/bin/false"), agent=(sys.executable, agent))
    vm = VirtualMachine(
        name="kubernetes-master",
        zone="europe-west1-b",
        id="4711",
        project="hakube-lab",
        internal_ip=runtime.internal_ip(0),
        data_disk_id="12",
        boot_disk_id="11",
    )
    runtime.power_on(vm)
    while len(runtime.pids(vm)) < 3:
        threading.Event().wait(0.02)
    children = [int(p) for p in Path("/proc/thread-self/children").read_text().split()]
    sys.stdout.write(json.dumps({"pids": runtime.pids(vm), "children": children}) + "\n")
    sys.stdout.flush()
    threading.Event().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
