"""A result as an agent reads it: few tokens, and no field lost that it needs to act.

A list of objects is a table: tab-separated, its column names once, what is equal in every row said once. Any other
object is a line per field. Times are cut to whole seconds; the structured content has them in full.
"""

from typing import Any, cast

from pydantic_core import to_json

from mcp_errortracking.server.untrusted import clean, escape

_WORDS = frozenset(["", "null", "true", "false"])
_GROUP = frozenset(["type", "values"])
_ASSIGNEE = frozenset(["type", "id"])
_CONDITION = frozenset(["key", "type", "operator", "value", "label"])


def render(data: dict[str, Any], notes: list[str]) -> str:
    """The text of a result: its data, then the notes, a line each."""
    lines = _page(data) if isinstance(data.get("results"), list) else _fields(data, "")
    lines += [f"Note: {note}" for note in notes]
    return "\n".join(lines) or "Done."


def _page(page: dict[str, Any]) -> list[str]:
    rows = cast("list[Any]", page["results"])
    count, following = page.get("count"), page.get("next_offset")
    head = f"{len(rows)} of {count}" if isinstance(count, int) else f"{len(rows)} rows"
    if following is not None:
        head += f"; next page: offset {following}"
    rest = {name: value for name, value in page.items() if name not in ("count", "next_offset", "results")}
    return [head, *_fields(rest, ""), *(_table(rows) if _is_rows(rows) else map(_json, rows))]


def _table(rows: list[dict[str, Any]]) -> list[str]:
    columns = dict.fromkeys(name for row in rows for name in row)
    cells = [{name: _cell(value) for name, value in row.items()} for row in rows]
    first = cells[0] if cells else {}
    shared = [name for name in columns if len(rows) > 1 and all(row.get(name) == first.get(name) for row in cells)]
    lines = [f"every row: {', '.join(f'{clean(name)} {first[name]}' for name in shared)}"] if shared else []
    own = [name for name in columns if name not in shared]
    if own:
        lines.append("\t".join(clean(name) for name in own))
        lines += ["\t".join(row.get(name, "") for name in own) for row in cells]
    return lines


def _fields(data: dict[str, Any], indent: str) -> list[str]:
    lines = list[str]()
    for name, value in data.items():
        label = f"{indent}{clean(name)}:"
        if _is_rows(value):
            lines += [label, *(f"{indent}  {row}" for row in _table(cast("list[dict[str, Any]]", value)))]
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
    if not isinstance(value, dict):
        return _json(value) if isinstance(value, list) else _scalar(value)
    inner = cast("dict[str, Any]", value)
    if inner.keys() == _GROUP:
        return escape(_filters(inner))
    if inner.keys() == _ASSIGNEE:
        return f"{_scalar(inner['type'])} {_scalar(inner['id'])}"
    return _json(inner)


def _scalar(value: Any) -> str:
    if isinstance(value, str):
        if len(value) > 19 and value[19] == "." and value[10] == "T" and value[-1] == "Z":
            return f"{value[:19]}Z"
        return clean(value) if value not in _WORDS else f'"{value}"'
    if value is None:
        return "null"
    return str(value) if type(value) is int else _encode(value)


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
