"""Rules as HogQL: an expression gives each stored event the outcome that ingestion would give it (rule contract 2).

`JSONType` and its like read the raw JSON of `properties`, so that types are those that the rule saw. What the database
cannot decide as ingestion does is a state of its own, and never a guess.
"""

from mcp_errortracking.rules.hogql.errors import NotTranslatableError
from mcp_errortracking.rules.hogql.states import DISABLED, MATCH, NO_MATCH, UNKNOWN, Query, States, query_of

__all__ = ["DISABLED", "MATCH", "NO_MATCH", "UNKNOWN", "NotTranslatableError", "Query", "States", "query_of"]
