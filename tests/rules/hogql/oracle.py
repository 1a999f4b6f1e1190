"""PostHog's parser of HogQL and a real ClickHouse, run by the interpreter that `.ci/hogql` installs.

Reads `{"events": [...], "queries": [...]}` and prints the rows of each query. PostHog prints HogQL as SQL of
ClickHouse; what that changes in our queries is done here, as posthog/hogql/functions has it.
"""

import json
import re
import sys
import types
from typing import Any

_WHEN = re.compile(r"toDateTime\((\{v\d+\}), 'UTC'\)")
_PLACE = re.compile(r"\{(v\d+)\}")
_COLUMNS = "issue_id Nullable(UUID), event String, timestamp DateTime64(6, 'UTC'), properties String"


def _parser() -> Any:
    """Import PostHog's parser, which wants a module of the application for its errors."""
    for name in ("posthog", "posthog.hogql", "posthog.hogql.errors"):
        sys.modules[name] = types.ModuleType(name)
    for name in ("BaseHogQLError", "ExposedHogQLError", "InternalHogQLError", "SyntaxError", "NotImplementedError"):
        setattr(sys.modules["posthog.hogql.errors"], name, type(name, (Exception,), {}))
    import hogql_parser  # pyright: ignore[reportMissingImports]

    return hogql_parser  # pyright: ignore[reportUnknownVariableType]


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\0", "\\0") + "'"
    return repr(value)


def _printed(query: dict[str, Any]) -> str:
    text = _WHEN.sub(r"parseDateTime64BestEffortOrNull(\1, 6, 'UTC')", query["query"])
    text = text.replace("toIntOrZero", "toInt64OrZero").replace("FROM events", "FROM d.events")
    return _PLACE.sub(lambda found: _literal(query["values"][found[1]]), text)


def main() -> None:
    from chdb import session  # pyright: ignore[reportMissingImports]

    given, parser = json.load(sys.stdin), _parser()
    database: Any = session.Session()
    database.query("CREATE DATABASE d")
    database.query(f"CREATE TABLE d.events ({_COLUMNS}) ENGINE = Memory")
    lines = "\n".join(map(json.dumps, given["events"]))
    database.query(f"INSERT INTO d.events FORMAT JSONEachRow {lines}")
    results = list[Any]()
    for query in given["queries"]:
        parsed = json.loads(parser.parse_select_json(query["query"]))
        if parsed.get("node") != "SelectQuery":
            sys.exit(f"PostHog does not parse {query['query']}: {parsed}")
        rows = str(database.query(_printed(query), "JSONCompactEachRow"))
        results.append(list(map(json.loads, rows.splitlines())))
    json.dump(results, sys.stdout)


if __name__ == "__main__":
    main()
