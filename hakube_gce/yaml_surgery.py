"""Changing one list item or one value of a YAML file, and not one byte besides.

Loading and dumping would lose comments, order, quoting and line ends of a file that belongs to
somebody else. So the text is cut where PyYAML's marks say the parts lie. It knows the shapes that
kubeconfigs come in: block and flow lists (JSON included) under a mapping at the top. What it does
not understand it refuses; and since a cut at a wrong mark is always conceivable, whoever calls
compares the parsed result with what was meant before using it.

Pure: text in, text out. PyYAML's C parser is not used: its marks differ for some nodes.
"""

import json
import re
from functools import lru_cache
from typing import Any

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

_NULL = "tag:yaml.org,2002:null"
_NODES_MAX = 200_000
"""Ten thousand clusters; a chain of aliases passes it at once."""

_PLAIN = re.compile(
    r"[a-z][a-z0-9-]*_[a-z][a-z0-9-]*"  # a context's name
    r"|https://[0-9A-Za-z.:/-]*[0-9A-Za-z/-]"  # a server
    r"|[A-Za-z][0-9A-Za-z+/]{11,}={0,2}"  # base64
    r"|[a-z]+(?:-[a-z]+)*",  # a field's name
    re.ASCII,
)
_LOOKS_ODD = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "inf", "nan"})
"""Words that some YAML reader does not take for a string: kubectl's takes y for true."""


class Unusable(ValueError):
    """The text is broken, or of a shape that is not understood."""

    def __init__(self, reason: str, *, line: int = 0) -> None:
        """Say why, and where: ``line`` counts from 1, 0 when no single line is to blame."""
        super().__init__(reason)
        self.reason = reason
        self.line = line


@lru_cache(maxsize=8)
def compose(text: str) -> MappingNode | None:
    """Parse a document into nodes with marks; None when it holds nothing but comments and space.

    Remembered, because a change asks several times; nobody alters the nodes.

    Raises:
        Unusable: It is not YAML, several documents, no mapping, or names a key twice.
    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise Unusable(
            error.problem or "it is not YAML", line=mark.line + 1 if mark else 0
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise Unusable(f"it is not YAML ({error})") from error
    if root is None or (root.tag == _NULL and not root.value):
        return None
    if not isinstance(root, MappingNode):
        raise Unusable("it is not a mapping of keys to values", line=_line(root))
    _refuse_endless(root)
    seen = set()
    for key, _ in root.value:
        if key.value in seen:
            raise Unusable(f"the key {key.value!r} stands there twice", line=_line(key))
        seen.add(key.value)
    return root


def _refuse_endless(root: Node) -> None:
    """Refuse aliases that contain themselves, or each other until nobody can walk them."""
    waiting, steps = [root], 0
    while waiting:
        node = waiting.pop()
        steps += 1
        if steps > _NODES_MAX:
            raise Unusable("it is too large, or its aliases have no end")
        if isinstance(node, MappingNode):
            waiting += [part for pair in node.value for part in pair]
        elif isinstance(node, SequenceNode):
            waiting += node.value


def value_of(mapping: MappingNode | None, key: str) -> Node | None:
    """Return the node of a key's value, or None."""
    pairs = mapping.value if mapping is not None else []
    return next((value for name, value in pairs if name.value == key), None)


def items_of(mapping: MappingNode | None, key: str) -> list[Node]:
    """Return the items of the list under a key; none when it is missing or null.

    Raises:
        Unusable: The value is no list.
    """
    value = value_of(mapping, key)
    if value is None or value.tag == _NULL:
        return []
    if not isinstance(value, SequenceNode):
        raise Unusable(f"{key} is not a list", line=_line(value))
    return list(value.value)


def plain_value(node: Node) -> Any:
    """Return a node's value as Python objects.

    Raises:
        Unusable: It holds something that is no plain data.
    """
    loader = yaml.SafeLoader("")
    try:
        return loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise Unusable("it is not plain data", line=_line(node)) from error
    finally:
        loader.dispose()


# ---------------------------------------------------------------------------------- list items


def append_item(text: str, key: str, item: dict[str, Any]) -> str:
    """Append an item to the list under a top-level key; the list is made when there is none."""
    root = compose(text)
    value = value_of(root, key)
    if root is None or value is None:
        return _add_key(text, root, key, [item])
    items = items_of(root, key)
    if items and not _is_flow(value):
        at = _line_end(text, _end(items[-1], text))
        return text[:at] + _block(text, [item], indent=value.start_mark.column) + text[at:]
    if items:
        at = _end(items[-1], text)
        return f"{text[:at]}, {_flow(item)}{text[at:]}"
    start, end = value.start_mark.index, value.end_mark.index
    if _is_flow(root):
        return f"{text[:start]}[{_flow(item)}]{text[end:]}"
    # null or []: becomes a block list below its key, whatever comment stands beside it
    kept = text[:start].rstrip(" ") + text[end:]
    at = _line_end(kept, len(text[:start].rstrip(" ")))
    return kept[:at] + _block(text, [item], indent=root.start_mark.column) + kept[at:]


def replace_item(text: str, key: str, position: int, item: dict[str, Any]) -> str:
    """Put another item in the place of one; comments inside the old item go with it."""
    value, node = _item(text, key, position)
    if _is_flow(value):
        return text[: node.start_mark.index] + _flow(item) + text[_end(node, text) :]
    start, end = _lines_of(text, node)
    return text[:start] + _block(text, [item], indent=value.start_mark.column) + text[end:]


def remove_item(text: str, key: str, position: int) -> str:
    """Remove an item; a list that held no other stays as ``[]``."""
    value, node = _item(text, key, position)
    if _is_flow(value):
        start, end = _flow_range(text, value, position)
        return text[:start] + text[end:]
    start, end = _lines_of(text, node)
    shorter = text[:start] + text[end:]
    if len(value.value) > 1:
        return shorter
    root = compose(text)
    name = next(k for k, _ in root.value if k.value == key) if root else node
    colon = text.index(":", name.end_mark.index) + 1
    return f"{shorter[:colon]} []{shorter[colon:]}"


def set_scalar(text: str, key: str, content: str) -> str:
    """Set a top-level key to a string; a missing key is added at the end."""
    root = compose(text)
    value = value_of(root, key)
    if root is None or value is None:
        return _add_key(text, root, key, content)
    if not isinstance(value, ScalarNode) or value.style in {"|", ">"}:
        raise Unusable(f"{key} is not a string on one line", line=_line(value))
    start, end = value.start_mark.index, value.end_mark.index
    space = "" if text[start - 1 : start].isspace() else " "
    return f"{text[:start]}{space}{_scalar(content, flow=_is_flow(root))}{text[end:]}"


# ---------------------------------------------------------------------------------- inner parts


def _add_key(text: str, root: MappingNode | None, key: str, value: Any) -> str:
    if root is None:
        raise Unusable("it holds nothing yet")
    if _is_flow(root):
        rendered = f"{json.dumps(key)}: {_flow(value)}"
        if not root.value:
            at = root.start_mark.index + 1
            return text[:at] + rendered + text[at:]
        at = _end(root.value[-1][1], text)
        return f"{text[:at]}, {rendered}{text[at:]}"
    at = _line_end(text, _end(root, text))
    indent = root.start_mark.column
    head = f"{_newline(text)}{' ' * indent}{key}:"
    if isinstance(value, str):
        return f"{text[:at]}{head} {_scalar(value, flow=False)}{text[at:]}"
    return text[:at] + head + _block(text, value, indent=indent) + text[at:]


def _item(text: str, key: str, position: int) -> tuple[SequenceNode, Node]:
    value = value_of(compose(text), key)
    if not isinstance(value, SequenceNode):
        raise Unusable(f"{key} is not a list")
    return value, value.value[position]


def _lines_of(text: str, node: Node) -> tuple[int, int]:
    """Return the range of a block item: the line break before its dash … the end of its last line.

    So the text after it keeps its own line break, and a file without one at its end stays so.
    """
    start = text.rfind("\n", 0, node.start_mark.index)
    if start < 0 or not re.fullmatch(r" *-[ \t]+", text[start + 1 : node.start_mark.index]):
        raise Unusable("a list item does not begin beside its dash", line=_line(node))
    if text[start - 1 : start] == "\r":
        start -= 1
    return start, _line_end(text, _end(node, text))


def _flow_range(text: str, value: SequenceNode, position: int) -> tuple[int, int]:
    node = value.value[position]
    if position + 1 < len(value.value):
        return node.start_mark.index, value.value[position + 1].start_mark.index
    end = _end(node, text)
    if position > 0:
        return _end(value.value[position - 1], text), end
    comma = re.compile(r"\s*,").match(text, end)
    return node.start_mark.index, comma.end() if comma else end


def _end(node: Node, text: str) -> int:
    """Return where a node's own text ends; a block collection's own mark includes comments."""
    if isinstance(node, ScalarNode):
        end = node.end_mark.index
        return len(text[:end].rstrip("\r\n")) if node.style in {"|", ">"} else end
    if _is_flow(node) or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last, text)


def _line_end(text: str, index: int) -> int:
    end = text.find("\n", index)
    if end < 0:
        return len(text)
    return end - 1 if end > index and text[end - 1] == "\r" else end


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _block(text: str, items: list[dict[str, Any]], *, indent: int) -> str:
    lines = [line for item in items for line in _item_lines(item)]
    return "".join(f"{_newline(text)}{' ' * indent}{line}" for line in lines)


def _item_lines(item: dict[str, Any]) -> list[str]:
    """Write an item as kubectl does: two levels of block, anything deeper as JSON on its line."""
    lines = []
    for key, value in item.items():
        if isinstance(value, dict) and value:
            lines.append(f"{_scalar(key)}:")
            lines += [f"  {_scalar(k)}: {_rendered(v)}" for k, v in value.items()]
        else:
            lines.append(f"{_scalar(key)}: {_rendered(value)}")
    return [f"{'- ' if number == 0 else '  '}{line}" for number, line in enumerate(lines)]


def _rendered(value: Any) -> str:
    return _scalar(value) if isinstance(value, str) else _flow(value)


def _flow(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except TypeError as error:
        raise Unusable("the entry holds a value that JSON does not have") from error


def _scalar(content: Any, *, flow: bool = False) -> str:
    plain = isinstance(content, str) and content not in _LOOKS_ODD and _PLAIN.fullmatch(content)
    return content if plain and not flow else _flow(content)


def _is_flow(node: Node) -> bool:
    return bool(getattr(node, "flow_style", False))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1
