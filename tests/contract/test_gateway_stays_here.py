"""With an endpoint on this machine nothing leaves it, whatever the environment holds.

The gateway runs in a process of its own, whose every connection and every name looked up is
recorded by an audit hook, with operations that take their time: that is when the library's own
poller would turn to Google.
"""

import json
import subprocess
import sys
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.fakes.scripted_api import Answer, operation, scripted_api

PROGRAM = """
import json, random, sys
seen = []
def watch(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        host = str(args[1][0] if event == "socket.connect" else args[0])
        seen.append(host)
        if not host.startswith("127."):
            raise OSError("stopped by the test: " + host)
sys.addaudithook(watch)
from hakube_gce.clock import SystemClock
from hakube_gce.gce import connect
gateway = connect("p", endpoint=sys.argv[1], clock=SystemClock(), rng=random.Random(1))
id = "6f6ce8cc-3f2a-4c55-9d0c-6ac0f2f3a001"
gateway.insert_address("europe-west1", "a", description="m", request_id=id)
gateway.delete_disk("europe-west1-b", "d", request_id=id)
gateway.networks.delete_firewall("f", request_id=id)
gateway.server_time()
gateway.close()
print(json.dumps(sorted(set(seen))))
"""


def key_file(folder: Path) -> Path:
    """A service account's key that would be used if anybody looked for one."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    account = {
        "type": "service_account",
        "project_id": "p",
        "private_key_id": "1",
        "private_key": pem.decode(),
        "client_email": "robot@p.iam.gserviceaccount.com",
        "client_id": "1",
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    path = folder / "key.json"
    path.write_text(json.dumps(account))
    return path


def test_nothing_leaves_this_machine(tmp_path: Path) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("default login me password hunter2\n")
    netrc.chmod(0o600)
    proxy = "http://127.66.66.66:9"  # nobody is there: even broken code stays on this machine
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file(tmp_path)),
        "GOOGLE_CLOUD_PROJECT": "somebody-elses",
        "HTTP_PROXY": proxy,
        "http_proxy": proxy,
        "HTTPS_PROXY": proxy,
        "ALL_PROXY": proxy,
    }
    with scripted_api() as api:
        for _ in range(3):
            api.will(operation("PENDING"), operation("RUNNING"), operation())
        api.will(Answer(body={"items": []}))
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", PROGRAM, api.url],
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        headers = [{name.lower() for name in asked.headers} for asked in api.asked]
    assert json.loads(done.stdout) == ["127.0.0.1"]
    assert len(headers) == 10
    assert not any({"authorization", "x-goog-user-project"} & names for names in headers)
