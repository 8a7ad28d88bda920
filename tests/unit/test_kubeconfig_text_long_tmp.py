"""Our entries in other people's kubeconfigs: theirs keep every byte."""

import base64
import json
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from hakube_gce.kubeconfig_text import (
    Entry,
    current_context,
    entry_of,
    parts_of,
    with_current,
    with_entry,
    without_entry,
)
from hakube_gce.yaml_surgery import Unusable

NAME = "my-project_kubernetes"
ENTRY = Entry(
    name=NAME,
    server="https://203.0.113.5",
    certificate_authority="-----CA-----\n" * 30,
    client_certificate="-----CERT-----\n" * 30,
    client_key="-----KEY-----\n" * 30,
)

THEIRS = """\
# mine, do not touch
apiVersion: v1
kind: Config
preferences: {colors: true}
clusters:
# the office
- cluster:
    server: https://x   # behind the VPN
    certificate-authority: /etc/x.pem
  name: x

# the lab
- cluster: {server: "https://y", insecure-skip-tls-verify: true}
  name: lab
contexts:
- name: x
  context:
    user: x
    cluster: x
    namespace: default
current-context: x # usually
users:
- name: x
  user:
    token: |
      abc
# the end
"""


def entry_in(text: str) -> Entry | None:
    return entry_of(NAME, parts_of(text, NAME))


def loaded(text: str) -> Any:
    return yaml.safe_load(text)


# -------------------------------------------------------------------------------------- examples


def test_an_entry_is_appended_and_all_else_keeps_its_bytes() -> None:
    after = with_entry(THEIRS, ENTRY, set_current=False)
    ours = iter(after.split("\n"))
    assert all(line in ours for line in THEIRS.split("\n")), "a line of theirs changed or moved"
    assert entry_in(after) == ENTRY
    assert loaded(after)["contexts"][-1] == {
        "name": NAME,
        "context": {"cluster": NAME, "user": NAME},
    }
    assert current_context(after) == "x"


def test_create_switches_the_current_context_and_keeps_its_comment() -> None:
    after = with_entry(THEIRS, ENTRY, set_current=True)
    assert f"current-context: {NAME} # usually\n" in after


def test_removal_gives_back_the_very_text() -> None:
    assert without_entry(with_entry(THEIRS, ENTRY, set_current=False), NAME) == THEIRS


def test_removal_unsets_the_current_context_only_when_it_is_ours() -> None:
    switched = without_entry(with_entry(THEIRS, ENTRY, set_current=True), NAME)
    assert switched == THEIRS.replace("current-context: x", 'current-context: ""')


def test_writing_again_changes_nothing() -> None:
    once = with_entry(THEIRS, ENTRY, set_current=True)
    assert with_entry(once, ENTRY, set_current=True) == once


def test_a_renewed_certificate_changes_its_line_alone() -> None:
    renewed = Entry(
        name=NAME,
        server=ENTRY.server,
        certificate_authority=ENTRY.certificate_authority,
        client_certificate="new",
        client_key=ENTRY.client_key,
    )
    before = with_entry(THEIRS, ENTRY, set_current=True).split("\n")
    after = with_entry("\n".join(before), renewed, set_current=False).split("\n")
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert [b.strip() for _, b in changed] == ['client-certificate-data: "bmV3"']


def test_fields_that_somebody_added_to_our_entry_stay() -> None:
    text = with_entry(THEIRS, ENTRY, set_current=False)
    text = text.replace(f"    user: {NAME}\n", f"    user: {NAME}\n    namespace: kube-system\n")
    text = text.replace(
        "    server: https://203.0.113.5\n",
        "    server: https://203.0.113.9\n    proxy-url: http://proxy\n",
    )
    after = loaded(with_entry(text, ENTRY, set_current=False))
    assert after["contexts"][-1]["context"]["namespace"] == "kube-system"
    cluster = after["clusters"][-1]["cluster"]
    assert (cluster["proxy-url"], cluster["server"]) == ("http://proxy", ENTRY.server)


@pytest.mark.parametrize(
    "odd", ["y", "N", "1e5", "0x10", "on", "~", "a: b", "- c", "", "\u00fc", "{"]
)
def test_strings_that_some_reader_takes_for_something_else_are_quoted(odd: str) -> None:
    text = (
        f"contexts:\n- name: {NAME}\n"
        f"  context: {{namespace: {json.dumps(odd)}, extensions: [{{name: {json.dumps(odd)}}}]}}\n"
    )
    after = with_entry(text, ENTRY, set_current=False)
    context = loaded(after)["contexts"][0]["context"]
    assert (context["namespace"], context["extensions"]) == (odd, [{"name": odd}])
    assert f"namespace: {json.dumps(odd, ensure_ascii=False)}\n" in after


def test_what_would_undo_the_certificates_does_not_stay() -> None:
    text = (
        f"clusters:\n- name: {NAME}\n  cluster: {{insecure-skip-tls-verify: true, server: s}}\n"
        f"users:\n- name: {NAME}\n  user: {{token: old, username: admin}}\n"
    )
    after = loaded(with_entry(text, ENTRY, set_current=False))
    assert "insecure-skip-tls-verify" not in after["clusters"][0]["cluster"]
    assert set(after["users"][0]["user"]) == {"client-certificate-data", "client-key-data"}


def test_doubled_entries_become_one() -> None:
    once = with_entry(THEIRS, ENTRY, set_current=False)
    item = f"- context:\n    cluster: {NAME}\n    user: {NAME}\n  name: {NAME}\n"
    assert item in once
    twice = once.replace(item, item + item)
    assert with_entry(twice, ENTRY, set_current=False) == once
    assert without_entry(twice, NAME) == THEIRS


def test_the_original_scripts_basic_auth_user_goes_too() -> None:
    text = with_entry(THEIRS, ENTRY, set_current=False)
    extra = f"- name: {NAME}-basic-auth\n  user: {{username: admin, password: p}}\n"
    text = text.replace("users:\n", "users:\n" + extra)
    assert without_entry(text, NAME) == THEIRS


def test_an_entry_of_the_original_scripts_is_read_with_what_it_has() -> None:
    text = f"clusters: [{{name: {NAME}, cluster: {{server: 'https://1.2.3.4'}}}}]\n"
    found = entry_in(text)
    assert found is not None
    assert (found.server, found.client_certificate) == ("https://1.2.3.4", "")


def test_damaged_data_in_an_entry_reads_as_missing() -> None:
    text = f"clusters: [{{name: {NAME}, cluster: {{certificate-authority-data: '%%'}}}}]\n"
    found = entry_in(text)
    assert found is not None
    assert found.certificate_authority == ""


@pytest.mark.parametrize("text", ["", "\n", "  \n\n", "# only a comment", "# one\n", "---\n"])
def test_an_empty_file_becomes_a_whole_one_and_keeps_its_comments(text: str) -> None:
    after = with_entry(text, ENTRY, set_current=True)
    assert after.startswith(text)
    assert loaded(after)["kind"] == "Config"
    assert current_context(after) == NAME
    assert entry_in(after) == ENTRY


@pytest.mark.parametrize("empty", ["null", "~", "", "[]", "[ ]", "null # none yet", "[] # none"])
def test_empty_lists_are_filled_and_left_as_empty_lists(empty: str) -> None:
    text = f"clusters: {empty}\n# between\ncontexts: {empty}\nusers: {empty}\n"
    after = with_entry(text, ENTRY, set_current=False)
    assert entry_in(after) == ENTRY
    left = without_entry(after, NAME)
    assert loaded(left) == {"clusters": [], "contexts": [], "users": []}
    assert left.count("#") == text.count("#")
    assert with_entry(left, ENTRY, set_current=False) == with_entry(left, ENTRY, set_current=False)
    assert without_entry(with_entry(left, ENTRY, set_current=False), NAME) == left


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("theirs", [[], [{"name": "x", "cluster": {"server": "s"}}]])
def test_json_stays_json(indent: int | None, theirs: list[object]) -> None:
    value = {"apiVersion": "v1", "clusters": theirs, "contexts": None}
    after = with_entry(json.dumps(value, indent=indent), ENTRY, set_current=True)
    assert json.loads(after)["current-context"] == NAME
    assert json.loads(after)["clusters"][: len(theirs)] == theirs
    assert entry_in(after) == ENTRY
    left = json.loads(without_entry(after, NAME))
    assert (left["clusters"], left["users"], left["current-context"]) == (theirs, [], "")


def test_flow_lists_inside_yaml_are_cut_between_their_commas() -> None:
    def items(key: str) -> str:
        return f"[ {{name: a, {key}: {{}}}} ,  {{name: b, {key}: {{}}}}, ] # c"

    text = f"clusters: {items('cluster')}\ncontexts: {items('context')}\nusers: {items('user')}\n"
    after = with_entry(text, ENTRY, set_current=False)
    assert entry_in(after) == ENTRY
    assert without_entry(after, NAME) == text


def test_an_only_item_with_a_trailing_comma_can_go() -> None:
    text = f"clusters: [ {{name: {NAME}, cluster: {{}}}} , ]\n"
    assert loaded(without_entry(text, NAME)) == {"clusters": []}


def test_a_name_that_yaml_would_misread_is_quoted() -> None:
    name = "example.com:proj_kubernetes"
    entry = Entry(
        name=name, server="s", certificate_authority="", client_certificate="", client_key=""
    )
    after = with_entry(THEIRS, entry, set_current=True)
    assert loaded(after)["current-context"] == name
    assert loaded(after)["users"][-1]["name"] == name


def test_crlf_files_stay_crlf() -> None:
    text = THEIRS.replace("\n", "\r\n")
    after = with_entry(text, ENTRY, set_current=True)
    assert "\n" not in after.replace("\r\n", "")
    assert entry_in(after) == ENTRY


def test_a_byte_order_mark_stays() -> None:
    text = "\ufeff" + THEIRS
    after = with_entry(text, ENTRY, set_current=False)
    assert after.startswith("\ufeff#")
    assert without_entry(after, NAME) == text


def test_certificates_stay_on_one_line() -> None:
    after = with_entry(THEIRS, ENTRY, set_current=False)
    data = base64.b64encode(ENTRY.client_key.encode()).decode()
    assert f"client-key-data: {data}\n" in after


def test_the_current_context_of_another_file_can_be_set() -> None:
    assert with_current("current-context: x\n", NAME) == f"current-context: {NAME}\n"
    assert with_current("kind: Config", NAME) == f"kind: Config\ncurrent-context: {NAME}"
    assert with_current("", NAME) == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("clusters:\n- name: [\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("- a\n- b\n", 1),
        ("a: 1\n---\nb: 2\n", 2),
        ("clusters: []\nusers: []\nclusters: []\n", 3),
        ("kind: Config\nclusters: yes please\n", 2),
        ("a: &x [*x]\nclusters: []\n", 0),
        ("\x00", 0),
        ("just text\n", 1),
        ("current-context: |\n  x\n", 0),
        ("clusters:\n-\n  name: x\n- # odd\n  name: my-project_kubernetes\n", 0),
        ("base: &c\n- name: y\nclusters: *c\n", 0),
    ],
)
def test_what_is_broken_or_not_understood_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Unusable) as caught:
        with_entry(text, ENTRY, set_current=True)
    assert caught.value.line == line


def test_a_change_that_would_alter_a_neighbour_is_refused() -> None:
    # a literal block at the very end of a file without a last line break: a line after it would
    # give that neighbour's token a line break at its end
    text = "users:\n- name: x\n  user:\n    token: |\n      abc"
    with pytest.raises(Unusable, match="other entries would have changed"):
        with_entry(text, ENTRY, set_current=False)


def test_an_entry_does_not_show_its_key() -> None:
    assert "KEY" not in repr(ENTRY)


# ------------------------------------------------------------------------------------------- laws


LAW = settings(deadline=None, max_examples=1500)
"""No deadline: how long the YAML parser takes is not the matter, and the machine is shared."""

WORD = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
COMMENT = st.sampled_from(["", "# note\n", "\n", "# two\n\n  # lines\n", "#\n"])
TRAILING = st.sampled_from(["", " # why", "   ", "  #"])


@st.composite
def block_item(draw: st.DrawFn, inner: str, indent: str) -> str:
    name, value = draw(WORD), draw(st.sampled_from(["s", "'it''s'", '"q"', "1", "null", "ä"]))
    shape = draw(st.sampled_from(["name first", "name last", "flow", "literal", "wide"]))
    more = draw(TRAILING)
    lines = {
        "name first": f"- name: {name}{more}\n  {inner}:\n    k: {value}\n",
        "name last": f"- {inner}:\n    k: {value}{more}\n    # in\n    l: 2\n  name: {name}\n",
        "flow": f"- {{name: {name}, {inner}: {{k: {value}}}}}{more}\n",
        "literal": f"- name: {name}\n  {inner}:\n    k: |\n      one\n\n      two\n",
        "wide": f"-   name: {name}{more}\n    {inner}: {{}}\n",
    }[shape]
    return "".join(f"{indent}{line}" for line in lines.splitlines(keepends=True))


@st.composite
def section(draw: st.DrawFn, key: str, inner: str, least: int) -> str:
    if draw(st.booleans()) and least <= 2:
        items = [
            f"{{name: {draw(WORD)}, {inner}: {{k: 'v'}}}}"
            for _ in range(draw(st.integers(max(least, 1), 3)))
        ]
        glue = draw(st.sampled_from([", ", ",", " ,\n    ", ", # c\n    "]))
        tail = draw(st.sampled_from(["", ",", " ", " ,", "\n  "]))
        return f"{key}: [{glue.join(items)}{tail}]{draw(TRAILING)}\n"
    indent = draw(st.sampled_from(["", "  ", "    "]))
    items = [
        draw(COMMENT) + draw(block_item(inner, indent))
        for _ in range(draw(st.integers(max(least, 1), 4)))
    ]
    return f"{key}:{draw(TRAILING)}\n" + "".join(items)


@st.composite
def kubeconfig(draw: st.DrawFn, *, complete: bool = True) -> str:
    parts = [
        draw(section("clusters", "cluster", 1)),
        draw(section("contexts", "context", 1)),
        draw(section("users", "user", 1)),
    ]
    if not complete:
        parts = [part for part in parts if draw(st.booleans())]
        empty = st.sampled_from(["extensions:\n", "other: {a: [1, 2]}\n", "preferences: {}\n"])
        parts += draw(st.lists(empty, unique=True, max_size=3))
    parts.append(f"current-context: {draw(WORD)}{draw(TRAILING)}\n")
    parts.append("apiVersion: v1\n")
    text = "".join(draw(COMMENT) + part for part in draw(st.permutations(parts)))
    text += draw(st.sampled_from(["", "# end\n", "\n\n"]))
    # a literal block ends with the file's last line break: cutting that would change its value
    if draw(st.booleans()) and not text.rstrip("\n").endswith("      two"):
        text = text.rstrip("\n")
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text


@LAW
@given(kubeconfig())
def test_merge_then_remove_restores_every_byte(text: str) -> None:
    after = with_entry(text, ENTRY, set_current=False)
    assert entry_in(after) == ENTRY
    assert without_entry(after, NAME) == text


@LAW
@given(kubeconfig())
def test_switching_and_removing_changes_the_current_context_alone(text: str) -> None:
    after = without_entry(with_entry(text, ENTRY, set_current=True), NAME)
    old = f"current-context: {current_context(text)}"
    assert after == text.replace(old, 'current-context: ""')


@LAW
@given(kubeconfig(complete=False))
def test_whatever_is_theirs_survives_both_ways(text: str) -> None:
    before = loaded(text)
    with_ours = loaded(with_entry(text, ENTRY, set_current=True))
    without = loaded(without_entry(with_entry(text, ENTRY, set_current=True), NAME))
    for after in (with_ours, without):
        for key in ("clusters", "contexts", "users"):
            rest = [item for item in after.pop(key) if item["name"] != NAME]
            assert rest == before.get(key, [])
        after.pop("current-context")
        assert after == {
            k: v
            for k, v in before.items()
            if k not in {"clusters", "contexts", "users", "current-context"}
        }


@LAW
@given(kubeconfig(complete=False), st.booleans())
def test_merging_twice_is_merging_once(text: str, set_current: bool) -> None:
    once = with_entry(text, ENTRY, set_current=set_current)
    assert with_entry(once, ENTRY, set_current=set_current) == once


@LAW
@given(kubeconfig(complete=False))
def test_every_line_of_theirs_stays_in_its_order(text: str) -> None:
    after = iter(with_entry(text, ENTRY, set_current=False).splitlines())
    theirs = [line for line in text.splitlines() if not set(line) & set("[]}")]
    assert all(line in after for line in theirs)


@LAW
@given(st.text(max_size=60))
def test_any_text_is_merged_or_refused_and_never_a_crash(text: str) -> None:
    try:
        after = with_entry(text, ENTRY, set_current=True)
    except Unusable:
        return
    assert entry_in(after) == ENTRY
