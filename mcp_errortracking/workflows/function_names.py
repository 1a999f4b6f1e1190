"""What a function was called before it was minified.

A map has the name of what stands at a position: for a frame, of what is called there, not of the function it is in. So
the minified name that the engine gives is looked for in the bundle, before the frame's position: where that name is
declared, the map leads to the original declaration, whose name it is. Where the declaration is not found (another chunk
has it, or it is too far away), the caller tells: if the minified name stands at its position, the original there is the
function's. What has no name in the bundle has none here.
"""

import re
from contextlib import suppress
from functools import lru_cache

from mcp_errortracking.workflows.problems import InvalidMapError
from mcp_errortracking.workflows.source_map import Position
from mcp_errortracking.workflows.symbols import Symbols

_WINDOW = 64 * 1024
"""How far before a frame its function may begin, in characters."""
_IDENTIFIER = re.compile(r"[\w$]+")
_DECLARATION = re.compile(
    r"(?:(?:export|default|async|static|const|let|var|get|set|class|function)\b[ \t]*\*?[ \t]*)*"
    r"(?P<name>#?[A-Za-z_$][\w$]*)"
)
_CALL = re.compile(r"(?:(?:new|await)\s+)*(?:[\w$]+\??\.)*(?P<name>[A-Za-z_$][\w$]*)\s*(?:\?\.)?\(")
_NO_CODE = (
    r"\"(?:[^\"\\\n]|\\[\s\S])*\"|'(?:[^'\\\n]|\\[\s\S])*'"
    r"|(?<!\\)//[^\n]*|/\*(?:[^*]|\*(?!/))*\*/"
    r"|(?:(?<=[=(,:;!&|?{}\[>\n])|(?<=[=(,:;!&|?{}\[>] )|(?<=return)|(?<=return ))"  # what a pattern may follow
    r"/(?![*/])(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/"
)
"""Texts, comments and patterns, whose brackets are none."""
_IN_BLOCK = re.compile(rf"{_NO_CODE}|[`{{}}]")
_IN_EXPRESSION = re.compile(rf"{_NO_CODE}|[`()\[\]{{}},;]|(?<![=>(,+\-*/%&|?:<.\[{{\r])\n(?!\s*[.?:+\-*/%&|<>=)\]])")
_TEMPLATE = re.compile(r"(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)?")
_MORE_WORDS = re.compile(r"^(?:async |new |get |set |static |Object\.|Array\.)+| \[as [^\]]*\]$")


def declared(symbols: Symbols, line: int, column: int, minified: str) -> str | None:
    """The original name of the function around a position (from 0), which the engine calls `minified`."""
    key = (line, column, minified)
    if key not in symbols.names:
        symbols.names[key] = None
        with suppress(InvalidMapError):  # the map is broken there, not where the frame is
            symbols.names[key] = _declared(symbols, line, column, _short(minified))
    return symbols.names[key]


def called(symbols: Symbols, line: int, column: int, minified: str) -> str | None:
    """The original name of the function that is called at a position (from 0), if it is the one called `minified`."""
    start = symbols.offset(line, column)
    position = symbols.map.find(line, column)
    if start is None or position is None:
        return None
    if not re.match(rf"(?:new\s+)?{re.escape(_short(minified))}\s*\(", symbols.text[start : start + 300]):
        return None
    found = _CALL.match(_rest(position))
    return found["name"] if found else None


def _declared(symbols: Symbols, line: int, column: int, name: str) -> str | None:
    end = symbols.offset(line, column)
    if end is None or not _IDENTIFIER.fullmatch(name):
        return None
    text, declaration = symbols.text, _pattern(name)
    first = max(0, end - _WINDOW)
    at = text.rfind(name, first, end)
    while at >= 0:
        found = declaration.match(text, at, end)
        if found and _is_inside(text, found.end(), end, is_block=found["short"] is None):
            position = symbols.map.find(*symbols.place(at))
            if position and position.source is not None:
                original = _DECLARATION.match(_rest(position))
                return position.name or (original["name"] if original else None)
        at = text.rfind(name, first, at + len(name) - 1)
    return None


def _is_inside(text: str, start: int, end: int, *, is_block: bool) -> bool:
    """Whether what begins at `start` goes on at `end`: a block, with its first brace, or else an expression.

    A block ends with its brace: what is opened after that belongs to others. An expression ends with the bracket
    around it, or at a comma, a semicolon or a line that does not continue it.
    """
    tokens, opening, closing = (_IN_BLOCK, "{", "}") if is_block else (_IN_EXPRESSION, "([{", ")]}")
    opened: list[str] = []
    at = start
    while token := tokens.search(text, at, end):
        sign, at = token[0], token.end()
        if sign in opening:
            opened.append(sign)
        elif sign in closing:
            if not opened:
                return False
            if opened.pop() == "${":
                at = _after_template(text, at, end, opened)
            elif is_block and not opened:
                return False
        elif sign == "`":
            at = _after_template(text, at, end, opened)
        elif not opened and not is_block and sign in ",;\n":
            return False
    return True


def _after_template(text: str, start: int, end: int, opened: list[str]) -> int:
    """Where a template's text ends: with it, or with the code in it, which is opened then."""
    found = _TEMPLATE.match(text, start, end)
    if found is None:
        return end
    if found[0].endswith("${"):
        opened.append("${")
    return found.end()


@lru_cache(256)
def _pattern(name: str) -> re.Pattern[str]:
    """Where a name is declared, up to the body: a function, method or class, or (`short`) an arrow without braces."""
    brackets = r"\((?:[^()]|\([^()]{0,200}\)){0,300}\)"
    arguments = rf"(?:[\w$]+|{brackets})"
    return re.compile(
        rf"(?<![\w$])(?P<name>{re.escape(name)})(?:"
        rf"\s*[=:]\s*\(?(?:async\b\s*)?(?:function\b\s*\*?\s*[\w$]*\s*{brackets}|class\b[^{{]{{0,200}}|{arguments}\s*=>)"
        rf"\s*(?=\{{)"
        rf"|\s*[=:]\s*\(?(?:async\b\s*)?{arguments}\s*=>(?P<short>)(?!\s*\{{)"
        rf"|\s*{brackets}\s*(?=\{{)"
        rf"|(?<=class {re.escape(name)})(?:\s+extends\b[^{{]{{0,200}}|\s*)(?=\{{))"
    )


def _short(minified: str) -> str:
    return _MORE_WORDS.sub("", minified).rsplit(".", 1)[-1]


def _rest(position: Position) -> str:
    """What stands in the original source from a position to the end of its line."""
    lines = position.text or ()
    return lines[position.line - 1][position.column :] if 0 < position.line <= len(lines) else ""
