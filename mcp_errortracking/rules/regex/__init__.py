"""The regular expressions of Rust's `regex` crate, which rules use: the exact dialect, searched in linear time.

PyPI has no well-kept binding of the crate, and RE2 differs from it (rule contract 2.7), so the dialect is parsed here.
The parser is needed in any case, to find bad patterns without a compiled dependency. A rule only asks if a pattern
matches somewhere, which takes a small automaton. Tests compare both with the crate itself.
"""

from mcp_errortracking.rules.regex.automaton import Regex, TooMuchWorkError, compiled
from mcp_errortracking.rules.regex.errors import BadPatternError, UndecidedError
from mcp_errortracking.rules.regex.syntax import parse

__all__ = ["BadPatternError", "Regex", "TooMuchWorkError", "UndecidedError", "compiled", "parse"]
