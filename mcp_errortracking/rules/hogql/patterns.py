"""Patterns of rules as patterns of RE2, the engine of PostHog's database, with the same matches.

Rust, ILIKE and RE2 disagree on letters beyond ASCII (rule contract 2.7), so each set of characters is written out.
Where that would be too long, the ASCII part is, and texts with other characters are left undecided.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from mcp_errortracking.rules.folding import variants
from mcp_errortracking.rules.hogql.errors import NotTranslatableError
from mcp_errortracking.rules.like import split
from mcp_errortracking.rules.regex import BadPatternError, UndecidedError, parse
from mcp_errortracking.rules.regex.characters import ANY, NO_LINE_BREAK, CharacterSet
from mcp_errortracking.rules.regex.nodes import Character, Choice, Look, Node, Repeat
from mcp_errortracking.rules.regex.nodes import Sequence as Nodes

NOT_ASCII = r"[^\x{0}-\x{7F}]"
DOTTED_I = r"\x{130}"
"""The one letter whose small form is two characters."""
_NEVER = r"[^\x{0}-\x{10FFFF}]"
_NO_BREAK = r"[^\x{A}]"
_ANYTHING = r"(?s:.)"
_LOOKS = {"start": r"\A", "end": r"\z", "line_start": "(?m:^)", "line_end": "(?m:$)"}
_MOST_REPEATS = 1000
_LONGEST = 20_000
_LAST_CASED = 0x1E944


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern of RE2. A text that has a match of `undecided` may be matched otherwise in ingestion."""

    text: str
    undecided: str = ""


def regex_pattern(pattern: str) -> Pattern:
    """Return the pattern of a condition with `regex`.

    Raises:
        NotTranslatableError: RE2 cannot express it, or the crate may not take it.
    """
    try:
        tree = parse(pattern)
        writer = _Writer()
        text = writer.write(tree)
    except (BadPatternError, UndecidedError) as error:
        raise NotTranslatableError(str(error)) from None
    except RecursionError:
        raise NotTranslatableError("a pattern nests too deep") from None
    return Pattern(_bounded(text), "" if writer.is_exact else NOT_ASCII)


def like_pattern(pattern: str) -> Pattern:
    """Return the pattern of ILIKE, as `icontains` with one value uses it."""
    parts = split(pattern)
    begin, end = r"\A" if parts[0] else "", r"\z" if parts[-1] else ""
    if len(parts) == 1:
        begin, end = r"\A", r"\z"
    inner = parts[not parts[0] : len(parts) - (not parts[-1])]
    return Pattern(_bounded(begin + f"{_ANYTHING}*".join(map(_folded, inner)) + end))


def contains_pattern(values: Sequence[str]) -> Pattern:
    """Return the pattern of `icontains` with several values: one of them, both sides in small letters.

    Raises:
        NotTranslatableError: the small form of a letter depends on its neighbours.
    """
    small = [value.lower() for value in values]
    if any(letter in value for value in small for letter in "σς\u0307"):
        raise NotTranslatableError("the small form of a letter of a value depends on its neighbours")
    text = "|".join("".join(_class(_capitals().get(letter, (letter,))) for letter in value) for value in small)
    return Pattern(_bounded(f"(?:{text})"), DOTTED_I if any("i" in value for value in small) else "")


def _bounded(text: str) -> str:
    if len(text) > _LONGEST:
        raise NotTranslatableError("a value is too long")
    return text


def _folded(part: list[tuple[str, bool]]) -> str:
    return "".join(_NO_BREAK if is_wildcard else _class(variants(character)) for character, is_wildcard in part)


@cache
def _capitals() -> dict[str, tuple[str, ...]]:
    """Return the characters of each small form, itself included."""
    groups = dict[str, list[str]]()
    for code in range(_LAST_CASED):
        if (small := chr(code).lower()) != chr(code):
            groups.setdefault(small, [small]).append(chr(code))
    return {small: tuple(group) for small, group in groups.items()}


def _class(characters: Sequence[str]) -> str:
    written = "".join(sorted(set(map(_escaped, characters))))
    return written if len(characters) == 1 else f"[{written}]"


def _escaped(character: str) -> str:
    return character if character.isascii() and character.isalnum() else f"\\x{{{ord(character):X}}}"


class _Writer:
    """Writes a tree of Rust's dialect in RE2's."""

    def __init__(self) -> None:
        self.is_exact = True
        """False if texts with characters beyond ASCII may be matched otherwise."""

    def write(self, node: Node) -> str:
        if isinstance(node, Character):
            return self._set(node.set)
        if isinstance(node, Look):
            return self._look(node.kind)
        if isinstance(node, Nodes):
            return "".join(map(self.write, node.nodes))
        if isinstance(node, Choice):
            return f"(?:{'|'.join(map(self.write, node.nodes))})"
        return self._repeat(node)

    def _repeat(self, node: Repeat) -> str:
        if max(node.least, node.most or 0) > _MOST_REPEATS:
            raise NotTranslatableError(f"a pattern repeats more than {_MOST_REPEATS:,} times")
        most = "" if node.most is None else node.most
        return f"(?:{self.write(node.node)}){{{node.least},{most}}}"

    def _look(self, kind: str) -> str:
        if kind in _LOOKS:
            return _LOOKS[kind]
        self.is_exact = self.is_exact and kind.endswith("_ascii")
        return r"\b" if kind.startswith("word") else r"\B"

    def _set(self, found: CharacterSet) -> str:
        if found is ANY:
            return _ANYTHING
        if found is NO_LINE_BREAK:
            return _NO_BREAK
        if found.character:
            return _class(variants(found.character) if found.folded else (found.character,))
        self.is_exact = False
        members = [code for code in range(128) if found.test(chr(code))]
        ranges = list[list[int]]()
        for code in members:
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
        written = "".join(f"\\x{{{low:X}}}-\\x{{{high:X}}}" for low, high in ranges)
        return f"[{written}]" if ranges else _NEVER
