"""Every refusal and every exit status has its heading in the operator's page."""

import ast
from pathlib import Path

from hakube_gce import errors

ROOT = Path(__file__).resolve().parents[2]
HEADINGS = {
    line.lstrip("#").strip()
    for line in (ROOT / "docs" / "OPERATIONS.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("#")
}


def reasons_in_the_code() -> set[str]:
    found = set()
    for path in (ROOT / "hakube_gce").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Blocker":
                found |= {
                    k.value.value
                    for k in node.keywords
                    if k.arg == "reason"
                    and isinstance(k.value, ast.Constant)
                    and isinstance(k.value.value, str)
                }
    return found


def test_every_refusal_has_a_heading() -> None:
    reasons = reasons_in_the_code()
    assert len(reasons) > 15
    assert reasons <= HEADINGS


def statuses() -> set[int]:
    return {
        value.exit_status
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.HakubeError)
    }


def test_every_exit_status_has_a_heading() -> None:
    numbers = {word for heading in HEADINGS for word in heading.split() if word.isdigit()}
    assert {str(status) for status in statuses()} <= numbers
