"""Bracketed classes: `[a-z&&[^x]]`."""

from collections.abc import Callable

from mcp_errortracking.rules.regex.characters import CharacterSet, any_of, combined, in_ranges, negated, one, posix
from mcp_errortracking.rules.regex.errors import BadPatternError
from mcp_errortracking.rules.regex.reader import Reader

_DASH = "Write a literal - first or last in the class, or as \\-."
_LONGEST_NAME = 16  # of a class, as `[:^xdigit:]`, with its brackets
Finish = Callable[[CharacterSet], CharacterSet]


def read_class(reader: Reader, finish: Finish) -> CharacterSet:
    """Read a class that begins at the reader's `[`. `finish` adds case variants, where the flags ask for them.

    Raises:
        BadPatternError: Rust refuses it.
    """
    begin = reader.place
    reader.descend()
    reader.take()
    is_negated = reader.takes("^")
    items = list[CharacterSet]()
    left, operator = list[tuple[str, CharacterSet]](), ""
    while reader.takes("-"):
        items.append(one("-"))
    if not items and reader.takes("]"):
        items.append(one("]"))
    while True:
        reader.skip_space()
        if reader.at_end:
            raise BadPatternError("unclosed character class", begin, "Write a literal [ as \\[.")
        if reader.takes("]"):
            break
        if reader.peek(2) in ("&&", "--", "~~"):
            left.append((operator, _union(items)))
            operator, items = reader.take(2), []
        elif reader.peek() == "[":
            items.append(_posix(reader) or read_class(reader, finish))
        else:
            items.append(finish(_range(reader)))
    reader.ascend()
    whole = combined([*left, (operator, _union(items))])
    return negated(whole) if is_negated else whole


def _union(items: list[CharacterSet]) -> CharacterSet:
    return any_of(items) if items else CharacterSet(lambda _: False, 0)


def _posix(reader: Reader) -> CharacterSet | None:
    if reader.peek(2) != "[:":
        return None
    close = reader.pattern.find(":]", reader.place, reader.place + _LONGEST_NAME)
    if close < 0:
        return None
    name = reader.pattern[reader.place + 2 : close]
    found = posix(name.removeprefix("^"))
    if found is None:
        return None
    reader.place = close + 2
    return negated(found) if name[:1] == "^" else found


def _range(reader: Reader) -> CharacterSet:
    begin = reader.place
    low = _member(reader)
    reader.skip_space()
    if reader.peek() != "-" or reader.peek(2) in ("-]", "--"):
        return low
    reader.take()
    reader.skip_space()
    if reader.at_end:
        raise BadPatternError("unclosed character class", begin)
    place = reader.place
    high = _member(reader)
    if not low.character or not high.character:
        raise BadPatternError("invalid range boundary, must be a literal", place if low.character else begin, _DASH)
    if low.character > high.character:
        raise BadPatternError("invalid character class range, the start must be <= the end", begin, _DASH)
    return in_ranges((low.character, high.character))


def _member(reader: Reader) -> CharacterSet:
    if reader.peek() != "\\":
        return one(reader.take())
    place = reader.place
    found = reader.read_escape()
    if not isinstance(found, CharacterSet):
        raise BadPatternError("invalid escape sequence found in character class", place)
    return found
