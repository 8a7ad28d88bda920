"""How the program says it is started: what is printed must run where it is printed."""

from pathlib import Path

import pytest

from hakube_gce import programs


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    root = tmp_path / "check out"
    touch(
        root / "bin/kube-up.sh", root / "bin/kube-down.sh", root / "scripts/lib/environment.bash"
    )
    return root


def test_in_its_own_folder_a_checkout_names_its_scripts_as_documented(checkout: Path) -> None:
    found = programs.to_print("", folder=checkout, package=checkout / "hakube_gce")
    assert found == ("bin/kube-up.sh", "bin/kube-down.sh", ".venv/bin/hakube")


def test_elsewhere_a_checkout_names_whole_paths_ready_to_paste(checkout: Path) -> None:
    up, _, rest = programs.to_print("", folder=Path("/"), package=checkout / "hakube_gce")
    assert up == f"'{checkout}/bin/kube-up.sh'"
    assert rest == f"'{checkout}/.venv/bin/hakube'"


def test_a_package_beside_somebody_else_s_kube_up_is_no_checkout(tmp_path: Path) -> None:
    touch(tmp_path / "bin/kube-up.sh", tmp_path / "bin/kube-down.sh")
    assert programs.checkout(tmp_path / "hakube_gce") is None


@pytest.fixture
def tool(tmp_path: Path) -> Path:
    """Return the Python of an environment that a tool was installed into."""
    touch(tmp_path / "tool env/bin/python", tmp_path / "tool env/bin/hakube")
    return tmp_path / "tool env/bin/python"


def installed(python: Path, search_path: str) -> tuple[str, str, str]:
    package = python.parents[1] / "lib/site-packages/hakube_gce"
    return programs.to_print(search_path, folder=Path("/"), package=package, python=python)


def test_an_installed_tool_on_path_is_called_by_its_name(tool: Path, tmp_path: Path) -> None:
    links = tmp_path / "links"
    links.mkdir()
    (links / "hakube").symlink_to(tool.with_name("hakube"))
    assert installed(tool, f"/usr/bin:{links}") == ("hakube up", "hakube down", "hakube")


def test_an_installed_tool_off_path_is_called_by_its_place(tool: Path, tmp_path: Path) -> None:
    touch(tmp_path / "other/hakube")
    for search_path in ("", str(tmp_path / "other")):
        up, _, rest = installed(tool, search_path)
        assert (up, rest) == (f"'{tool.parent}/hakube' up", f"'{tool.parent}/hakube'")


def test_without_a_starter_beside_python_the_module_is_named(tmp_path: Path) -> None:
    touch(tmp_path / "python3")
    _, down, rest = installed(tmp_path / "python3", "")
    assert (down, rest) == (f"{rest} down", f"{tmp_path}/python3 -m hakube_gce")
