"""The owners of a file by the CODEOWNERS file of its checkout."""

from mcp_errortracking.rules.regex import BadPatternError, TooMuchWorkError, UndecidedError, compiled
from mcp_errortracking.workflows.codeowners.lines import dialect_of, read_code_owners
from mcp_errortracking.workflows.codeowners.patterns import PatternError, Sources, pattern_regex

PLACES = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
"""Paths that GitHub and GitLab look at; the first that exists counts."""
LARGEST = 1024 * 1024
_MOST_LINES = 2000


def owners_of(path: str, text: str, place: str) -> str:
    """Return the owners of a file, as the last line that matches it names them; "" if there are none.

    Args:
        place: the path of the CODEOWNERS file, which its dialect follows from.
    """
    read = read_code_owners(text, dialect_of(text, place))
    for line in reversed(read.lines[-_MOST_LINES:]):
        try:
            regex = pattern_regex(line.pattern, read.dialect, Sources())
            if regex is None or compiled(regex).is_match(path):
                return " ".join(line.owners)
        except (PatternError, BadPatternError, UndecidedError, TooMuchWorkError):
            continue
    return ""
