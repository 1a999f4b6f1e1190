"""Names of functions as they were written, found in the original source.

Minifiers move the code of a function that is called once into its caller, or into a function without a name. The bundle
then has no function to look for, but the source around the original position has.
"""

import re

from mcp_errortracking.workflows.source_maps.maps.js_scopes import BudgetSpentError, ScopeScanner, StepBudget
from mcp_errortracking.workflows.source_maps.maps.source_lines import Lines, split_at
from mcp_errortracking.workflows.source_maps.maps.source_map import Position

_WINDOW = 32 * 1024
"""Characters before a position in which the start of its function is searched."""
_MAX_STEPS = 16 * 1024
"""The `StepBudget` of one search."""
_CHARACTERS_READ_AHEAD = 10
"""Characters that the search for heads reads for each of the text, in a text made to be slow."""
_LONGEST_PARAMETERS = 4096
_TYPE = r"(?:\s*+:\s*+[^{}()=;]{1,200}?)?"
_GENERIC = r"(?:<[^()]{1,200}?>)?"
_HEAD = re.compile(
    rf"(?<![\w$.#])(?:"
    rf"function\b\s*+(?:\*\s*+)?(?P<function>[\w$]*+)\s*+{_GENERIC}(?=\()"
    rf"|(?P<variable>#?[A-Za-z_$][\w$]*+)(?:\s*+(?P<colon>:)\s*+(?=\(|async\b|function\b)|\s*+(?::[^=;\n]{{1,200}}?)?=\s*+)"
    rf"(?:async\b\s*+)?(?:function\b\s*+(?:\*\s*+)?[\w$]*+\s*+)?{_GENERIC}(?=\()"
    rf"|(?P<method>#?[A-Za-z_$][\w$]*+)\s*+{_GENERIC}(?=\()"
    rf")"
)
_BODY = re.compile(rf"{_TYPE}\s*+(?:(?P<arrow>=>)\s*+(?=(?P<brace>\{{)?)|(?=(?P<block>\{{)))")
_NO_METHOD = re.compile(r"(?:if|for|while|switch|catch|with|await|return|function|typeof|super|import|constructor)")
_BEFORE_PROPERTY = re.compile(r"(?:^|[{,\n])\s*$")


def find_written_name(lines: Lines | None, position: Position, budget: StepBudget) -> str | None:
    """Return the name of the innermost function around a position, or None if it has none or is not found.

    Args:
        lines: the source, if it is known.
        budget: the steps left for all frames of a tool call; None is returned when they are spent.
    """
    if lines is None or not budget.left:
        return None
    own = StepBudget(min(_MAX_STEPS, budget.left))
    try:
        return _find(lines, position, own)
    except BudgetSpentError:
        return None
    finally:
        budget.spent += own.spent


def _find(lines: Lines, position: Position, budget: StepBudget) -> str | None:
    if not 0 < position.line <= len(lines):
        return None
    before, after = _around(lines, position.line - 1, position.column)
    budget.spend(len(before) * _CHARACTERS_READ_AHEAD)
    text, end = before + after, len(before)
    for head in reversed(list(_HEAD.finditer(before))):
        budget.spend()
        if _encloses(text, head, end, budget):
            return head["function"] or head["variable"] or head["method"] or None
    return None


def _around(lines: Lines, line: int, column: int) -> tuple[str, str]:
    """Return the text before a position, and the text after it up to the end of the next line."""
    head, tail = split_at(lines[line], column)
    before, length = [head[-_WINDOW:]], len(head)
    for number in range(line - 1, -1, -1):
        length += len(lines[number]) + 1
        if length > _WINDOW:
            break
        before.append(lines[number])
    return "\n".join(reversed(before)), "\n".join([tail, *lines[line + 1 : line + 2]])


def _encloses(text: str, head: re.Match[str], end: int, budget: StepBudget) -> bool:
    """True if the function is the innermost one at `end`, in its body."""
    name, is_property = head["method"], head["colon"] is not None
    if name and _NO_METHOD.fullmatch(name):
        return False
    if is_property and not _BEFORE_PROPERTY.search(text, max(0, head.start() - 80), head.start()):
        return False
    parameters = ScopeScanner(text, head.end(), budget, is_bracket=True)
    if parameters.is_open_at(min(end, head.end() + _LONGEST_PARAMETERS)):
        return False
    body = _BODY.match(text, parameters.at)
    if body is None or body.end() > end or (body["arrow"] and not head["variable"]):
        return False
    scan = ScopeScanner(text, body.end(), budget, is_bracket=bool(body["brace"] or body["block"]))
    return scan.is_open_at(end) and not scan.open_functions()
