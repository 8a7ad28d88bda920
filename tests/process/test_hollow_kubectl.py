"""What real kubectl makes of the hollow API server."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.process.masters import Hollow
from tests.process.waiting import until

pytestmark = pytest.mark.process

KUBECTL = shutil.which("kubectl")
MANIFEST = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data:
  a: "VALUE"
"""


class Kubectl:
    """kubectl with a home of its own: it caches discovery there for minutes."""

    def __init__(self, home: Path, hollow: Hollow) -> None:
        assert KUBECTL is not None
        self._home = home
        self.environment = {
            "HOME": str(home),
            "PATH": "/usr/bin:/bin",
            "KUBECONFIG": str(home / "config"),
        }
        (home / "config").write_text(json.dumps(kubeconfig(hollow)))

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(KUBECTL), *words],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(KUBECTL), *words],
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def __call__(self, *words: str, stdin: str = "") -> str:
        done = self.run(*words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout


def kubeconfig(hollow: Hollow) -> dict[str, object]:
    def data(path: Path) -> str:
        return base64.b64encode(path.read_bytes()).decode()

    user = {
        "client-certificate-data": data(hollow.admin.certificate),
        "client-key-data": data(hollow.admin.key),
    }
    cluster = {
        "server": hollow.url,
        "certificate-authority-data": data(hollow.cluster.certificate),
    }
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": user}],
        "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "x",
    }


@pytest.fixture
def kubectl(hollow: Hollow, tmp_path: Path) -> Kubectl:
    if KUBECTL is None:
        pytest.skip("kubectl is not on PATH")
    return Kubectl(tmp_path, hollow)


def manifest(name: str, value: str) -> str:
    return MANIFEST.replace("NAME", name).replace("VALUE", value)


def test_version_says_hollow(kubectl: Kubectl) -> None:
    assert "v1.32.0-hollow" in kubectl("version")


def test_readyz_and_cluster_info(kubectl: Kubectl, hollow: Hollow) -> None:
    assert kubectl("get", "--raw", "/readyz").strip() == "ok"
    assert hollow.url in kubectl("cluster-info")


def test_api_resources(kubectl: Kubectl) -> None:
    found = {line.split()[0] for line in kubectl("api-resources", "--no-headers").splitlines()}
    assert found == {"configmaps", "namespaces", "nodes", "services"}


def test_get_shows_the_server_s_columns(kubectl: Kubectl) -> None:
    assert kubectl("get", "namespaces").split()[:3] == ["NAME", "STATUS", "AGE"]
    rows = [line.split() for line in kubectl("get", "ns", "--no-headers").splitlines()]
    assert ["default", "Active"] in [row[:2] for row in rows]
    done = kubectl.run("get", "nodes")
    assert (done.returncode, "No resources found" in done.stderr) == (0, True)
    assert kubectl("get", "svc", "--no-headers").split()[:3] == [
        "kubernetes",
        "ClusterIP",
        "10.0.0.1",
    ]


def test_the_life_of_a_config_map(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "life", "--from-literal=a=1", "--from-literal=b=ünï")
    assert json.loads(kubectl("get", "cm", "life", "-o", "json"))["data"] == {"a": "1", "b": "ünï"}
    assert kubectl("get", "cm", "life", "--no-headers").split()[:2] == ["life", "2"]
    again = kubectl.run("create", "configmap", "life")
    assert (again.returncode, "already exists" in again.stderr) == (1, True)
    kubectl("patch", "cm", "life", "-p", '{"data":{"a":"2"}}')
    kubectl("label", "cm", "life", "x=y")
    kubectl("annotate", "cm", "life", "note=n")
    assert kubectl("get", "cm", "-l", "x=y", "-o", "jsonpath={.items[*].data.a}") == "2"
    assert "deleted" in kubectl("delete", "cm", "life")
    gone = kubectl.run("get", "cm", "life")
    assert (gone.returncode, "NotFound" in gone.stderr) == (1, True)


def test_binary_data_created_from_a_file(kubectl: Kubectl, tmp_path: Path) -> None:
    (tmp_path / "blob").write_bytes(bytes(range(256)))
    kubectl("create", "configmap", "blob", f"--from-file=blob={tmp_path / 'blob'}")
    encoded = kubectl("get", "cm", "blob", "-o", "jsonpath={.binaryData.blob}")
    assert base64.b64decode(encoded) == bytes(range(256))


def test_apply_creates_changes_and_leaves_alone(kubectl: Kubectl) -> None:
    said = [
        kubectl("apply", "-f", "-", stdin=manifest("applied", value)).strip()
        for value in ("1", "2", "2")
    ]
    assert [line.split()[1] for line in said] == ["created", "configured", "unchanged"]


def test_server_side_apply_and_replace(kubectl: Kubectl) -> None:
    for value in ("1", "2"):
        kubectl("apply", "--server-side", "-f", "-", stdin=manifest("ssa", value))
    assert kubectl("get", "cm", "ssa", "-o", "jsonpath={.data.a}") == "2"
    kubectl("replace", "-f", "-", stdin=manifest("ssa", "3"))
    assert kubectl("get", "cm", "ssa", "-o", "jsonpath={.data.a}") == "3"


def test_a_namespace_is_made_used_and_deleted(kubectl: Kubectl) -> None:
    kubectl("create", "namespace", "mine")
    kubectl("create", "-n", "mine", "configmap", "inside")
    assert "inside" in kubectl("get", "cm", "-A")
    kubectl("delete", "namespace", "mine")
    assert "inside" not in kubectl("get", "cm", "-A")


def test_wait_ends_when_the_value_comes(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "awaited", "--from-literal=a=1")
    with kubectl.start(
        "wait", "cm/awaited", "--for=jsonpath={.data.a}=2", "--timeout=30s"
    ) as waiting:
        assert waiting.poll() is None
        kubectl("patch", "cm", "awaited", "-p", '{"data":{"a":"2"}}')
        out, err = waiting.communicate(timeout=40)
    assert (waiting.returncode, err) == (0, "")
    assert "condition met" in out


def test_get_with_watch_prints_changes(kubectl: Kubectl) -> None:
    kubectl("create", "configmap", "watched")
    with kubectl.start("get", "cm", "watched", "-w", "--no-headers") as watching:
        assert watching.stdout is not None
        assert watching.stdout.readline().split()[:2] == ["watched", "0"]
        kubectl("patch", "cm", "watched", "-p", '{"data":{"a":"2"}}')
        assert watching.stdout.readline().split()[:2] == ["watched", "1"]
        watching.terminate()


def test_an_abandoned_watch_leaves_nothing_behind(kubectl: Kubectl, hollow: Hollow) -> None:
    def open_files() -> int:
        return len(list(Path(f"/proc/{hollow.pid}/fd").iterdir()))

    kubectl("get", "ns")
    before = open_files()
    with kubectl.start("get", "ns", "-w") as watching:
        until(lambda: open_files() > before, "the watch is open")
        watching.kill()
    until(lambda: open_files() <= before, "the watch is closed, here and at etcd")
