"""A page that a script writes from a table: writes it, or tells whether the one there is true."""

import argparse
from pathlib import Path


def write_or_check(page: Path, text: str, *, script: str) -> int:
    """Do as the command line says: write the page, or with ``--check`` only compare.

    Returns:
        The exit status: 1 when the page is not the text and was not to be written.
    """
    parser = argparse.ArgumentParser(description=f"Write {page.name} from its table.")
    parser.add_argument("--check", action="store_true", help="only compare")
    check = parser.parse_args().check
    there = page.read_text(encoding="utf-8") if page.exists() else ""
    if there == text:
        return 0
    if check:
        print(f"{page.name} is not what the table says: run scripts/{Path(script).name}")
        return 1
    page.write_text(text, encoding="utf-8")
    print(f"wrote {page}")
    return 0
