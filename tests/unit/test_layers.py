"""The layers of the program, read from its imports: what must not know what.

A rule about a module that does not exist yet holds from the day it does.
"""

import ast
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "hakube_gce"

PURE = (
    "settings", "variables", "setting_kinds", "address_kinds", "list_kinds", "path_kinds",
    "access_scopes", "setting_sources", "setting_names", "node_settings", "network_settings",
    "access_settings", "identity_settings", "switch_settings", "sizes", "inheritable", "explain",
    "misspellings", "intents", "model", "resources", "conditions", "plan", "steps", "pki",
    "verdicts", "balancer_steps", "render", "errors", "names", "marks", "inherit", "snapshots",
    "describe", "remembered", "leaves", "cluster_keys", "understand", "timestamps",
    "node_resources", "render_nodes", "node_steps", "node_startup", "understand_nodes",
    "network_resources", "network_steps", "understand_networks", "render_left",
    "whatif", "whatif_text", "whatif_worlds", "clock_check", "validation", "facts",
    "command_table", "completion", "user_labels", "node_requests",
    "api_names", "manifest", "cloud_files", "label_steps", "original_words",
)  # fmt: skip
"""Decisions on values: they reach nothing outside themselves."""

OUTSIDE_WORLD = frozenset(
    {
        "asyncio", "concurrent", "dotenv", "google", "grpc", "http", "io", "logging",
        "multiprocessing", "os", "pathlib", "queue", "random", "requests", "rich", "secrets",
        "select", "selectors", "shutil", "signal", "socket", "socketserver", "ssl", "subprocess",
        "sys", "tempfile", "tenacity", "threading", "time", "urllib.request",
    }
)  # fmt: skip
"""What a pure module may not import: files, processes, networks, clocks, chance, threads."""

IMPURE_CALLS = frozenset({"open", "print", "input", "exec", "eval", "__import__"})

DECIDING = (
    "plan", "execute", "perform", "gce", "observe", "understand", "lock", "holder", "channel",
    "conditions", "verdicts", "steps", "inherit", "commands", "cli", "run", "run_locked",
    "ending", "job", "courses", "looks", "assemble", "whatif",
)  # fmt: skip
"""What the emulator must not know: it would agree with our mistakes."""

SCREENS = ("screen", "cli")
"""The only ones that may use rich."""

ENTRIES = ("cli", "agent.__main__", "emulator.__main__")
"""Where our three programs start: the only ones that read the process environment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """A module of the program and what it names."""

    name: str
    """Without the package, e.g. ``plan.create``; empty for the package itself."""
    tree: ast.Module

    def imports(self) -> Iterator[str]:
        """Yield each module imported, and each name imported from one, with dots."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = node.module or ""
                if node.level:
                    parents = [PACKAGE, *self.name.split(".")][: -node.level or None]
                    base = ".".join([*parents, *([base] if base else [])])
                yield base
                yield from (f"{base}.{alias.name}" for alias in node.names)

    def own_imports(self) -> set[str]:
        start = PACKAGE + "."
        return {name.removeprefix(start) for name in self.imports() if name.startswith(start)}

    def is_within(self, *names: str) -> bool:
        return _within(self.name, names)


def _within(name: str, parents: tuple[str, ...] | frozenset[str]) -> bool:
    return any(name == parent or name.startswith(parent + ".") for parent in parents)


def modules() -> list[Module]:
    found = []
    for path in sorted((ROOT / PACKAGE).rglob("*.py")):
        parts = path.relative_to(ROOT / PACKAGE).with_suffix("").parts
        name = ".".join(parts).removesuffix("__init__").removesuffix(".")
        found.append(Module(name=name, tree=ast.parse(path.read_text(), str(path))))
    return found


ALL = modules()


def of(*names: str) -> list[Module]:
    return [module for module in ALL if module.is_within(*names)]


def test_the_modules_are_found() -> None:
    assert {"errors", "model", "names", "ports", "settings"} <= {module.name for module in ALL}


@pytest.mark.parametrize("module", of(*PURE), ids=lambda module: module.name)
def test_a_pure_module_reaches_nothing(module: Module) -> None:
    assert {name for name in module.imports() if _within(name, OUTSIDE_WORLD)} == set()
    calls = {
        node.func.id
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert calls & IMPURE_CALLS == set()


@pytest.mark.parametrize("module", of(*PURE), ids=lambda module: module.name)
def test_a_pure_module_imports_pure_ones_alone(module: Module) -> None:
    assert {name for name in module.own_imports() if not _within(name, PURE)} == set()


@pytest.mark.parametrize("module", of("emulator"), ids=lambda module: module.name)
def test_the_emulator_knows_nothing_of_what_it_is_used_to_check(module: Module) -> None:
    assert {name for name in module.own_imports() if _within(name, DECIDING)} == set()


@pytest.mark.parametrize("module", of("agent"), ids=lambda module: module.name)
def test_the_agent_needs_the_standard_library_alone(module: Module) -> None:
    foreign = {
        name
        for name in module.imports()
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not _within(name, (f"{PACKAGE}.agent",))
        and name != PACKAGE
    }
    assert foreign == set()


def test_only_the_gateway_imports_googles_compute_library() -> None:
    libraries = ("google.cloud", "google.api_core")
    users = {m.name for m in ALL if any(_within(name, libraries) for name in m.imports())}
    assert {name for name in users if not _within(name, ("gce",))} == set()


def test_only_screens_use_rich() -> None:
    users = {m.name for m in ALL if any(_within(name, ("rich",)) for name in m.imports())}
    assert {name for name in users if not _within(name, SCREENS)} == set()


def test_only_a_programs_entry_reads_the_environment() -> None:
    readers = {
        module.name
        for module in ALL
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.Attribute) and node.attr in {"environ", "environb", "getenv"})
        and isinstance(node.value, ast.Name)
        and node.value.id == "os"
    }
    readers |= {m.name for m in ALL if {"os.environ", "os.getenv"} & set(m.imports())}
    assert readers - set(ENTRIES) == set()


def test_no_shell_is_ever_asked() -> None:
    """``shell=True`` and os.system would read names and values as commands."""
    asked = {
        f"{module.name}:{node.lineno}"
        for module in ALL
        for node in ast.walk(module.tree)
        if (isinstance(node, ast.keyword) and node.arg == "shell")
        or (isinstance(node, ast.Attribute) and ast.unparse(node) in {"os.system", "os.popen"})
    }
    assert asked == set()


def test_relative_imports_are_understood() -> None:
    """The reader of imports itself: what it does not see, no rule here forbids."""
    tree = ast.parse("from . import a\nfrom .b import c\nfrom .. import d\nimport os.path as p\n")
    found = set(Module(name="emulator.x", tree=tree).imports())
    assert {"hakube_gce.emulator.a", "hakube_gce.emulator.b.c", "hakube_gce.d", "os.path"} <= found
