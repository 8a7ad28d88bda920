"""Environments nobody should have, by hand: data alone, and what may come of each.

Verbs run in zone B of a cluster ``trio`` of three masters. What is wrong must end in 2 (in 3
where only the cluster can tell); what is legal is only planned, and must mean what it says.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

WRONG = frozenset({2})
NOT_FOUND = frozenset({3})
LEGAL = frozenset({0, 4, 5})


@dataclass(frozen=True, slots=True, kw_only=True)
class Hostile:
    """One environment."""

    about: str
    verb: str
    variables: Mapping[str, str]
    statuses: frozenset[int] = WRONG
    means: str = ""
    """For legal ones: the verb of the plan, where it matters."""
    dotenv: bytes | None = None
    """The .env in the folder where the command is run."""
    paths: Mapping[str, str] = field(default_factory=dict)
    """Variables whose value is a path below a folder of the test's own."""

    @property
    def is_wrong(self) -> bool:
        return self.statuses <= WRONG | NOT_FOUND


# ------------------------------------------------------------------------- texts where names go

NO_NAMES = {
    "newline at the end": "kubernetes-master\n",
    "carriage return at the end": "kubernetes-master\r\n",
    "newline inside": "kubernetes\nmaster",
    "a second variable after a newline": "x\nKUBE_DELETE_NODES=true",
    "tab": "kubernetes\tmaster",
    "blank at the end": "kubernetes-master ",
    "blank in front": " kubernetes-master",
    "nothing but blanks": "   ",
    "bell": "kubernetes\x07",
    "backspaces": "kubernetes-master\x08\x08\x08evil",
    "delete": "\x7f",
    "clear the screen": "\x1b[2J\x1b[H",
    "colours": "\x1b[31mkubernetes\x1b[0m",
    "window title": "\x1b]0;owned\x07",
    "eight-bit control sequence": "\x9b31mkubernetes",
    "next line": "kubernetes\x85master",
    "line separator": "kubernetes\u2028master",
    "no-break space": "kubernetes\u00a0master",
    "zero-width space": "kube\u200brnetes",
    "zero-width joiner": "kube\u200drnetes",
    "byte order mark": "\ufeffkubernetes",
    "right to left": "kubernetes\u202eretsam",
    "isolate": "\u2066kubernetes\u2069",
    "fullwidth": "\uff4b\uff55\uff42\uff45",
    "fullwidth digits": "kubernetes-\uff11\uff12\uff13",
    "arabic digits": "kubernetes-\u0661\u0662\u0663",
    "superscript": "kubernetes-\u00b2",
    "cyrillic look-alike": "kub\u0435rnetes",
    "long s": "kuberne\u017fter",
    "combining accent": "kubernete\u0301s",
    "emoji": "kubernetes\U0001f4a5",
    "tag characters": "kubernetes\U000e0041",
    "half a surrogate": "kubernetes\udcff",
    "up the folders": "../../../etc/passwd",
    "down and up": "kubernetes/../../x",
    "absolute path": "/etc/passwd",
    "a dot": ".",
    "two dots": "..",
    "windows path": "..\\..\\x",
    "percent-encoded": "%2e%2e%2fx",
    "leading dash": "-kubernetes",
    "an option": "--zone=evil",
    "double dash": "--",
    "anything": ".*",
    "the original's own pattern": "kubernetes-master(-...)?",
    "alternatives": "a|b",
    "anchors": "^kubernetes$",
    "catastrophic": "(a+)+$",
    "a glob": "kubernetes-*",
    "a brace": "{a,b}",
    "command substitution": "$(touch owned)",
    "back-ticks": "`touch owned`",
    "a second command": "x;touch owned",
    "in the background": "x&touch owned",
    "a pipe": "x|touch owned",
    "a redirection": "x>owned",
    "a quote left open": "x'",
    "double quotes": '"x"',
    "a variable": "${HOME}",
    "a format": "%s%n%x",
    "braces of Python": "{0.__class__}",
    "a template": "{{7*7}}",
    "JSON": '{"name":"x"}',
    "a filter's end": "x) OR (name=*",
    "SQL": "x' OR '1'='1",
    "XML": "<x>&amp;</x>",
    "a URL": "https://example.invalid/x",
    "upper case": "KUBERNETES",
    "underscore": "kubernetes_master",
    "dash at the end": "kubernetes-",
    "a digit first": "1kubernetes",
    "64 letters": "a" * 64,
    "300 letters": "a" * 300,
    "a million letters": "a" * 1_000_000,
}
NAME_VARIABLES = {
    "KUBE_GCE_ZONE": "up",
    "KUBE_GCE_INSTANCE_PREFIX": "down",
    "KUBE_REPLICA_NAME": "down",
    "KUBE_GCE_NETWORK": "up",
    "MASTER_SIZE": "up",
}


def names() -> Iterator[Hostile]:
    for variable, verb in NAME_VARIABLES.items():
        for about, text in NO_NAMES.items():
            yield Hostile(about=f"{variable}: {about}", verb=verb, variables={variable: text})


# --------------------------------------------------------------------------------- the switches

NEITHER = (
    "falsee", "flase", "fals", "f", "n", "off", "none", "null", "nil", "never", "nope", "disabled",
    "truee", "ture", "t", "y", "on", "yes please", "yes!", "always", "enabled", "ja", "oui", "si",
    "2", "-1", "00", "01", "0.0", "1.0", "1e0", "0x0", "+1", "true,false", "true false",
    "true;", "false;", "'false'", '"false"', "!true", "not true", "~", "[]", "{}",
    "$false", "%false%", "<false>", "false\x1b[0m", "fal\u200bse",
    "\uff46\uff41\uff4c\uff53\uff45",
    "\u0430lse", "fa\u017fle", "tru\u0435", "\u0661", "\uff11", "\u00b9", "TR\u00dcE", "f\x08alse",
    "false\nTrue", "true" * 5, "1" * 300,
)  # fmt: skip
NO = ("false", "False", "FALSE", "fAlSe", "0", "no", "NO", "No", " false", "false ", "false\n",
      "\tfalse\t", "false\r\n")  # fmt: skip
YES = ("true", "True", "TRUE", "tRuE", "1", "yes", "YES", "Yes", " true", "true ", "true\n",
       "\ttrue", "true\r\n")  # fmt: skip


def switches() -> Iterator[Hostile]:
    for variable, verb in (
        ("KUBE_DELETE_NODES", "down"),
        ("KUBE_REPLICATE_EXISTING_MASTER", "up"),
        ("KUBE_USE_EXISTING_MASTER", "up"),
    ):
        for text in NEITHER:
            about = f"{variable}={text[:24]!a}"
            yield Hostile(about=about, verb=verb, variables={variable: text})
    for text in (*NO, *YES):
        delete = "remove" if text in NO else "teardown"
        made = "create" if text in NO else "replicate"
        for variable, verb, means in (
            ("KUBE_DELETE_NODES", "down", delete),
            ("KUBE_REPLICATE_EXISTING_MASTER", "up", made),
        ):
            yield Hostile(
                about=f"{variable}={text!a} means {means}",
                verb=verb,
                variables={variable: text},
                statuses=LEGAL,
                means=means,
            )
    yield Hostile(
        about="a switch set to nothing is not set",
        verb="down",
        variables={"KUBE_DELETE_NODES": ""},
        statuses=LEGAL,
        means="teardown",
    )


def contradictions() -> Iterator[Hostile]:
    replicate, existing = "KUBE_REPLICATE_EXISTING_MASTER", "KUBE_USE_EXISTING_MASTER"
    delete, name = "KUBE_DELETE_NODES", "KUBE_REPLICA_NAME"
    one, other = "ENABLE_ETCD_QUORUM_READ", "ENABLE_ETCD_QUORUM_READS"
    word = "HAKUBE_CONFIRM_TEARDOWN"
    for verb, variables in (
        ("up", {replicate: "true", existing: "true"}),
        ("up", {replicate: "yes", existing: "1"}),
        ("up", {existing: "true", "KUBE_MASTER_ZONES": "europe-west1-b"}),
        ("down", {delete: "true", name: "trio-master"}),
        ("down", {delete: "YES", name: "trio-master"}),
        ("down", {delete: "1", name: "nobody"}),
        ("down", {word: "tri"}),
        ("down", {word: "trio\n"}),
        ("down", {word: "TRIO"}),
        ("down", {word: "true"}),
        ("down", {word: "*"}),
        ("down", {word: "yes"}),
        ("up", {one: "true", other: "false"}),
        ("up", {one: "false", other: "true"}),
        ("up", {"KUBE_EXPERIMENTAL_REPLICATE_EXISTING_MASTER": "true"}),
        ("up", {"KUBE_GCE_PRIVATE_CLUSTER": "true"}),
        ("up", {"KUBERNETES_PROVIDER": "aws"}),
        ("up", {"KUBERNETES_PROVIDER": "GCE"}),
        ("up", {"MASTER_DISK_TYPE": "pd-standard"}),
        ("up", {"HAKUBE_ENDPOINT_MODE": "vm"}),
        ("up", {"HAKUBE_LB": "none"}),
        ("up", {"KUBE_GCE_ZONE": "europe-west1"}),
    ):
        said = " ".join(f"{k}={v!a}" for k, v in variables.items())
        yield Hostile(about=said, verb=verb, variables=variables)
    for verb, variables in (
        ("down", {name: "nobody"}),
        ("down", {name: "trio"}),
        ("down", {name: "trio-master-000"}),
        ("down", {name: "trio-master-pd"}),
        ("down", {name: "trio-master-ip"}),
        ("down", {name: "kubernetes-master"}),
        ("up", {"KUBE_GCE_ZONE": "europe-west99-z"}),
        ("down", {"KUBE_GCE_ZONE": "mars-north1-a", delete: "false"}),
        ("down", {"KUBE_GCE_ZONE": "europe-west1-e", delete: "false"}),
    ):
        said = " ".join(f"{k}={v!a}" for k, v in variables.items())
        yield Hostile(about=said, verb=verb, variables=variables, statuses=NOT_FOUND)


def near_misses() -> Iterator[Hostile]:
    for name in (
        "KUBE_DELETE_NODE", "KUBE_DELETE_NODS", "KUBE_DELET_NODES", "KUBE_DELETE_NODESS",
        "KUBE_DELETE__NODES", "KUBEDELETE_NODES", "kube_delete_nodes", "Kube_Delete_Nodes",
        "KUBE_DELTE_NODES", "KUBE_REPLICA_NAMES", "KUBE_REPLICANAME", "KUBE_RELPICA_NAME",
        "KUBE_REPLICATE_EXISTING_MASTERS", "KUBE_REPLICATE_EXISTNG_MASTER",
        "KUBE_REPLICATE_EXISTING_MATSER", "KUBE_REPLICAT_EXISTING_MASTER",
        "KUBE_USE_EXISTING_MASTERS", "KUBE_GCE_ZONES", "KUBE_GCE_ZOEN", "KUBE_GCEZONE",
        "KUBE_GCE_INSTANCE_PREFXI", "KUBE_GCE_INSTANCES_PREFIX", "MULTIZONES", "MULTI_ZONE",
        "KUBERNETES_PROVIDR", "KUBERNETESPROVIDER", "KUBE_MASTER_ZONE", "KUBE_MASTERS_ZONES",
        "KUBE_CREATE_NODE", "KUBE_CRAETE_NODES", "KUBE_DELETE_NETWORKS", "HAKUBE_SAMEZONE",
        "HAKUBE_LABEL", "HAKUBE_CONFIRM_TEARDONW",
        "HAKUBE_CONFIRM_TEAR_DOWN", "HAKUBE_STRICTLY", "HAKUBE_HOMES", "HKUBE_HOME",
        "HAKUBE_ENDPOINT_MOD", "HAKUBE_COMPUTE_ENDPOINTS", "HAKUBE_FORCE", "HAKUBE_YES",
        "HAKUBE_", "HAKUBE_\x1b[31m", "HAKUBE_\u202e", "HAKUBE_A\nB",
    ):  # fmt: skip
        yield Hostile(about=f"{name!a} is set", verb="down", variables={name: "false"})


# ----------------------------------------------------------------------------- numbers, ranges …


def measures() -> Iterator[Hostile]:
    table = {
        "MASTER_DISK_SIZE": (
            "0", "-1", "9", "9GB", "65537", "999999999999", "20 GB", "20GBB", "2e1", "0x20", "ten",
            "20G;", "\u0662\u0660", "20\n0", "1_000", "20,5", "NaN", "inf", "GB",
        ),
        "KUBE_CLUSTER_INITIALIZATION_TIMEOUT": (
            "0", "-5", "86401", "1.5", "1e9", "5m", "\uff15", "300s", "99999999999999999999",
        ),
        "SERVICE_CLUSTER_IP_RANGE": (
            "10.0.0.0", "10.0.0.0/33", "10.0.0.0/8", "10.0.0.0/30", "10.0.0.1/16", "::/64",
            "10.0.0.0/255.255.0.0", "256.0.0.0/16", "0/0", "10.0.0.0/16\n",
            "\u0661\u0660.0.0.0/16", "10.0.0.0/-1", "010.0.0.0/16",
        ),
        "KUBE_DNS_DOMAIN": (
            "Cluster.Local", ".", "..", "cluster..local", "-a.b", "a-.b", "cluster.local.",
            "a" * 64, "a." * 200, "\u00fc.local", "a_b.local", "*.local", "a b",
        ),
        "KUBE_GCE_MASTER_IMAGE": (
            "family/", "/", "family/../x", "projects//global/images/x", "projects/p/images/x",
            "Debian-12", "family/debian 12", "https://x/y", "cos-stable", "family/cos-109",
        ),
        "HAKUBE_COMPUTE_ENDPOINT": (
            "http://example.invalid", "http://10.0.0.1", "ftp://127.0.0.1", "file:///etc/passwd",
            "127.0.0.1:80", "//127.0.0.1", "http://", "http://127.0.0.1:99999", "http://127.0.0.1:x",
            "http://user:pass@127.0.0.1", "http://127.0.0.1/?x=1", "http://127.0.0.1/#x",
            "http://127.0.0.1.example.invalid", "http://0x7f.1", "http://2130706433",
            "http://[::1", "javascript:alert(1)", "http://127.0.0.1\n/", "http://\uff11\uff12\uff17.0.0.1",
            "gopher://127.0.0.1", "http://localhost.example.invalid", "http://@127.0.0.1",
        ),
        "PROJECT": (
            "a" * 31, "My-Project", "p;x", "-p", "p-", "p_q", "p/../q", "p\n", "\uff50",
            "example.com:", ":p", "a:b:c", "projects/p",
        ),
        "HAKUBE_RUNTIME": ("docker", "Records", "process;", "../records", "machine"),
        "HAKUBE_LATENCY": ("fast", "./profile", "0", "-1", "realistic\n"),
        "HAKUBE_STRICT": ("maybe", "strict"),
        "NUM_NODES": (
            "-1", "15001", "3.0", "1e3", "three", "\u0663", "3\n4", "0x3", " 3",
            "3;", "+3", "999999999",
        ),
        "MAX_INSTANCES_PER_MIG": ("--1", "1e3", "ten", "\uff11", "9999999", "-", "1;id"),
        "PREEMPTIBLE_NODE": ("SPOT!", "maybe", "sp\u043et", "preemptible", "true,spot"),
        "NODE_DISK_TYPE": ("ssd", "PD-SSD", "pd-ssd;", "../pd-ssd", "local-ssd"),
        "NODE_SCOPES": (
            "everything", "storage-ro,", ",", "storage-ro storage-rw", "https://evil.example/auth/x",
            "https://www.googleapis.com/auth/../x y", "storage-\u0433o", "cloud-platform\n",
        ),
        "KUBE_GCE_NODE_SERVICE_ACCOUNT": (
            "Default", "me", "a@b@c", "@x", "x@", "a b@c", "$(id)@x", "\uff41@b", "a@b\nc",
        ),
        "KUBE_NODE_LABELS": (
            "a", "a=b=c", "=b", "a b=c", "-a=b", "a=b,", "a=$(id)", "\uff41=b", "a/b/c=d",
        ),
        "CLUSTER_IP_RANGE": (
            "10.64.0.0", "10.64.0.0/7", "10.64.0.0/25", "10.64.0.1/14", "::/14", "10.0.0.0/8",
        ),
        "NODE_IP_RANGE": ("10.40.0.0/30", "10.40.0.1/22", "10.0.0.0/16", "x/22"),
        "MASTER_IP_RANGE": ("10.246.0.0/32", "10.246.0.0/-1", "10.64.5.0/24"),
        "KUBE_GCE_IP_ALIAS_SIZE": ("24", "/8", "/31", "/2 4", "/\u0662\u0664", "/240", "-/24"),
        "KUBE_GCE_NODE_IPAM_MODE": ("CloudAllocator", "rangeallocator", "IPAMFromCluster", "x"),
        "KUBE_ENABLE_CLUSTER_AUTOSCALER": ("true", "on", "maybe"),
        "OVERRIDE_CONTEXT": (
            "a b", "-a", "a\n", "\x1b[2J", "a;b", "$(id)", "\u202ea", "a" * 254, "'", "a\u00a0b",
        ),
        "KUBE_SERVER": (
            "203.0.113.7", "ftp://x", "http://example.invalid", "https://me:pw@x", "https://",
            "https://x:99999", "https://x/?a=b", "https://x\n", "javascript:alert(1)",
        ),
        "SECONDARY_KUBECONFIG": ("maybe", "2"),
        "ALLOWED_NOTREADY_NODES": ("-1", "all", "1.5"),
        "CLUSTER_READY_ADDITIONAL_TIME_SECONDS": ("-1", "86401", "30s"),
        "E2E_ZONES": (
            "mars", "us-east1-b,us-east1-c", "us-east1", "us-east1-b;id", "\uff55s-east1-b",
        ),
        "KUBE_MASTER_ZONES": (
            "europe-west1-b,us-east1-b", "europe-west1", ",", "europe-west1-b;id",
            "europe-west1-b,europe-west1-b", "europe-west1-b\n",
            ",".join(["us-east1-b"] * 8),
        ),
        "HAKUBE_API_NAMES": (
            "a b", "a,", "-a", "a_b", "1.2.3", "999.1.1.1", "*.example.com", "a;id", "a\n",
            "\uff41", "https://a", "a,b,c,d,e", "a" * 64,
        ),
        "HAKUBE_LABELS": (
            "Team=Dev", "Owner=John Doe", "a", "=b", "a=b,", "a=b,a=c", "hakube-uid=x", "1a=b",
            "a=\u00fc", "\uff41=b", "a=\x1b[2J", "a=" + "b" * 64, "a=b;c",
            ",".join(f"l{n}=v" for n in range(20)),
        ),
    }  # fmt: skip
    for name, texts in table.items():
        for text in texts:
            about = f"{name}={text[:24]!a}"
            yield Hostile(about=about, verb="up", variables={name: text})


# ------------------------------------------------------------------------------------ the files


def dotenvs() -> Iterator[Hostile]:
    switch = b"KUBE_DELETE_NODES"
    table: dict[str, bytes] = {
        "byte order mark": b"\xef\xbb\xbf" + switch + b"=false\n",
        "NUL": switch + b"=false\x00\n",
        "not UTF-8": switch + b"=\xff\xfe\n",
        "UTF-16": (b"\xff\xfe" + (switch + b"=false\n").decode().encode("utf-16-le")),
        "a switch twice": switch + b"=false\n" + switch + b"=true\n",
        "a name without a value": switch + b"\n",
        "a quote left open": switch + b"='false\nMULTIZONE=true\n",
        "double quote left open": switch + b'="false\n',
        "a blank in the name": b"KUBE DELETE NODES=false\n",
        "a dash in the name": b"KUBE-DELETE-NODES=false\n",
        "a near miss": b"KUBE_DELETE_NODE=false\n",
        "a fullwidth name": "\uff2b\uff35\uff22\uff25=false\n".encode(),
        "an escape in the name": b"KUBE_\x1b[2J=false\n",
        "an escape in the value": switch + b"=\x1b[2J\n",
        "an escape made by quotes": switch + b'="\\x1b[2J"\n',
        "a newline made by quotes": b'KUBE_REPLICA_NAME="a\\nb"\n',
        "a value over two lines": b'KUBE_REPLICA_NAME="a\nb"\n',
        "command substitution": b"KUBE_REPLICA_NAME=$(touch owned)\n",
        "back-ticks": b"KUBE_REPLICA_NAME=`touch owned`\n",
        "another variable": b"KUBE_REPLICA_NAME=${HOME}\n",
        "shell code": b"if true; then touch owned; fi\n",
        "a sourced file": b". /etc/profile\n",
        "HTML": b"<html>\n",
        "JSON": b'{"KUBE_DELETE_NODES": "false"}\n',
        "YAML": b"KUBE_DELETE_NODES: false\n",
        "a private key": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "100 KB": b"# " + b"a" * 100_000 + b"\n",
        "a million lines": b"\n" * 1_000_000,
        "a value of 60 KB": b"KUBE_REPLICA_NAME=" + b"a" * 60_000 + b"\n",
        "an unknown HAKUBE": b"HAKUBE_FORCE=true\n",
        "export of nothing": b"export\n",
        "equals alone": b"=\n",
        "old line ends, twice": switch + b"=false\r" + switch + b"=true\r",
    }  # fmt: skip
    for name in (
        "HAKUBE_COMPUTE_ENDPOINT", "HAKUBE_BINARIES", "HAKUBE_HOME", "HAKUBE_ENV_FILE",
        "KUBECONFIG", "HOME", "PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME",
        "GOOGLE_APPLICATION_CREDENTIALS", "CLOUDSDK_CONFIG", "CLOUDSDK_ACTIVE_CONFIG_NAME",
    ):  # fmt: skip
        table[f"sets {name}"] = f"{name}=/tmp/evil\n".encode()
    for about, content in table.items():
        yield Hostile(about=f".env: {about}", verb="down", variables={}, dotenv=content)
    yield Hostile(
        about=".env: the environment wins",
        verb="down",
        variables={"KUBE_DELETE_NODES": "false"},
        dotenv=b"KUBE_DELETE_NODES=true\n",
        statuses=LEGAL,
        means="remove",
    )
    yield Hostile(
        about=".env: comments and Windows line ends",
        verb="down",
        variables={},
        dotenv=b"# ours\r\nKUBE_DELETE_NODES=false # keep the rest\r\n",
        statuses=LEGAL,
        means="remove",
    )


ANY = frozenset({0, 2, 3, 4, 5})
"""Files that cannot be used: refused, or never needed by a command that only plans."""


def folders() -> Iterator[Hostile]:
    for name, texts in {
        "HAKUBE_HOME": ("relative", "./x", "~", "~root/x", "$HOME/x", "C:\\x", "/a\nb", "/\x1b[2J",
                        "/" + "a" * 5000, "file:///tmp/x", "-x", "/srv/\u202ex"),
        "HAKUBE_BINARIES": ("bin", "../bin", "/a\nb"),
        "HAKUBE_ENV_FILE": ("/nonexistent/.env", "/etc", "/dev/zero", "/dev/null", "/dev/tty",
                            "/proc/self/mem", "/etc/shadow", "../../etc/passwd", "a\nb",
                            "\x1b[2J", "a" * 5000, "OFF!"),
        "KUBECONFIG": (":", "::::", "/a\nb", "/a\x1b[2J"),
    }.items():  # fmt: skip
        for text in texts:
            about = f"{name}={text[:24]!a}"
            yield Hostile(about=about, verb="up", variables={name: text})
    unusable = {
        "home is a file",
        "home is below a file",
        "home is a link to nowhere",
        "home is a loop",
    }
    for about, variable, below in (
        ("home is a file", "HAKUBE_HOME", "file"),
        ("home is below a file", "HAKUBE_HOME", "file/home"),
        ("home is a link to nowhere", "HAKUBE_HOME", "dangling"),
        ("home is a loop", "HAKUBE_HOME", "loop"),
        ("home may not be entered", "HAKUBE_HOME", "shut/home"),
        ("home may be written by all", "HAKUBE_HOME", "open"),
        ("home goes up and down", "HAKUBE_HOME", "x/../../y"),
        ("home with a blank", "HAKUBE_HOME", "a b"),
        ("home with quotes", "HAKUBE_HOME", "a'b\"c"),
        ("kubeconfig is a folder", "KUBECONFIG", "open"),
        ("kubeconfig is below a file", "KUBECONFIG", "file/config"),
        ("kubeconfig is a loop", "KUBECONFIG", "loop"),
        ("kubeconfig is no YAML", "KUBECONFIG", "garbage"),
        ("kubeconfig is a list", "KUBECONFIG", "list.yaml"),
        ("kubeconfig is a bomb", "KUBECONFIG", "bomb.yaml"),
        ("kubeconfig runs Python", "KUBECONFIG", "python.yaml"),
        ("kubeconfig is binary", "KUBECONFIG", "binary"),
        ("kubeconfig may not be read", "KUBECONFIG", "shut/config"),
        ("kubeconfig has an escape", "KUBECONFIG", "escape.yaml"),
    ):
        for verb in ("up", "status"):
            yield Hostile(
                about=f"{verb}: {about}",
                verb=verb,
                variables={},
                paths={variable: below},
                statuses=WRONG if about in unusable else ANY,
            )


TRAPS: Mapping[str, bytes] = {
    "file": b"a file\n",
    "garbage": b"\t{[:\x00",
    "list.yaml": b"- a\n- b\n",
    "bomb.yaml": b"a: &a [x, x]\n" + b"b: [*a, *a]\n" * 50 + b"clusters: &c\n- *c\n",
    "python.yaml": b"!!python/object/apply:os.system ['touch owned']\n",
    "binary": bytes(range(256)) * 4,
    "escape.yaml": b'apiVersion: v1\nkind: "\\e[2J"\nclusters: "\\e[31m"\n',
}
"""Files that stand below the test's folder."""

CORPUS: tuple[Hostile, ...] = (
    *names(),
    *switches(),
    *contradictions(),
    *near_misses(),
    *measures(),
    *dotenvs(),
    *folders(),
)
