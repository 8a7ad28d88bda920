"""Two labs never share addresses, and a lab keeps its own."""

import json
import socket
from pathlib import Path

import pytest

from hakube_gce.emulator.addresses import CLAIM_PORT, AddressRange, can_bind, claim
from hakube_gce.errors import SettingsError


def test_two_labs_get_different_ranges(tmp_path: Path) -> None:
    with claim(tmp_path / "a.json") as one, claim(tmp_path / "b.json") as other:
        assert one.addresses.number != other.addresses.number


def test_two_labs_that_would_begin_at_the_same_range_do_not_share_it(tmp_path: Path) -> None:
    memory = tmp_path / "process.json"
    with claim(memory) as one:
        memory.unlink()
        with claim(memory) as other:
            assert one.addresses.number != other.addresses.number


def test_a_lab_that_starts_again_has_its_range_and_port_again(tmp_path: Path) -> None:
    memory = tmp_path / "process.json"
    with claim(memory) as first:
        before = (first.addresses, first.api_port)
    # another folder's first choice would be another range: it is the memory that decides
    moved = memory.rename(tmp_path / "elsewhere.json")
    with claim(moved) as second:
        assert (second.addresses, second.api_port) == before


def test_a_range_that_somebody_else_holds_is_refused_with_the_way_out(tmp_path: Path) -> None:
    memory = tmp_path / "process.json"
    with claim(memory) as first:
        number = first.addresses.number
        with pytest.raises(SettingsError, match=rf"127\.{number}\.0\.0/16 are in use.*emulator"):
            claim(memory)


def test_a_range_in_which_a_dead_lab_s_vms_still_listen_is_passed_over(tmp_path: Path) -> None:
    memory = tmp_path / "process.json"
    with claim(memory) as first:
        haunted = first.addresses
    memory.unlink()
    with socket.create_server((haunted.internal_ip(7), 2379)), claim(memory) as second:
        assert second.addresses != haunted
    memory.unlink()
    with claim(memory) as third:
        assert third.addresses == haunted


def test_a_port_that_somebody_has_on_every_address_is_named(tmp_path: Path) -> None:
    memory = tmp_path / "process.json"
    with claim(memory) as first:
        number = first.addresses.number
    with socket.socket() as foreign:
        foreign.bind((f"127.{number}.2.1", 2380))
        foreign.listen(1)
        with pytest.raises(SettingsError, match="needs port 2380"):
            claim(memory)
    with claim(memory):
        pass  # the failed attempt let go of the range


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"range": 3, "api_port": 443}', '{"range": 20, "api_port": 22}']
)
def test_a_memory_that_says_nothing_usable_is_refused(tmp_path: Path, content: str) -> None:
    memory = tmp_path / "process.json"
    memory.write_text(content)
    with pytest.raises(SettingsError, match=r"process\.json does not say"):
        claim(memory)


def test_the_api_port_is_one_that_this_user_can_bind(tmp_path: Path) -> None:
    with claim(tmp_path / "process.json") as held:
        number = held.addresses.number
        assert can_bind(f"127.{number}.2.9", held.api_port)
        assert held.api_port == (443 if can_bind(f"127.{number}.2.9", 443) else 6443)
        remembered = json.loads((tmp_path / "process.json").read_text())
        assert remembered == {"schema": 1, "range": number, "api_port": held.api_port}


def test_the_range_is_held_as_long_as_the_claim_lives(tmp_path: Path) -> None:
    with claim(tmp_path / "process.json") as held:
        address = f"127.{held.addresses.number}.0.1"
        assert not can_bind(address, CLAIM_PORT)
    assert can_bind(address, CLAIM_PORT)


def test_internal_and_external_addresses_never_meet() -> None:
    lab = AddressRange(number=77)
    internal = {lab.internal_ip(i) for i in range(1000)}
    external = {lab.external_ip(i) for i in range(1000)}
    assert len(internal | external) == 2000
    assert all(lab.holds(address) for address in internal | external)


@pytest.mark.parametrize("index", [-1, 31_250])
def test_an_address_beyond_the_range_is_refused(index: int) -> None:
    with pytest.raises(ValueError, match="31250"):
        AddressRange(number=77).internal_ip(index)
