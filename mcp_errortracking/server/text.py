"""A result as an agent reads it: few tokens, and no field lost that it needs to act.

A list of objects is a table: tab-separated, its column names once, what is equal in every row said once. Any other
object is a line per field. Times are cut to whole seconds, in a table to whole minutes; its column says what they share
(UTC, the year). The structured content has them in full.

Whatever of it strangers may have written stays on its line, visible, and unlike our notes: see `untrusted`. Every value
goes through `_scalar` or `_json`, every name through `_name`, every line of a block through `one_line`.
"""

import re
from typing import Any, cast

from pydantic_core import to_json

from mcp_errortracking.catalog.endpoint import Lines
from mcp_errortracking.server.tokens import surely_within, upper_bound
from mcp_errortracking.server.untrusted import clean, escape, is_plain, poses, without_marks

_WORDS = frozenset(["", "null", "true", "false"])
_GROUP = frozenset(["type", "values"])
_ASSIGNEE = frozenset(["type", "id"])
_ROOM_FOR_NOTE = 40
_CONDITION = frozenset(["key", "type", "operator", "value", "label"])
_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)
_FRACTION = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", re.ASCII)


def render(
    data: dict[str, Any],
    notes: list[str],
    *,
    max_tokens: int | None = None,
    is_raisable: bool = True,
    offset: int | None = None,
) -> str:
    """The text of a result: its data, then the notes, a line each.

    Args:
        max_tokens: what is longer is cut, rows first of all, and a note says how to get the rest.
        is_raisable: the caller can ask for more tokens.
        offset: what the caller asked for rows from; None: it cannot.
    """
    is_page = isinstance(data.get("results"), list)
    head, lines = _page(data) if is_page else ([], _fields(data, ""))
    noted = [f"Note: {without_marks(clean(note))}" for note in notes]
    if max_tokens is not None:
        room = max_tokens - upper_bound("\n".join([*head, *noted])) - _ROOM_FOR_NOTE
        kept = _fitting(lines, room)
        if kept < len(lines):
            end = ", or raise max_tokens." if is_raisable else "."
            noted.append(f"Note: {_left_out(data, lines, kept, max_tokens, offset)}{end}")
            lines = lines[:kept]
    return "\n".join([*head, *lines, *noted]) or "Done."


def _fitting(lines: list[str], tokens: int) -> int:
    """How many lines from the first on are within so many tokens."""
    if surely_within(lines, tokens):
        return len(lines)
    for index, line in enumerate(lines):
        tokens -= upper_bound(line) + 1
        if tokens < 0:
            return index
    return len(lines)


def _left_out(data: dict[str, Any], lines: list[str], kept: int, max_tokens: int, offset: int | None) -> str:
    rows = cast("list[Any]", data.get("results") or [])
    missing = len(lines) - kept
    if len(lines) != len(rows):
        return f"{missing} more lines left out to stay within {max_tokens} tokens. Ask for less"
    how = f"Go on with offset {offset + kept}" if offset is not None and kept else "Ask for less"
    return f"{missing} more rows left out to stay within {max_tokens} tokens. {how}"


def _page(page: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What stands above the rows, and the rows: a line each, or several where one holds `Lines`."""
    rows = cast("list[Any]", page["results"])
    count, following = page.get("count"), page.get("next_offset")
    head = f"{len(rows)} of {count}" if isinstance(count, int) else f"{len(rows)} row{'' if len(rows) == 1 else 's'}"
    if following is not None:
        head += f"; next page: offset {_scalar(following)}"
    rest = {name: value for name, value in page.items() if name not in ("count", "next_offset", "results")}
    above = [head, *_fields(rest, "")]
    if not _is_rows(rows):
        return above, [_json(row) for row in rows]
    if any(tuple in map(type, row.values()) for row in cast("list[dict[str, Any]]", rows)):
        return above, [line for row in rows for line in ["-", *_fields(row, "  ")]]
    columns, lines = _table(rows)
    return above + columns, lines


def _table(rows: list[dict[str, Any]]) -> tuple[list[str], list[str]]:
    """The lines above a table, and one for each of its rows, none if all rows are equal."""
    columns = dict.fromkeys(name for row in rows for name in row)
    cells: list[dict[str, str]] = [{name: _cell(value) for name, value in row.items()} for row in rows]
    values: dict[str, set[str | None]] = {name: {row.get(name) for row in cells} for name in columns}
    first = cells[0]
    shared = [name for name in columns if len(rows) > 1 and len(values[name]) == 1]
    above = [f"every row: {', '.join(f'{_name(name)} {first[name]}' for name in shared)}"] if shared else []
    own = [name for name in columns if name not in shared]
    if not own:
        return above, []
    labels = list[str]()
    for name in own:
        times = {cell for cell in values[name] if cell is not None and cell != "null"}
        if times and all(map(_SECONDS.fullmatch, times)):
            years = {cell[:5] for cell in times}
            year = years.pop() if len(years) == 1 else ""
            labels.append(f"{_name(name)} (UTC{', ' if year else ''}{year[:4]})")
            for row in cells:
                row[name] = cell[:16].removeprefix(year) if (cell := row.get(name, "")) != "null" else cell
        else:
            labels.append(_name(name))
    return [*above, "\t".join(labels)], ["\t".join(row.get(name, "") for name in own) for row in cells]


def _fields(data: dict[str, Any], indent: str) -> list[str]:
    lines = list[str]()
    for name, value in data.items():
        label = f"{indent}{_name(name)}:"
        if isinstance(value, tuple):
            lines += [label, *(f"{indent}  {one_line(line)}" for line in cast("Lines", value))]
        elif _is_rows(value):
            above, rows = _table(cast("list[dict[str, Any]]", value))
            lines += [label, *(f"{indent}  {row}" for row in above + rows)]
        elif _is_nested(value):
            lines += [label, *_fields(cast("dict[str, Any]", value), f"{indent}  ")]
        else:
            lines.append(f"{label} {_json(value) if isinstance(value, dict | list) else _scalar(value)}")
    return lines


def _is_rows(value: Any) -> bool:
    rows = cast("list[Any]", value) if isinstance(value, list) else []
    return bool(rows) and all(isinstance(row, dict) for row in rows)


def _is_nested(value: Any) -> bool:
    """Whether an object holds objects, and is not a group of filters: those stay JSON, ready to be sent again."""
    if not isinstance(value, dict) or "values" in value:
        return False
    return any(isinstance(inner, dict) for inner in cast("dict[str, Any]", value).values())


def _cell(value: Any) -> str:
    if type(value) is str and is_plain(value) and value not in _WORDS:  # most cells: the way of `_scalar`, but short
        return value
    if not isinstance(value, dict):
        return _json(value) if isinstance(value, list) else _scalar(value)
    inner = cast("dict[str, Any]", value)
    if inner.keys() == _GROUP:
        filters = escape(_filters(inner))
        return _json(inner) if poses(filters) else filters
    if inner.keys() == _ASSIGNEE:
        assignee = f"{_scalar(inner['type'])} {_scalar(inner['id'])}"
        return _json(inner) if poses(assignee) else assignee
    return _json(inner)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if value[-1:] == "Z" and _FRACTION.fullmatch(value):
            return f"{value[:19]}Z"
        return _json(value) if value in _WORDS else one_line(value)
    if value is None:
        return "null"
    return str(value) if type(value) is int else _encode(value)


def one_line(text: str) -> str:
    """A text of strangers on one line, as JSON where it would pass for something else."""
    if is_plain(text):
        return text
    line = without_marks(clean(text))
    return _json(text) if poses(line) else line


def _name(name: str) -> str:
    """A field's name; strangers name theirs too."""
    return _json(name) if poses(f"{clean(name)}:") else without_marks(clean(name))


def _json(value: Any) -> str:
    return escape(_encode(value))


def _encode(value: Any) -> str:
    return to_json(value).decode()


def _filters(group: dict[str, Any]) -> str:
    """A group of filters as an expression, e.g. `AND($exception_types icontains "TypeError"; OR(...))`."""
    values = group["values"]
    if not isinstance(values, list):
        return _encode(group)
    return f"{group['type']}({'; '.join(_condition(value) for value in cast('list[Any]', values))})"


def _condition(value: Any) -> str:
    if not isinstance(value, dict):
        return _encode(value)
    condition = cast("dict[str, Any]", value)
    if condition.keys() == _GROUP:
        return _filters(condition)
    if "key" not in condition or not condition.keys() <= _CONDITION:
        return _encode(condition)
    kind, wanted = condition.get("type", "event"), condition.get("value")
    name = condition["key"] if kind == "event" else f"{kind}:{condition['key']}"
    said = f"{name} {condition.get('operator') or 'exact'}"
    return said if wanted is None else f"{said} {_encode(wanted)}"
