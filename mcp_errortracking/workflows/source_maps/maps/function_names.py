"""Original names of minified functions.

A map names the identifier at a position. For a frame, that is the function being called there, not the function that
contains the position. So the code searches the bundle backwards from the frame's position for the minified name that
the engine reports. Where a function of that name begins, and no second function has begun since, the map leads to the
original declaration and its name. If the declaration is not found (it is in another chunk, or too far away), the
calling frame is used: if the minified name stands at its position, the original name there is the function's. A
function without a name in the bundle gets none, and neither does one whose name is ambiguous. All this is for maps
without the text of their sources, and for functions that `written_names` does not find there.
"""

import re
from functools import lru_cache

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_maps.maps.js_scopes import BudgetSpentError, ScopeScanner, StepBudget
from mcp_errortracking.workflows.source_maps.maps.source_lines import split_at
from mcp_errortracking.workflows.source_maps.maps.source_map import Position
from mcp_errortracking.workflows.source_maps.maps.symbols import Symbols

_WINDOW = 64 * 1024
"""Characters before a frame's position in which the start of its function is searched."""
_MAX_STEPS_PER_FRAME = 64 * 1024
"""The `StepBudget` of one search: several times what real bundles need."""
_LONGEST_PARAMETERS = 4096
_LONGEST_LINE_PART = 300
"""Characters that are read of an original line."""
_ARROW = re.compile(r"\s*=>\s*")
_BLOCK = re.compile(r"\s*(?=\{)")
_AFTER_FUNCTION = re.compile(r"(?<![\w$.])function\b\s*+(?:\*\s*+)?$")
_IDENTIFIER = re.compile(r"#?[A-Za-z_$\u0080-\U0010ffff][\w$]*")
_KEYWORD = re.compile(
    r"(?:await|break|case|catch|class|const|continue|debugger|default|delete|do|else|enum|export|extends|false|finally|for"
    r"|function|if|import|in|instanceof|let|new|null|return|super|switch|this|throw|true|try|typeof|var|void|while|with"
    r"|yield)"
)
_MODIFIERS = (
    "export|default|async|static|const|let|var|get|set|class|function|public|private|protected|override|readonly|"
    "abstract|declare|accessor"
)
_DECLARATION = re.compile(
    rf"[ \t*]*+(?P<modifiers>(?:(?:{_MODIFIERS})\b[ \t*]*+)*)"
    r"(?P<holder>(?:#?[A-Za-z_$][\w$]*\??\.)*)"
    r"(?:(?P<name>#?[A-Za-z_$\u0080-\U0010ffff][\w$]*)|\[?(?P<quote>[\"'`])(?P<quoted>[^\"'`\\]{1,200})(?P=quote)\]?)"
    r"\s*(?P<operator>=(?![=>]|\s*[{\[])|[:(<{;?!]|extends\b|implements\b|$)?"
)
_BODY_BEHIND = re.compile(r"(?:<[^;(]*>)?\([^;]*\)[^;=]*\{|[^)]*$")
_CALL = re.compile(r"(?:(?:new|await)\s+)*(?:[\w$]+\??\.)*(?P<name>[A-Za-z_$][\w$]*)\s*(?:\?\.)?\(")
_MORE_WORDS = re.compile(r"^(?:async |new |get |set |static |Object\.|Array\.)+| \[as [^\]]*\]$")


def find_declared_name(
    symbols: Symbols, line: int, column: int, minified: str, budget: StepBudget | None = None
) -> str | None:
    """Return the original name of the function around a position (from 0), which is named `minified` in the bundle.

    Args:
        budget: the steps left for all frames of a tool call; None is returned when they are spent.
    """
    key = (line, column, minified)
    if key not in symbols.names:
        own = StepBudget(_MAX_STEPS_PER_FRAME if budget is None else min(_MAX_STEPS_PER_FRAME, budget.left))
        found = None
        try:
            found = _find_declaration(symbols, line, column, _last_part(minified), own)
        except BudgetSpentError:
            return None
        except InvalidMapError:  # only the mappings of the declaration are broken, not those of the frame
            pass
        finally:
            if budget is not None:
                budget.spent += own.spent
        symbols.names[key] = found
    return symbols.names[key]


def find_called_name(symbols: Symbols, line: int, column: int, minified: str) -> str | None:
    """Return the original name of the function called at a position (from 0), if the bundle names it `minified`."""
    start = symbols.offset(line, column)
    position = symbols.map.find(line, column)
    if start is None or position is None:
        return None
    if not re.match(rf"(?:new\s+)?{re.escape(_last_part(minified))}\s*\(", symbols.text[start : start + 300]):
        return None
    found = _CALL.match(_rest_of_line(position) or "")
    return found["name"] if found and not _KEYWORD.fullmatch(found["name"]) else None


def _find_declaration(symbols: Symbols, line: int, column: int, name: str, budget: StepBudget) -> str | None:
    end = symbols.offset(line, column)
    if end is None or not _IDENTIFIER.fullmatch(name):
        return None
    text, head = symbols.text, _declaration_pattern(name)
    first = max(0, end - _WINDOW)
    at = text.rfind(name, first, end)
    while at >= 0:
        budget.spend()
        found = head.match(text, at, end)
        if found and _encloses(text, found, end, budget):
            position = symbols.map.find(*symbols.line_and_column(at))
            return _original_name(position, name, is_property=_is_property(text, found)) if position else None
        at = text.rfind(name, first, at + len(name) - 1)
    return None


def _encloses(text: str, head: re.Match[str], end: int, budget: StepBudget) -> bool:
    """True if the matched function is the innermost one at `end`, in its parameters or its body."""
    at = head.end()
    if head.lastgroup in ("class", "declared"):  # a constructor has the name of its class
        scan = ScopeScanner(text, at, budget, is_bracket=True)
        return scan.is_open_at(end) and scan.open_functions() <= 1
    if head.lastgroup == "body":
        return _is_innermost(text, at, end, budget, is_bracket=text[at : at + 1] == "{")
    parameters = ScopeScanner(text, at, budget, is_bracket=True)
    if parameters.is_open_at(min(len(text), at + _LONGEST_PARAMETERS)):
        return False
    behind = (_ARROW if head.lastgroup == "arrow" else _BLOCK).match(text, parameters.at)
    if not behind:
        return False
    if end < parameters.at:
        return _is_innermost(text, at, end, budget, is_bracket=True)
    return _is_innermost(text, behind.end(), end, budget, is_bracket=text[behind.end() : behind.end() + 1] == "{")


def _is_innermost(text: str, start: int, end: int, budget: StepBudget, *, is_bracket: bool) -> bool:
    """True if a function's body or parameters extend from `start` to `end`, and no inner function is open there."""
    scan = ScopeScanner(text, start, budget, is_bracket=is_bracket)
    return start <= end and scan.is_open_at(end) and not scan.open_functions()


def _is_property(text: str, head: re.Match[str]) -> bool:
    """True if a name in the bundle names a property or method, not a variable, function or class."""
    if head["operator"]:
        return head["operator"] == ":" or text[head.start() - 1 : head.start()] == "."
    return head.lastgroup == "method" and not _AFTER_FUNCTION.search(text, max(0, head.start() - 12), head.start())


def _original_name(position: Position, minified: str, *, is_property: bool) -> str | None:
    """Return the name declared at a position; None if it is not a declaration, or ambiguous."""
    rest = _rest_of_line(position)
    if rest is None:
        name = position.name or ""
        is_own = name == minified or not is_property or name.startswith("#")
        return name if is_own and _IDENTIFIER.fullmatch(name) and not _KEYWORD.fullmatch(name) else None
    found = _DECLARATION.match(rest)
    name = found and (found["name"] or found["quoted"])
    if found and name and (name == minified or _is_declared(found, rest, is_property)):
        return name
    is_kept = is_property and re.search(rf"(?<![\w$]){re.escape(minified)}(?![\w$])", rest)
    return minified if is_kept else None


def _is_declared(found: re.Match[str], rest: str, is_property: bool) -> bool:
    """True if a name in the original source is a declaration, not a parameter, call or receiver."""
    operator, is_said = found["operator"], bool(found["modifiers"])
    if found["name"] and _KEYWORD.fullmatch(found["name"]):
        return False
    if operator == "=":
        return True
    if found["holder"] or operator is None:
        return False
    if operator == ":":
        return is_property or is_said
    if operator and operator in "(<":
        return is_said or bool(_BODY_BEHIND.match(rest, found.end() - 1))
    return is_said or operator in ("{", "extends", "implements")


@lru_cache(256)
def _declaration_pattern(name: str) -> re.Pattern[str]:
    """Return the pattern of a named function, method or class, up to its parameters, or to its body."""
    return re.compile(
        rf"(?<![\w$#]){re.escape(name)}(?![\w$])(?:"
        rf"\s*(?P<operator>[=:])\s*(?:\((?=\(|async\b|function\b|class\b|[\w$]+\s*=>))?(?:async\b\s*)?(?:"
        rf"function\b\s*\*?\s*[\w$]*\s*(?=\()(?P<function>)"
        rf"|class\b[^{{]{{0,200}}(?=\{{)(?P<class>)"
        rf"|[\w$]+\s*=>\s*(?P<body>)"
        rf"|(?=\()(?P<arrow>)"
        rf")|\s*(?=\()(?P<method>)"
        rf"|(?<=class {re.escape(name)})(?:\s+extends\b[^{{]{{0,200}}|\s*)(?=\{{)(?P<declared>)"
        rf")"
    )


def _last_part(minified: str) -> str:
    return _MORE_WORDS.sub("", minified).rsplit(".", 1)[-1]


def _rest_of_line(position: Position) -> str | None:
    """Return the original source from a position to the end of its line; None if the source is not known."""
    if position.text is None:
        return None
    line = position.text[position.line - 1] if 0 < position.line <= len(position.text) else ""
    return split_at(line, position.column)[1][:_LONGEST_LINE_PART]
