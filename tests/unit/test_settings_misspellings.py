"""Slips of the finger: which stop a run, which are warned about, which are somebody else's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hakube_gce.errors import SettingsError
from hakube_gce.misspellings import edit_distance
from hakube_gce.settings import Settings

HERE = {"HOME": "/h", "KUBERNETES_PROVIDER": "emulator"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KUBE_DELETE_NODE", "KUBE_DELETE_NODES"),
        ("KUBE_DELTE_NODES", "KUBE_DELETE_NODES"),
        ("KUBE_DELETED_NODES", "KUBE_DELETE_NODES"),
        ("kube_delete_nodes", "KUBE_DELETE_NODES"),
        ("KUBEDELETENODES", "KUBE_DELETE_NODES"),
        ("KUBE_REPLICANAME", "KUBE_REPLICA_NAME"),
        ("KUBE_REPLICAS_NAME", "KUBE_REPLICA_NAME"),
        ("KUBE_REPLICATE_EXISTING_MASTERS", "KUBE_REPLICATE_EXISTING_MASTER"),
        ("KUBE_REPILCATE_EXISTING_MASTER", "KUBE_REPLICATE_EXISTING_MASTER"),
        ("KUBE_USE_EXISITNG_MASTER", "KUBE_USE_EXISTING_MASTER"),
        ("KUBE_GCE_ZONES", "KUBE_GCE_ZONE"),
        ("KUBE_GCEZONE", "KUBE_GCE_ZONE"),
        ("KUBE_GCE_INSTANCE_PREFX", "KUBE_GCE_INSTANCE_PREFIX"),
        ("MULTI_ZONE", "MULTIZONE"),
        ("MULTIZONES", "MULTIZONE"),
        ("KUBERNETES_PROVIDERS", "KUBERNETES_PROVIDER"),
        ("HAKUBE_CONFIRM_TEARDOWNS", "HAKUBE_CONFIRM_TEARDOWN"),
        ("HKUBE_HOME", "HAKUBE_HOME"),
        ("hakube_home", "HAKUBE_HOME"),
        ("HAKUBE_RUNTIMES", "did you mean HAKUBE_RUNTIME?"),
        ("HAKUBE_BINARY", "did you mean HAKUBE_BINARIES?"),
        ("HAKUBE_SOMETHING_ELSE", "there is no such variable"),
    ],
)
def test_a_slip_in_a_decisive_name_stops_the_run(name: str, meant: str) -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({**HERE, name: "secret-value"})
    (problem,) = caught.value.problems
    assert problem.startswith(name)
    assert meant in problem
    assert "secret-value" not in problem


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("KUBE_GCE_NETWORKS", "KUBE_GCE_NETWORK"),
        ("MASTER_DISC_SIZE", "MASTER_DISK_SIZE"),
        ("KUBE_CONFIG", "KUBECONFIG"),
        ("ENABLE_ETCD_QUORUM_REDS", "ENABLE_ETCD_QUORUM_READS"),
        ("NUMNODES", "NUM_NODES"),
        ("MASTERSIZE", "MASTER_SIZE"),
        ("CREATE_CUSTOM_NETWORKS", "CREATE_CUSTOM_NETWORK"),
        ("KUBE_ENABLE_IP_ALIASES", "KUBE_GCE_ENABLE_IP_ALIASES"),
        ("KUBE_NETWORK", "KUBE_GCE_NETWORK"),
    ],
)
def test_a_slip_in_another_name_is_warned_about(name: str, meant: str) -> None:
    (warning,) = Settings.parse({**HERE, name: "x"}).warnings
    assert warning.startswith(name)
    assert warning.endswith(f"{meant} is")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
        ("KUBERNETES_SERVICE_PORT_HTTPS", "443"),
        ("KUBERNETES_PORT", "tcp://10.0.0.1:443"),
        ("KUBERNETES_PORT_443_TCP", "tcp://10.0.0.1:443"),
        ("KUBERNETES_PORT_443_TCP_ADDR", "10.0.0.1"),
        ("HAKUBE_API_SERVICE_HOST", "10.0.0.1"),
        ("HAKUBE_API_PORT", "tcp://10.0.0.1:443"),
        ("HAKUBE_API_PORT_80_TCP_PROTO", "tcp"),
        ("HAKUBE_TEST_ETCD", "/x"),
        ("KUBE_HOME", "/x"),
        ("KUBE_EDITOR", "vi"),
        ("KUBE_PS1_SYMBOL", "x"),
        ("ETCDCTL_ENDPOINTS", "x"),
        ("ETCD_NAME", "x"),
        ("ZONE", "x"),
        ("REGION", "x"),
        ("CI", "true"),
        ("GITHUB_ACTIONS", "true"),
        ("BASH_FUNC_x%%", "() { :; }"),
        ("HAKUBE_NOT_SET", ""),
    ],
)
def test_other_peoples_variables_say_nothing(name: str, value: str) -> None:
    assert Settings.parse({**HERE, name: value}).warnings == ()


def test_a_port_of_ours_that_no_pod_injected_is_no_service() -> None:
    with pytest.raises(SettingsError, match="HAKUBE_PORT"):
        Settings.parse({**HERE, "HAKUBE_PORT": "8080"})


def test_control_characters_in_a_name_are_escaped() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({**HERE, "HAKUBE_\x1b[2J": "x"})
    assert caught.value.message.isprintable()


def test_a_misspelling_in_the_file_counts_too() -> None:
    with pytest.raises(SettingsError, match="KUBE_DELETE_NODES"):
        Settings.parse(HERE, dotenv={"KUBE_DELETE_NODE": "false"}, dotenv_path="/x/.env")


words = st.text(alphabet="AB_", max_size=6)


@given(words, words)
def test_the_distance_is_a_symmetric_count_that_is_nought_for_equal_words_alone(
    a: str, b: str
) -> None:
    distance = edit_distance(a, b)
    assert distance == edit_distance(b, a)
    assert (distance == 0) == (a == b)
    assert abs(len(a) - len(b)) <= distance <= max(len(a), len(b))
