"""Two HogQL statements about the properties of exceptions, known by their text."""

import json
import re
from collections import Counter
from datetime import timedelta
from typing import Any

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.history import EVENT, EXCEPTION, iso
from mcp_errortracking.sandbox.store import Document

_NAMES = """
SELECT key, sum(n) AS events, count() AS distinct_values, arraySlice(groupArray(value), 1, <each>) AS values,
  arraySlice(groupArray(n), 1, <also_each>) AS counts
FROM (
  SELECT key, substring(text, 1, <cut>) AS value, count() AS n
  FROM (
    SELECT JSONExtractKeysAndValues(properties, 'String') AS kv FROM events
    WHERE event = '$exception' AND timestamp >= now() - INTERVAL <days> DAY ORDER BY timestamp DESC LIMIT <read>
  ) ARRAY JOIN kv.1 AS key, kv.2 AS text GROUP BY key, value ORDER BY n DESC
) GROUP BY key ORDER BY events DESC, key ASC LIMIT <limit>
"""
_VALUES = """
SELECT substring(JSONExtractString(properties, {name}), 1, <cut>) AS value, count() AS events FROM events
WHERE event = '$exception' AND timestamp >= now() - INTERVAL <days> DAY AND JSONExtractString(properties, {name}) != ''
GROUP BY value ORDER BY events DESC, value ASC LIMIT <limit>
"""


def _pattern(statement: str) -> re.Pattern[str]:
    """Return a pattern for a statement with a number in place of each name in angle brackets."""
    words = (re.sub(r"<(\w+)>", r"(?P<\1>\\d+)", re.escape(word)) for word in statement.split())
    return re.compile(" ".join(words))


_NAMES_PATTERN, _VALUES_PATTERN = _pattern(_NAMES), _pattern(_VALUES)


def run_statement(call: Call, text: str, values: Document) -> Document | None:
    """Return the answer to a statement; None if it is another one."""
    text = " ".join(text.split())
    if found := _NAMES_PATTERN.fullmatch(text):
        columns = ["key", "events", "distinct_values", "values", "counts"]
        rows = _names(_properties(call, found)[: int(found["read"])], int(found["each"]))
    elif found := _VALUES_PATTERN.fullmatch(text):
        columns = ["value", "events"]
        name = str(values.get("name"))
        counts = Counter(one[name] for one in _properties(call, found) if one.get(name))
        rows = [list(pair) for pair in _most_frequent(counts)]
    else:
        return None
    limit = int(found["limit"])
    return {
        "results": rows[:limit],
        "columns": columns,
        "hasMore": len(rows) > limit,
        "limit": limit,
        "offset": 0,
    }


def _properties(call: Call, found: re.Match[str]) -> list[dict[str, str]]:
    """Return the properties of exceptions as SQL sees them, the newest first: a text each, lists as JSON."""
    exceptions = {one["id"]: one for one in call.store.all(EXCEPTION, call.project_id)}
    begin = call.now - timedelta(days=int(found["days"]))
    events = call.store.within(EVENT, call.project_id, iso(begin), iso(call.now))
    return [
        {
            name: _text(value)[: int(found["cut"])]
            for name, value in {**exceptions[one["origin"]]["properties"], **one["properties"]}.items()
        }
        for one in sorted(events, key=lambda one: one["timestamp"], reverse=True)
    ]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, separators=(",", ":"))


def _names(events: list[dict[str, str]], each: int) -> list[list[Any]]:
    counts = dict[str, Counter[str]]()
    for event in events:
        for name, value in event.items():
            counts.setdefault(name, Counter())[value] += 1
    rows = list[list[Any]]()
    for name, values in counts.items():
        top = _most_frequent(values)[:each]
        rows.append([name, values.total(), len(values), [value for value, _ in top], [count for _, count in top]])
    return sorted(rows, key=lambda row: (-row[1], row[0]))


def _most_frequent(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
