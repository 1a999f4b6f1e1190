"""Limits on the JSON of a map before it is parsed: a few bytes, like `[],`, take a hundred in memory."""

from mcp_errortracking.proxy.json_weight import weigh
from mcp_errortracking.workflows.problems import InvalidMapError

SMALL = 512 * 1024
"""Bytes that are parsed whatever they weigh."""
MOST_WEIGHT = 1_000_000
"""Weight of a map's values (see `json_weight`). Maps of 100 MiB weigh about 300,000."""
MOST_ESCAPES = 12_000_000
"""Escapes dominate the time of parsing; code that is indented with tabs has one for every eight bytes."""
_MAPPINGS = b'"mappings":"'


def check_bounds(body: bytes) -> int:
    """Refuse JSON that would take far more memory or time than its size suggests.

    Returns:
        The number of names in its objects.

    Raises:
        InvalidMapError: it has too many values or escapes.
    """
    if len(body) > 2 * MOST_ESCAPES and body.count(b"\\") > MOST_ESCAPES:
        raise InvalidMapError(f"It has more than {MOST_ESCAPES:,} escaped characters.")
    total = names = 0
    for part in _without_mappings(body):
        weight = weigh(part, MOST_WEIGHT)
        total += weight.total
        names += weight.names
    if len(body) > SMALL and total > MOST_WEIGHT:
        raise InvalidMapError("It has too many lists, objects, names or values.")
    return names


def _without_mappings(body: bytes) -> tuple[memoryview, ...]:
    """Return the parts before and after the text of the mappings, whose commas take long to distinguish from others.

    Valid JSON is inside a string after `"mappings":"`, wherever that occurs, up to the next quote.
    """
    view = memoryview(body)
    start = body.find(_MAPPINGS) + len(_MAPPINGS)
    end = body.find(b'"', start)
    return (view[:start], view[end + 1 :]) if start >= len(_MAPPINGS) and end >= 0 else (view,)
