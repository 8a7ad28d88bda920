"""A serial port shows its end, and says how much it does not show."""

from pathlib import Path

import pytest

from hakube_gce.emulator.serial_port import KEPT_BYTES, SerialPort


def test_a_port_that_was_never_written_to_is_empty(tmp_path: Path) -> None:
    port = SerialPort(tmp_path / "serial-2")
    assert (port.output(), port.dropped()) == (b"", 0)


def test_the_file_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    SerialPort(tmp_path / "serial-2").touch()
    assert (tmp_path / "serial-2").stat().st_mode & 0o777 == 0o600


def test_touching_keeps_what_was_written(tmp_path: Path) -> None:
    (tmp_path / "serial-2").write_bytes(b"before\n")
    port = SerialPort(tmp_path / "serial-2")
    port.touch()
    assert port.output() == b"before\n"


@pytest.mark.parametrize("size", [0, 1, KEPT_BYTES, KEPT_BYTES + 1, 3 * KEPT_BYTES + 77])
def test_dropped_and_shown_add_up_to_all_that_was_written(tmp_path: Path, size: int) -> None:
    written = bytes(i % 251 for i in range(size))
    (tmp_path / "serial-2").write_bytes(written)
    port = SerialPort(tmp_path / "serial-2")
    shown = port.output()
    assert len(shown) <= KEPT_BYTES
    assert shown == written[port.dropped() :]


def test_the_offset_belongs_to_the_last_output_though_more_was_written(tmp_path: Path) -> None:
    file = tmp_path / "serial-2"
    file.write_bytes(b"a" * KEPT_BYTES)
    port = SerialPort(file)
    port.output()
    with file.open("ab") as more:
        more.write(b"b" * KEPT_BYTES)
    assert port.dropped() == 0
