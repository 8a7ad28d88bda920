"""Values in, settings or problems out."""

import pytest

from hakube_gce import names
from hakube_gce.errors import SettingsError
from hakube_gce.inheritable import inheritable
from hakube_gce.intents import Command
from hakube_gce.settings import Settings
from hakube_gce.variables import table
from hakube_gce.variables.row import Reach

HERE = {"HOME": "/home/me", "KUBERNETES_PROVIDER": "emulator"}


def settings(**variables: str) -> Settings:
    return Settings.parse({**HERE, **variables})


def problems(**variables: str) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        settings(**variables)
    return caught.value.problems


def test_with_nothing_set_the_defaults_are_kube_ups() -> None:
    found = Settings.parse({"HOME": "/home/me", "PROJECT": "my-project"})
    assert (found.zone, found.region, found.prefix) == (
        "us-central1-b",
        "us-central1",
        "kubernetes",
    )
    assert (found.provider, found.network, found.networking.subnetwork) == ("gce", "default", "")
    assert (found.data_disk_size_gb, found.boot_disk_size_gb, found.disk_type) == (
        20,
        20,
        "pd-ssd",
    )
    assert found.image == "projects/debian-cloud/global/images/family/debian-12"
    assert found.home == "/home/me/.hakube"
    assert found.kubeconfig_files == ("/home/me/.kube/config",)
    assert found.warnings == ()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("KUBE_GCE_ZONE", "europe-west1"),
        ("KUBE_GCE_ZONE", "europe-west1-b\n"),
        ("KUBE_GCE_ZONE", "--zone=evil"),
        ("KUBE_GCE_ZONE", "europe-west1-b;id"),
        ("HAKUBE_HOME", "/a\x1b[2J"),
        ("HAKUBE_HOME", "/" + "a" * 5000),
        ("KUBECONFIG", "/a\n/b"),
        ("HAKUBE_CONFIRM_TEARDOWN", "k\u00fcbernetes"),
        ("KUBE_GCE_ZONE", "../../x"),
        ("KUBE_GCE_INSTANCE_PREFIX", "Kubernetes"),
        ("KUBE_GCE_INSTANCE_PREFIX", "kubernetes-"),
        ("KUBE_GCE_INSTANCE_PREFIX", "\uff4bube"),
        ("KUBE_GCE_INSTANCE_PREFIX", "k\u200bube"),
        ("KUBE_GCE_INSTANCE_PREFIX", ".*"),
        ("KUBE_GCE_INSTANCE_PREFIX", "a" * 300),
        ("KUBE_REPLICA_NAME", "x; rm -rf /"),
        ("KUBE_REPLICA_NAME", "$(id)"),
        ("KUBE_REPLICA_NAME", "a\x1b[2J"),
        ("KUBE_REPLICA_NAME", "-a"),
        ("KUBE_DELETE_NODES", "nope"),
        ("KUBE_DELETE_NODES", "falsee"),
        ("MULTIZONE", "2"),
        ("MASTER_DISK_SIZE", "\u0663\u0660"),
        ("MASTER_DISK_SIZE", "9GB"),
        ("MASTER_DISK_SIZE", "20MB"),
        ("MASTER_DISK_SIZE", "-20"),
        ("MASTER_DISK_SIZE", "999TB"),
        ("MASTER_DISK_TYPE", "pd-standard"),
        ("KUBE_GCE_MASTER_IMAGE", "cos-stable-60-9592-90-0"),
        ("KUBE_GCE_MASTER_IMAGE", "projects/p/zones/images/debian"),
        ("SERVICE_CLUSTER_IP_RANGE", "10.0.0.1/16"),
        ("SERVICE_CLUSTER_IP_RANGE", "10.0.0.0/30"),
        ("SERVICE_CLUSTER_IP_RANGE", "10.0.0.0"),
        ("KUBE_DNS_DOMAIN", "cluster..local"),
        ("KUBE_CLUSTER_INITIALIZATION_TIMEOUT", "0"),
        ("KUBE_CLUSTER_INITIALIZATION_TIMEOUT", "5m"),
        ("HAKUBE_RUNTIME", "machine"),
        ("HAKUBE_ENDPOINT_MODE", "always"),
        ("HAKUBE_LB", "pool"),
        ("HAKUBE_HOME", "here"),
        ("HAKUBE_COMPUTE_ENDPOINT", "http://192.0.2.1/"),
        ("HAKUBE_COMPUTE_ENDPOINT", "http://127.0.0.1.example.com/"),
        ("HAKUBE_COMPUTE_ENDPOINT", "file:///etc/passwd"),
        ("HAKUBE_COMPUTE_ENDPOINT", "http://127.0.0.1:99999/"),
        ("HAKUBE_LATENCY", "slow"),
        ("KUBECONFIG", ":"),
        ("PROJECT", "My Project"),
    ],
)
def test_an_unclear_value_is_a_problem_that_names_variable_and_example(
    name: str, value: str
) -> None:
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name}=")
    assert f"for example {name}=" in problem
    assert problem.isascii() or "…" in problem
    assert "\x1b" not in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((text, True) for text in ("true", "TRUE", "1", "yes", " True\r\n")),
        *((text, False) for text in ("false", "False", "0", "no", "false ")),
    ],
)
def test_switches_are_read_whatever_their_case(text: str, value: bool) -> None:
    assert settings(MULTIZONE=text).multizone is value


def test_other_providers_were_the_originals() -> None:
    assert problems(KUBERNETES_PROVIDER="aws")[0].startswith(
        "KUBERNETES_PROVIDER='aws': is none of"
    )


def test_all_problems_are_told_at_once() -> None:
    found = problems(KUBE_GCE_ZONE="mars", MASTER_DISK_SIZE="big", MULTIZONE="maybe", HAKUBE_X="1")
    assert [problem.partition("=")[0].partition(":")[0] for problem in found] == [
        "KUBE_GCE_ZONE", "MULTIZONE", "MASTER_DISK_SIZE", "HAKUBE_X",
    ]  # fmt: skip


def test_a_variable_set_to_nothing_counts_as_not_set() -> None:
    assert settings(KUBE_GCE_ZONE="", PROJECT="").zone == "us-central1-b"


def test_the_longest_name_made_from_the_prefix_must_fit() -> None:
    zone = "northamerica-northeast1-a"
    assert settings(KUBE_GCE_ZONE=zone, KUBE_GCE_INSTANCE_PREFIX="a" * 30).prefix == "a" * 30
    (problem,) = problems(KUBE_GCE_ZONE=zone, KUBE_GCE_INSTANCE_PREFIX="a" * 31)
    assert "is too long" in problem
    (problem,) = problems(KUBE_GCE_INSTANCE_PREFIX="a" * 50)
    assert "is too long" in problem


def test_the_prefix_must_fit_into_the_rules_of_nodes_and_a_certificates_common_name() -> None:
    longest = settings(KUBE_GCE_INSTANCE_PREFIX="a" * 39).prefix
    assert len(names.firewall_internal(longest, "master")) == 63
    assert len(f"hakube-agent:{names.master(longest)}-000") <= 64
    (problem,) = problems(KUBE_GCE_INSTANCE_PREFIX="a" * 40)
    assert "-default-internal-master would have over 63 letters" in problem


@pytest.mark.parametrize(
    ("variables", "project"),
    [
        ({"PROJECT": "a-1", "GOOGLE_CLOUD_PROJECT": "b-1"}, "a-1"),
        ({"GOOGLE_CLOUD_PROJECT": "b-1", "CLOUDSDK_CORE_PROJECT": "c-1"}, "b-1"),
        ({"CLOUDSDK_CORE_PROJECT": "example.com:c-1"}, "example.com:c-1"),
        ({}, "hakube-lab"),
    ],
)
def test_the_project_is_found_where_google_tools_look(
    variables: dict[str, str], project: str
) -> None:
    assert settings(**variables).project == project


def test_without_a_project_on_gce_both_ways_out_are_named() -> None:
    (problem,) = problems(KUBERNETES_PROVIDER="gce")
    assert "PROJECT=my-project" in problem
    assert "KUBERNETES_PROVIDER=emulator" in problem


def test_an_endpoint_on_this_machine_needs_no_project_and_gets_no_credentials() -> None:
    found = settings(KUBERNETES_PROVIDER="gce", HAKUBE_COMPUTE_ENDPOINT="http://127.0.0.1:9/")
    assert (found.project, found.compute_endpoint) == ("hakube-lab", "http://127.0.0.1:9")
    assert found.anonymous


@pytest.mark.parametrize(
    ("endpoint", "anonymous"),
    [
        ("", False),
        ("https://compute.googleapis.com", False),
        ("https://compute.googleapis.com.evil.example", True),
        ("https://evilgoogleapis.com", True),
    ],
)
def test_only_google_gets_credentials(endpoint: str, anonymous: bool) -> None:
    found = settings(KUBERNETES_PROVIDER="gce", PROJECT="p", HAKUBE_COMPUTE_ENDPOINT=endpoint)
    assert found.anonymous is anonymous


def test_a_password_in_the_endpoint_is_not_shown() -> None:
    (problem,) = problems(HAKUBE_COMPUTE_ENDPOINT="https://me:hunter2@example.com")
    assert "hunter2" not in problem


@pytest.mark.parametrize(
    ("image", "project", "path"),
    [
        ("debian-12-v1", "", "projects/debian-cloud/global/images/debian-12-v1"),
        ("", "mine", "projects/mine/global/images/family/debian-12"),
        ("family/ubuntu", "u", "projects/u/global/images/family/ubuntu"),
        ("projects/x/global/images/family/y", "z", "projects/x/global/images/family/y"),
    ],
)
def test_image_and_project_make_a_path(image: str, project: str, path: str) -> None:
    assert settings(KUBE_GCE_MASTER_IMAGE=image, KUBE_GCE_MASTER_PROJECT=project).image == path


def test_the_environment_wins_over_the_file_and_sources_are_kept() -> None:
    found = Settings.parse(
        {**HERE, "KUBE_GCE_ZONE": "europe-west1-b", "GOOGLE_CLOUD_PROJECT": "cloud-shell"},
        dotenv={"KUBE_GCE_ZONE": "us-east1-c", "PROJECT": "mine", "MULTIZONE": "yes"},
        dotenv_path="/x/.env",
    )
    assert (found.zone, found.project, found.multizone) == ("europe-west1-b", "mine", True)
    assert found.sources["KUBE_GCE_ZONE"] == "environment"
    assert found.sources["PROJECT"] == "/x/.env"
    assert found.sources["MASTER_SIZE"] == "default"
    assert settings(GOOGLE_CLOUD_PROJECT="g").sources["PROJECT"] == (
        "environment: GOOGLE_CLOUD_PROJECT"
    )


def test_an_empty_variable_in_the_environment_hides_the_files() -> None:
    found = Settings.parse({**HERE, "MULTIZONE": ""}, dotenv={"MULTIZONE": "true"})
    assert not found.multizone


def test_a_problem_in_the_file_names_the_file() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse(HERE, dotenv={"MULTIZONE": "?"}, dotenv_path="/x/.env")
    assert "(from /x/.env)" in caught.value.problems[0]


def test_either_spelling_of_quorum_read_is_taken_and_false_is_warned_about_once() -> None:
    for name in ("ENABLE_ETCD_QUORUM_READ", "ENABLE_ETCD_QUORUM_READS"):
        assert settings(**{name: "true"}).warnings == ()
        assert len(settings(**{name: "false"}).warnings) == 1
    both = {"ENABLE_ETCD_QUORUM_READ": "no", "ENABLE_ETCD_QUORUM_READS": "0"}
    assert len(settings(**both).warnings) == 1


def test_quorum_read_spelled_both_ways_must_agree() -> None:
    (problem,) = problems(ENABLE_ETCD_QUORUM_READ="true", ENABLE_ETCD_QUORUM_READS="false")
    assert "opposite" in problem


def test_original_variables_without_a_meaning_get_one_note_without_their_values() -> None:
    old = {"KUBE_USER": "me", "KUBE_PASSWORD": "hunter2", "ETCD_VERSION": "3.1.11"}
    (note,) = settings(**old).warnings
    assert note.endswith("ETCD_VERSION, KUBE_PASSWORD, KUBE_USER")
    assert "hunter2" not in note


def test_what_is_read_and_has_no_effect_yet_is_said_with_its_reason() -> None:
    found = settings(
        NODE_SIZE="n2",
        MASTER_SIZE="n4",
        MASTER_IP_RANGE="10.247.0.0/24",
        KUBE_AUTOSCALER_MIN_NODES="1",
        KUBE_AUTOSCALER_MAX_NODES="2",
        KUBE_ENABLE_CLUSTER_AUTOSCALER="true",
    )
    assert found.warnings == (
        "read, but without effect: the autoscaler's flags are written for the masters, and nobody "
        "runs it yet: "
        "KUBE_ENABLE_CLUSTER_AUTOSCALER, KUBE_AUTOSCALER_MIN_NODES, KUBE_AUTOSCALER_MAX_NODES",
        "read, but without effect: masters run no pods yet: MASTER_IP_RANGE",
    )


def test_old_and_unfulfillable_wishes_are_not_passed_over() -> None:
    (problem,) = problems(KUBE_EXPERIMENTAL_REPLICATE_EXISTING_MASTER="true")
    assert "KUBE_REPLICATE_EXISTING_MASTER=true" in problem
    (problem,) = problems(KUBE_GCE_PRIVATE_CLUSTER="true")
    assert "public" in problem
    assert settings(KUBE_GCE_PRIVATE_CLUSTER="false").warnings == ()


def test_what_replicas_inherit_is_what_the_table_says() -> None:
    found = settings(MULTIZONE="1", MASTER_DISK_SIZE="50", KUBE_GCE_MASTER_PROJECT="mine")
    inherited = {each.name: each for each in inheritable(found)}
    assert set(inherited) == {v.name for v in table.VARIABLES if v.reach is Reach.CLUSTER}
    assert (inherited["MULTIZONE"].value, inherited["MULTIZONE"].explicit) == ("true", True)
    assert inherited["MASTER_DISK_SIZE"].value == "50GB"
    assert inherited["KUBE_GCE_MASTER_IMAGE"].explicit
    assert not inherited["MASTER_SIZE"].explicit


def test_inherited_values_read_again_give_the_same_settings() -> None:
    """A replica made from them is the first master's twin."""
    found = settings(MULTIZONE="1", MASTER_DISK_SIZE="1TB", KUBE_GCE_MASTER_IMAGE="debian-12-v1")
    again = settings(**{each.name: each.value for each in inheritable(found)})
    assert [(each.name, each.value) for each in inheritable(again)] == [
        (each.name, each.value) for each in inheritable(found)
    ]


def test_without_home_the_folders_must_be_named() -> None:
    with pytest.raises(SettingsError) as caught:
        Settings.parse({"KUBERNETES_PROVIDER": "emulator"})
    assert len(caught.value.problems) == 1
    named = {"KUBERNETES_PROVIDER": "emulator", "HAKUBE_HOME": "/h", "KUBECONFIG": "/k::/l"}
    assert Settings.parse(named).kubeconfig_files == ("/k", "/l")


def test_commands_that_change_no_cluster_wish_nothing() -> None:
    assert settings(KUBE_USE_EXISTING_MASTER="true").intent is None
    found = Settings.parse(HERE, command=Command.UP)
    assert found.intent is not None
