"""The part of HogQL in which rules are counted: its words, and their meaning in ClickHouse, on the sandbox's events.

Tests compare it with PostHog's parser and a real ClickHouse. A query with anything else is not run.
"""

from mcp_errortracking.sandbox.hogql.parser import NotSupportedError, run_query

__all__ = ["NotSupportedError", "run_query"]
