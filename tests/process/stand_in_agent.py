"""Stands in for the agent: listens where a master would, and starts a child and a grandchild.

Takes the agent's options; does none of its work. Writes its environment to standard output, the
VM's id as its metadata has it to the serial file, and then echoes what it is sent, its address
first.
"""

import argparse
import http.client
import json
import os
import socketserver
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import urlsplit

CHILD = """
import subprocess, sys, threading
if len(sys.argv) > 1:
    subprocess.Popen([sys.executable, "-c", sys.argv[1]])
threading.Event().wait()
"""


class Echo(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(f"{self.request.getsockname()[0]}\n".encode())
        while data := self.request.recv(65536):
            self.request.sendall(data)


class Listener(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


def main() -> None:
    options = _options()
    sys.stdout.write(json.dumps(dict(os.environ)) + "\n")  # noqa: TID251 - what it was given is the test
    sys.stdout.flush()
    for port in (2379, options.api_port):
        threading.Thread(target=Listener((options.address, port), Echo).serve_forever).start()
    with subprocess.Popen([sys.executable, "-c", CHILD, CHILD]):
        metadata = http.client.HTTPConnection(urlsplit(options.metadata).netloc, timeout=5)
        path = "/computeMetadata/v1/instance/id"
        metadata.request("GET", path, headers={"Metadata-Flavor": "Google"})
        with options.serial.open("ab") as serial:
            serial.write(metadata.getresponse().read() + b"\n")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for folder in ("--root", "--data", "--serial", "--etcd"):
        parser.add_argument(folder, type=Path, required=True)
    for word in ("--metadata", "--address", "--apiserver-command"):
        parser.add_argument(word, required=True)
    parser.add_argument("--api-port", type=int, required=True)
    return parser.parse_args()


if __name__ == "__main__":
    main()
