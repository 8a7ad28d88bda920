"""Google's library is imported late, and the short way; every check has a process of its own."""

import subprocess
import sys

import pytest


def run(program: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_the_package_imports_nothing_of_googles() -> None:
    program = (
        "import sys, hakube_gce.gce\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('google', 'requests', 'grpc')])"
    )
    assert run(program) == "[]"


def test_the_short_way_works_and_loads_no_service_that_is_not_needed() -> None:
    """When this fails, the plain import is used: slower by a second or two, and nothing else."""
    program = (
        "import sys\n"
        "from hakube_gce.gce import library\n"
        "prefix = 'google.cloud.compute_v1.services.'\n"
        "print(len({m.split('.')[4] for m in sys.modules if m.startswith(prefix)}))"
    )
    assert run(program) == "19"


def test_others_in_the_same_process_find_the_library_whole() -> None:
    program = (
        "from hakube_gce.gce import library\n"
        "from google.cloud import compute_v1\n"
        "assert compute_v1.AddressesClient is library.AddressesClient\n"
        "assert compute_v1.Address is library.compute.Address\n"
        "print(compute_v1.RoutersClient.__name__, len(compute_v1.__all__) > 1000)"
    )
    assert run(program) == "RoutersClient True"


@pytest.mark.slow
def test_a_library_that_is_imported_already_is_left_alone() -> None:
    program = (
        "from google.cloud import compute_v1\n"
        "from hakube_gce.gce import library\n"
        "print(compute_v1.AddressesClient is library.AddressesClient)"
    )
    assert run(program) == "True"


@pytest.mark.slow
def test_when_the_short_way_fails_the_plain_one_is_taken() -> None:
    """The messages refuse to be imported until the package's own __init__ has begun to run."""
    program = (
        "import sys\n"
        "class Refuses:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        package = sys.modules.get('google.cloud.compute_v1')\n"
        "        if name == 'google.cloud.compute_v1.types' and '__getattr__' in vars(package):\n"
        "            raise ImportError('not this way')\n"
        "sys.meta_path.insert(0, Refuses())\n"
        "from hakube_gce.gce import library\n"
        "package = sys.modules['google.cloud.compute_v1']\n"
        "print('RoutersClient' in vars(package), library.compute.Address.__name__)"
    )
    assert run(program) == "True Address"
