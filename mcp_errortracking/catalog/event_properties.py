"""Properties that exceptions have, and their values: counted with SQL, or in a sample of events.

SQL needs `query:read`. The statements use the functions of PostHog's own `EventTaxonomyQueryRunner`
(`posthog/hogql_queries/ai/event_taxonomy_query_runner.py`). The name of a property is sent as a constant beside them.
"""

import json
from collections import Counter
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from mcp_errortracking.catalog.endpoint import Request, StepError, as_object, as_objects, number_of, text_of

DAYS, READ, MOST_VALUES = 30, 1_000, 100
"""The days, exceptions and values of the statements below."""
_SAMPLED_ISSUES, _EVENTS_EACH = 5, 20
_COUNTED_ISSUES = 100
_INCLUDED = ("exception", "environment", "release", "navigation", "correlation")
NAMES = """
SELECT key, sum(n) AS events, count() AS distinct_values, arraySlice(groupArray(value), 1, 5) AS values,
  arraySlice(groupArray(n), 1, 5) AS counts
FROM (
  SELECT key, substring(text, 1, 500) AS value, count() AS n
  FROM (
    SELECT JSONExtractKeysAndValues(properties, 'String') AS kv FROM events
    WHERE event = '$exception' AND timestamp >= now() - INTERVAL 30 DAY ORDER BY timestamp DESC LIMIT 1000
  ) ARRAY JOIN kv.1 AS key, kv.2 AS text GROUP BY key, value ORDER BY n DESC
) GROUP BY key ORDER BY events DESC, key ASC LIMIT 500
"""
"""The statement that lists the properties of the latest exceptions, and the beginning of their most common values."""
VALUES = """
SELECT substring(JSONExtractString(properties, {name}), 1, 500) AS value, count() AS events FROM events
WHERE event = '$exception' AND timestamp >= now() - INTERVAL 30 DAY AND JSONExtractString(properties, {name}) != ''
GROUP BY value ORDER BY events DESC, value ASC LIMIT 100
"""
"""The statement that counts the values of the property `name`."""

Values = list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Property:
    """A property: the events that have it, its distinct values, and the most common ones with their events."""

    name: str
    events: int
    distinct: int
    values: Values


@dataclass(frozen=True, slots=True)
class Sample:
    """The properties of sampled events, and the number of these."""

    properties: list[Property]
    events: int


def query_names() -> Generator[Request, Any, list[Property]]:
    """Return the properties of the latest exceptions, those of most events first.

    Raises:
        StepError: the key may not, or this PostHog does not take the statement.
    """
    found = list[Property]()
    for row in _rows((yield _statement(NAMES))):
        name, values, counts = _text(row, 0), _list(row, 3), _list(row, 4)
        if not name:
            continue
        pairs = [(str(value), _count(count)) for value, count in zip(values, counts, strict=False)]
        found.append(Property(name, _count(row[1]), _count(row[2]), _items(pairs)))
    return found


def query_values(name: str) -> Generator[Request, Any, Values]:
    """Return the values of a property with the exceptions that have each, the most common first.

    Raises:
        StepError: as for `query_names`.
    """
    rows = _rows((yield _statement(VALUES, {"name": name})))
    return _items([(_text(row, 0), _count(row[1])) for row in rows if len(row) > 1])


def count_with(name: str) -> Generator[Request, Any, int]:
    """Return the exceptions of the range that have a property, in the issues with most of them.

    Raises:
        StepError: PostHog refuses.
    """
    asked = {"filterGroup": [_is_set(name)], "limit": _COUNTED_ISSUES, **_everything()}
    answer = as_object((yield Request("POST", "error_tracking/query/issues/", json=asked)))
    rows = [as_object(one.get("aggregations")) for one in as_objects(answer.get("results"))[:_COUNTED_ISSUES]]
    return sum(max(number_of(row, "occurrences") or 0, 0) for row in rows)


def sample_events(name: str | None = None) -> Generator[Request, Any, Sample]:
    """Return the properties of a few events of the most frequent issues, as far as PostHog shows these.

    Args:
        name: take only events that have this property.

    Raises:
        StepError: PostHog refuses.
    """
    conditions = {"filterGroup": [_is_set(name)]} if name else {}
    asked = {"limit": _SAMPLED_ISSUES, **_everything(), **conditions}
    issues = as_objects(as_object((yield Request("POST", "error_tracking/query/issues/", json=asked))).get("results"))
    values, events = dict[str, Counter[str]](), 0
    having = Counter[str]()
    for issue in issues[:_SAMPLED_ISSUES]:
        range_of = {name: value for name, value in _everything().items() if name != "status"}
        part = {"issueId": text_of(issue, "id"), "limit": _EVENTS_EACH, "include": list(_INCLUDED), **range_of}
        try:
            answer = as_object(
                (yield Request("POST", "error_tracking/query/issue_events/", json={**part, **conditions}))
            )
        except StepError:
            continue  # a sample of the other issues is one as well
        for event in as_objects(answer.get("results"))[:_EVENTS_EACH]:
            events += 1
            for key, value in as_object(event.get("properties")).items():
                having[key] += 1
                values.setdefault(key, Counter()).update(set(_texts(value)))
    found = [
        Property(key, count, len(values[key]), _sorted(values[key])) for key, count in having.items() if values[key]
    ]
    return Sample(sorted(found, key=lambda one: (-one.events, one.name)), events)


def _statement(text: str, values: Mapping[str, str] | None = None) -> Request:
    query: dict[str, Any] = {"kind": "HogQLQuery", "query": " ".join(text.split())}
    return Request("POST", "query/", json={"query": {**query, "values": values} if values else query})


def _everything() -> dict[str, Any]:
    return {"status": "all", "dateRange": {"date_from": f"-{DAYS}d"}, "filterTestAccounts": False}


def _is_set(name: str) -> dict[str, str]:
    return {"key": name, "type": "event", "operator": "is_set", "value": "is_set"}


def _rows(answer: Any) -> Iterator[list[Any]]:
    results = as_object(answer).get("results")
    for row in cast("list[Any]", results) if isinstance(results, list) else []:
        if isinstance(row, list):
            yield [*cast("list[Any]", row), *[None] * 5]


def _text(row: list[Any], place: int) -> str:
    return row[place] if isinstance(row[place], str) else ""


def _list(row: list[Any], place: int) -> list[Any]:
    return cast("list[Any]", row[place]) if isinstance(row[place], list) else []


def _count(value: Any) -> int:
    return max(number_of({"count": value}, "count") or 0, 0)


def _items(pairs: Values) -> Values:
    """Return values with their events; a list in JSON counts for each of its texts, as filters see it."""
    counts = Counter[str]()
    for value, count in pairs:
        for item in set(_texts(_unpacked(value))):
            counts[item] += count
    return _sorted(counts)


def _unpacked(value: str) -> Any:
    if not (value.startswith("[") and value.endswith("]")):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _texts(value: Any) -> list[str]:
    """Return the texts that a filter compares: those of a list, or the value itself; none of an object."""
    if isinstance(value, list):
        return [text for one in cast("list[Any]", value) if not isinstance(one, list) for text in _texts(one)]
    if isinstance(value, bool):
        return [str(value).lower()]
    return [str(value)] if isinstance(value, str | int | float) and str(value) else []


def _sorted(counts: Counter[str]) -> Values:
    return sorted(counts.items(), key=lambda one: (-one[1], one[0]))
