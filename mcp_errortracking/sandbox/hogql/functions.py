"""Functions of HogQL, as ClickHouse evaluates them."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, cast

_CODE = re.compile(r"\\x\{([0-9A-Fa-f]+)\}")
_NAMES = ((str, "String"), (float, "Double"), (list, "Array"), (dict, "Object"))
_LOWEST, _HIGHEST, _UNSIGNED = -(2**63), 2**63, 2**64


def _member(document: Any, key: Any) -> Any:
    if isinstance(document, str):
        try:
            return json.loads(document)
        except ValueError:
            return None
    return cast("Mapping[str, Any]", document).get(key)


def _json_type(document: Any, key: Any) -> str:
    held = _member(document, key)
    if isinstance(held, bool):
        return "Bool"
    if isinstance(held, int):
        if held >= _UNSIGNED or held < _LOWEST:
            return "String"  # ClickHouse reads a number above 64 bits as a text
        return "Int64" if held < _HIGHEST else "UInt64"
    return next((name for kind, name in _NAMES if isinstance(held, kind)), "Null")


def _raw(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _extract_raw(document: Any, key: Any) -> str:
    is_there = key in document if not isinstance(document, str) else True
    return _raw(_member(document, key)) if is_there else ""


def _extract_string(document: Any, key: Any = None) -> str:
    held = _member(document, key)
    is_large = isinstance(held, int) and not isinstance(held, bool) and _json_type(document, key) == "String"
    return str(held) if isinstance(held, str) or is_large else ""


def _extract_float(document: Any, key: Any) -> float:
    held = _member(document, key)
    return held if isinstance(held, int | float) and not isinstance(held, bool) else 0


def _extract_array(document: Any, key: Any) -> list[str]:
    held = _member(document, key)
    return list(map(_raw, cast("list[Any]", held))) if isinstance(held, list) else []


def _length(value: Any) -> int:
    return len(value.encode("utf-8", "surrogatepass")) if isinstance(value, str) else len(value)


def _to_string(value: Any) -> str | None:
    return None if value is None else str(value)


def _one(_: Any) -> int:
    return 1


def _not_empty(array: list[Any]) -> int:
    return int(bool(array))


def _starts_with(text: str, begin: str) -> int:
    return int(text.startswith(begin))


def _match(text: str, pattern: str) -> int:
    return int(_compiled(pattern).search(text) is not None)


def _if(condition: Any, then: Any, other: Any) -> Any:
    return then if condition else other


def _array_map(function: Callable[[Any], Any], array: list[Any]) -> list[Any]:
    return list(map(function, array))


def _array_exists(function: Callable[[Any], Any], array: list[Any]) -> int:
    return int(any(map(function, array)))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern of RE2 as one of Python's: where it differs, in what rules are translated to."""
    text = _CODE.sub(lambda code: f"\\U{int(code[1], 16):08x}", pattern).replace(r"\z", r"\Z")
    return re.compile(text, re.ASCII)


def _to_int(text: str) -> int:
    return int(text) if re.fullmatch(r"[+-]?[0-9]+", text) else 0


def _to_date_time(text: str, zone: str) -> datetime:
    if zone != "UTC":
        raise ValueError(zone)
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "JSONType": _json_type,
    "JSONExtractRaw": _extract_raw,
    "JSONExtractString": _extract_string,
    "JSONExtractFloat": _extract_float,
    "JSONExtractArrayRaw": _extract_array,
    "isValidJSON": _one,
    "toString": _to_string,
    "toIntOrZero": _to_int,
    "toDateTime": _to_date_time,
    "abs": abs,
    "length": _length,
    "notEmpty": _not_empty,
    "startsWith": _starts_with,
    "match": _match,
    "if": _if,
    "arrayMap": _array_map,
    "arrayExists": _array_exists,
}


def _count_if(rows: list[tuple[Any, ...]]) -> int:
    return sum(bool(condition) for (condition,) in rows)


def _arg_min(rows: list[tuple[Any, ...]]) -> Any:
    return min(rows, key=lambda row: row[1])[0]


AGGREGATES: Mapping[str, Callable[[list[tuple[Any, ...]]], Any]] = {
    "count": len,
    "countIf": _count_if,
    "argMin": _arg_min,
}
