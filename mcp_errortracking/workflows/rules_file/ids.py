"""The ids of new rules, written into a rules file without changing anything else in it."""

import re
from collections.abc import Mapping
from typing import Any

from mcp_errortracking.catalog.rules_check import Kind
from mcp_errortracking.workflows.rules_file.errors import RulesFileError
from mcp_errortracking.workflows.rules_file.yaml_text import YamlText, read_yaml

_LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|$)")


def add_ids(content: bytes, name: str, ids: Mapping[Kind, Mapping[int, str]]) -> bytes | None:
    """Return the content with the ids of rules, by kind and number; None if they cannot be added."""
    text = read_yaml(content, name)
    lines: list[str] = _LINE.findall(content.decode("utf-8-sig"))
    wanted: Any = text.data
    places = list[tuple[int, int, bool, str]]()
    for kind, of_kind in ids.items():
        for number, identity in of_kind.items():
            wanted[kind][number] = {"id": identity, **wanted[kind][number]}
            places.append((*text.places[(kind, number)], (kind, number) in text.in_line, identity))
    for line, column, in_line, identity in sorted(places, reverse=True):
        before, after = lines[line][:column], lines[line][column:]
        if in_line:
            lines[line] = f"{before}{after[:1]}id: {identity}, {after[1:].lstrip(' ')}"
        else:
            ending = lines[line][len(lines[line].rstrip("\r\n")) :] or "\n"
            lines[line] = f"{before}id: {identity}{ending}{' ' * column}{after}"
    added = "".join(lines).encode("utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else "utf-8")
    return added if _says(added, name, wanted) else None


def _says(content: bytes, name: str, wanted: Any) -> bool:
    try:
        read: YamlText = read_yaml(content, name)
    except RulesFileError:
        return False
    return read.data == wanted
