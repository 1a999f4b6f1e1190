"""Compare rules in HogQL with the engine of rules, by PostHog's own parser and a real ClickHouse:

    python -m tests.rules.hogql.clickhouse [RULES]

`.ci/hogql` installs both. The sandbox's evaluation of the same queries is compared too.
"""

import json
import random
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from mcp_errortracking.rules.hogql import DISABLED, MATCH, NO_MATCH, UNKNOWN
from tests.rules.hogql.generated import evaluated, event, in_sandbox, rules, stored, totals

_PYTHON = Path(".venv/hogql/bin/python")
_SCRIPT = Path(__file__).with_name("oracle.py")
_EVENTS = 300


def _ran(events: list[dict[str, Any]], queries: list[dict[str, Any]]) -> list[list[list[Any]]]:
    given = json.dumps({"events": events, "queries": queries})
    ran = subprocess.run([_PYTHON, _SCRIPT], input=given, capture_output=True, text=True, check=False)
    if ran.returncode:
        sys.exit(ran.stderr[-2000:])
    return json.loads(ran.stdout)


def main() -> None:
    """Compare, and exit with 1 if a state of an event differs."""
    chance = random.Random(23)
    events = [event(chance) for _ in range(_EVENTS)]
    made = rules(chance, int(sys.argv[1]) if len(sys.argv) > 1 else 300)
    table = [stored(properties, number) for number, properties in enumerate(events, 1)]
    queries = [query.as_sent() for *_, query in made] + [
        totals(kind, filters).as_sent() for kind, filters, _ in made[:20]
    ]
    results = _ran(table, queries)
    seen, wrong = Counter[int](), list[Any]()
    for (kind, filters, _), rows in zip(made, results, strict=False):
        for (_, state), properties in zip(rows, events, strict=True):
            seen[state] += 1
            if state not in (UNKNOWN, evaluated(kind, filters, properties)):
                wrong.append((kind, filters, properties, state))
    wrong += [
        (query, rows, ours)
        for query, rows in zip(queries, results, strict=True)
        if rows != (ours := in_sandbox(query["query"], query["values"], table))
    ]
    print(f"{len(made)} rules, {sum(seen.values())} states: {dict(seen)}; {len(wrong)} differ.")
    print("\n".join(map(str, wrong[:5])))
    if wrong or min(seen[state] for state in (NO_MATCH, MATCH, UNKNOWN, DISABLED)) < 100:
        sys.exit(1)


if __name__ == "__main__":
    main()
