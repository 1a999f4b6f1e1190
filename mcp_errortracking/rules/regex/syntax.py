"""The parser of patterns: it takes what Rust's `regex` crate takes, and refuses the rest with the crate's reason."""

from dataclasses import dataclass
from functools import lru_cache

from mcp_errortracking.rules.regex.brackets import read_class
from mcp_errortracking.rules.regex.characters import ANY, NO_LINE_BREAK, CharacterSet, one, without_case
from mcp_errortracking.rules.regex.errors import BadPatternError, UndecidedError
from mcp_errortracking.rules.regex.nodes import Character, Choice, Look, Node, Repeat, Sequence
from mcp_errortracking.rules.regex.reader import INVALID_UTF8, Reader

_SIZE_LIMIT = 10 * 2**20
_MOST_REPEATS = 2**32
_LONGEST_REMEMBERED = 500
_LOOK_AROUND = "look-around, including look-ahead and look-behind, is not supported"
_AROUND_ADVICE = "Use a condition of its own, with regex or not_regex, for what must or must not stand there."


@dataclass(slots=True)
class _Group:
    """An open group: where it begins, the flags outside, the branches read so far."""

    begin: int
    flags: frozenset[str]
    branches: list[Node]
    nodes: list[Node | None]


def parse(pattern: str) -> Node:
    """Return the tree of a pattern. Those of short patterns are remembered.

    Raises:
        BadPatternError: Rust refuses the pattern.
        UndecidedError: that depends on the crate's version.
    """
    return _remembered(pattern) if len(pattern) <= _LONGEST_REMEMBERED else _parse(pattern)


def _parse(pattern: str) -> Node:
    try:
        tree = _Parser(pattern).parse()
        size = size_of(tree)
    except RecursionError:
        raise UndecidedError("the pattern nests too deep to be read here") from None
    if size > _SIZE_LIMIT * 1.05:
        advice = "Use smaller counts, or . or [a-z] in place of \\w and \\d."
        raise BadPatternError("Compiled regex exceeds size limit of 10485760 bytes.", 0, advice)
    if size > _SIZE_LIMIT * 0.9:
        raise UndecidedError("the compiled pattern is close to the crate's limit of 10 MiB")
    return tree


_remembered = lru_cache(maxsize=256)(_parse)


class _Parser:
    def __init__(self, pattern: str) -> None:
        self._reader = Reader(pattern)
        self._groups = [_Group(0, self._reader.flags, [], [])]
        self._names = set[str]()

    def parse(self) -> Node:
        reader = self._reader
        while True:
            reader.skip_space()
            if reader.at_end:
                break
            character = reader.peek()
            group = self._groups[-1]
            if character == "(":
                self._open()
            elif character == ")":
                self._close()
            elif character == "|":
                reader.take()
                group.branches.append(_sequence(group.nodes))
                group.nodes = []
            elif character in "*+?":
                least, most = {"*": (0, None), "+": (1, None), "?": (0, 1)}[character]
                begin = reader.place
                reader.take()
                self._repeat(begin, least, most)
            elif character == "{":
                self._counted()
            else:
                group.nodes.append(self._one(character))
        if len(self._groups) > 1:
            raise BadPatternError("unclosed group", self._groups[-1].begin, "Write a literal ( as \\(.")
        return _choice(self._groups[0])

    def _one(self, character: str) -> Node:
        reader, flags = self._reader, self._reader.flags
        begin = reader.place
        if character == "[":
            found = read_class(reader, self._finish)
            if "u" not in flags and found.test("\u0100"):
                raise BadPatternError(INVALID_UTF8, begin)
            return Character(found)
        if character == "\\":
            escaped = reader.read_escape()
            return escaped if isinstance(escaped, Look) else Character(self._finish(escaped))
        reader.take()
        if character == ".":
            if "u" not in flags:
                raise BadPatternError(INVALID_UTF8, begin)
            return Character(ANY if "s" in flags else NO_LINE_BREAK)
        if character == "^":
            return Look("line_start" if "m" in flags else "start")
        if character == "$":
            return Look("line_end" if "m" in flags else "end")
        if "u" not in flags and not character.isascii():
            raise BadPatternError("Unicode not allowed here", begin)
        return Character(self._finish(one(character)))

    def _finish(self, found: CharacterSet) -> CharacterSet:
        if "i" not in self._reader.flags:
            return found
        return one(found.character, folded=True) if found.character else without_case(found)

    def _open(self) -> None:
        reader = self._reader
        begin, flags = reader.place, reader.flags
        reader.descend()
        reader.take()
        reader.skip_space()
        if any(reader.pattern.startswith(mark, reader.place) for mark in ("?=", "?!", "?<=", "?<!")):
            raise BadPatternError(_LOOK_AROUND, begin, _AROUND_ADVICE)
        if reader.takes("?P<") or reader.takes("?<"):
            self._name(begin)
        elif reader.takes("?"):
            changed = self._flags(begin)
            if reader.take() == ")":
                reader.ascend()
                if reader.peek() and reader.pattern[begin : reader.place] == "(?)":
                    raise BadPatternError("repetition operator missing expression", begin + 1)
                reader.flags = changed
                self._groups[-1].nodes.append(None)
                return
            reader.flags = changed
        self._groups.append(_Group(begin, flags, [], []))

    def _name(self, begin: int) -> None:
        reader = self._reader
        end = reader.pattern.find(">", reader.place)
        name = reader.pattern[reader.place : end if end >= 0 else None]
        if not name:
            raise BadPatternError("empty capture group name", reader.place)
        for index, character in enumerate(name):
            is_letter = character == "_" or character.isalpha()
            if not (is_letter or (index and (character in ".[]" or character.isnumeric()))):
                raise BadPatternError("invalid capture group character", reader.place + index)
        if end < 0:
            raise BadPatternError("unclosed capture group name", begin)
        if name in self._names:
            raise BadPatternError("duplicate capture group name", reader.place)
        self._names.add(name)
        reader.place = end + 1

    def _flags(self, begin: int) -> frozenset[str]:
        """Read flags up to `:` or `)`, which is left, and return those in force after them."""
        reader = self._reader
        on, off, seen = set[str](), set[str](), set[str]()
        negates = False
        while reader.peek() not in (":", ")"):
            place, letter = reader.place, reader.take()
            if not letter:
                raise BadPatternError("incomplete flag group, reached end of pattern prematurely", begin)
            if letter == "-":
                if negates:
                    raise BadPatternError("repeated flag negation operator", place)
                negates = True
            elif letter == "R":
                raise UndecidedError("only newer versions of Rust's regex crate know the flag R")
            elif letter not in "imsUux":
                raise BadPatternError("unrecognized flag", place, _GROUPS.get(letter, ""))
            elif letter in seen:
                raise BadPatternError("duplicate flag", place)
            else:
                seen.add(letter)
                (off if negates else on).add(letter)
        if negates and not off:
            raise BadPatternError("dangling flag negation operator", begin)
        if not seen and reader.peek() == ")":
            raise BadPatternError("repetition operator missing expression", begin + 1)
        return (reader.flags | on) - off

    def _close(self) -> None:
        reader = self._reader
        if len(self._groups) == 1:
            raise BadPatternError("unopened group", reader.place, "Write a literal ) as \\).")
        reader.take()
        reader.ascend()
        group = self._groups.pop()
        reader.flags = group.flags
        self._groups[-1].nodes.append(_choice(group))

    def _counted(self) -> None:
        reader = self._reader
        begin = reader.place
        advice = "Write a literal { as \\{."
        if not self._groups[-1].nodes or self._groups[-1].nodes[-1] is None:
            raise BadPatternError("repetition operator missing expression", begin, advice)
        reader.take()
        least = self._decimal(begin, advice)
        most: int | None = least
        if reader.takes(","):
            self._skip_blanks()
            most = None if reader.peek() == "}" else self._decimal(begin, advice)
        if not reader.takes("}"):
            raise BadPatternError("unclosed counted repetition", begin, advice)
        if most is not None and most < least:
            raise BadPatternError("invalid repetition count range, the start must be <= the end", begin)
        self._repeat(begin, least, most)

    def _decimal(self, begin: int, advice: str) -> int:
        reader = self._reader
        self._skip_blanks()
        if reader.at_end:
            raise BadPatternError("unclosed counted repetition", begin, advice)
        digits = ""
        while reader.peek() and reader.peek() in "0123456789":
            digits += reader.take()
        self._skip_blanks()
        if not digits:
            raise BadPatternError("repetition quantifier expects a valid decimal", reader.place, advice)
        if len(digits) > 10 or int(digits) >= _MOST_REPEATS:
            raise BadPatternError("decimal literal invalid", begin)
        if reader.at_end:
            raise BadPatternError("unclosed counted repetition", begin, advice)
        return int(digits)

    def _skip_blanks(self) -> None:
        while self._reader.peek().isspace():
            self._reader.take()

    def _chained(self, node: Node) -> bool:
        """True if a node is repeated as often as Rust allows."""
        for _ in range(249):
            if not isinstance(node, Repeat):
                return False
            node = node.node
        return True

    def _repeat(self, begin: int, least: int, most: int | None) -> None:
        nodes = self._groups[-1].nodes
        if not nodes or nodes[-1] is None:
            raise BadPatternError("repetition operator missing expression", begin, "Escape it with a backslash.")
        if self._chained(nodes[-1]):
            raise BadPatternError("exceeds the nest limit of 250", begin)
        self._reader.takes("?")  # lazy or greedy: the same question has the same answer
        nodes[-1] = Repeat(nodes[-1], least, most)


_GROUPS = {
    "#": "Leave the comment out.",
    ">": "Use (?:...): Rust never backtracks.",
    "P": "Name a group with (?P<name>...).",
}


def _sequence(nodes: list[Node | None]) -> Node:
    kept = tuple(node for node in nodes if node is not None)
    return kept[0] if len(kept) == 1 else Sequence(kept)


def _choice(group: _Group) -> Node:
    last = _sequence(group.nodes)
    return Choice((*group.branches, last)) if group.branches else last


def size_of(node: Node) -> int:
    """Return about as many bytes as the crate's automaton takes for a node."""
    if isinstance(node, Character):
        return node.set.size
    if isinstance(node, Look):
        return 40
    if isinstance(node, Repeat):
        return (size_of(node.node) + 8) * max(1, node.least if node.most is None else node.most)
    return sum(size_of(inner) for inner in node.nodes) + 8
