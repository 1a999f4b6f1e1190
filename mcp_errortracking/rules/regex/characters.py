"""Sets of characters: the classes, properties and brackets of a pattern."""

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass

from mcp_errortracking.rules.folding import fold_character, variants
from mcp_errortracking.rules.regex.errors import UndecidedError

Test = Callable[[str], bool]

_SPACES = frozenset(
    "\t\n\x0b\x0c\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
)
# Alphabetic by Unicode's list of other letters, without being letters or marks by category.
_CIRCLED = ((0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
_CATEGORIES = {
    "letter": "L",
    "mark": "M",
    "combiningmark": "M",
    "number": "N",
    "punctuation": "P",
    "symbol": "S",
    "separator": "Z",
    "other": "C",
    "uppercaseletter": "Lu",
    "lowercaseletter": "Ll",
    "titlecaseletter": "Lt",
    "modifierletter": "Lm",
    "otherletter": "Lo",
    "nonspacingmark": "Mn",
    "spacingmark": "Mc",
    "enclosingmark": "Me",
    "decimalnumber": "Nd",
    "digit": "Nd",
    "letternumber": "Nl",
    "othernumber": "No",
    "connectorpunctuation": "Pc",
    "dashpunctuation": "Pd",
    "openpunctuation": "Ps",
    "closepunctuation": "Pe",
    "initialpunctuation": "Pi",
    "finalpunctuation": "Pf",
    "otherpunctuation": "Po",
    "mathsymbol": "Sm",
    "currencysymbol": "Sc",
    "modifiersymbol": "Sk",
    "othersymbol": "So",
    "spaceseparator": "Zs",
    "lineseparator": "Zl",
    "paragraphseparator": "Zp",
    "control": "Cc",
    "format": "Cf",
    "privateuse": "Co",
    "unassigned": "Cn",
    "punct": "P",
    "cntrl": "Cc",
}
_SHORT = frozenset(name.lower() for name in [*_CATEGORIES.values(), "Sk", "Cs"])
# A letter belongs to the script that its name begins with, for these.
_SCRIPT_NAMES = (
    "armenian arabic bengali bopomofo cyrillic devanagari ethiopic georgian greek gujarati gurmukhi hangul hebrew "
    "hiragana kannada katakana khmer lao latin malayalam mongolian myanmar oriya sinhala tamil telugu thai tibetan"
)
_SCRIPTS = frozenset(_SCRIPT_NAMES.split())
_POSIX: dict[str, str] = {
    "alnum": "0-9A-Za-z",
    "alpha": "A-Za-z",
    "ascii": "\x00-\x7f",
    "blank": "\t\t  ",
    "cntrl": "\x00-\x1f\x7f-\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@[-`{-~",
    "space": "\t-\r  ",
    "upper": "A-Z",
    "word": "0-9A-Z_-_a-z",
    "xdigit": "0-9A-Fa-f",
}


@dataclass(frozen=True, slots=True)
class CharacterSet:
    """A set of characters.

    `character` is its only member, compared without case if `folded`. `size` is the memory that the crate's automaton
    takes for it, in bytes, as measured.
    """

    test: Test
    size: int
    character: str = ""
    folded: bool = False


def one(character: str, *, folded: bool = False) -> CharacterSet:
    """Return the set of one character, or of its case variants."""
    size = 32 * len(character.encode("utf-8", "surrogatepass"))
    if folded and (character.isalpha() or fold_character(character) != character):
        wanted = fold_character(character)
        return CharacterSet(lambda given: fold_character(given) == wanted, 80, character, True)
    return CharacterSet(lambda given: given == character, size, character)


def in_ranges(*ranges: tuple[str, str]) -> CharacterSet:
    """Return the set of all characters in these ranges."""
    is_ascii = all(high < "\x80" for _, high in ranges)
    size = 40 + 32 * len(ranges) if is_ascii else 1000
    if len(ranges) == 1:
        low, high = ranges[0]
        return CharacterSet(lambda given: low <= given <= high, size)
    return CharacterSet(lambda given: any(low <= given <= high for low, high in ranges), size)


def posix(name: str) -> CharacterSet | None:
    """Return a class such as `[:alpha:]`; None if there is none of this name."""
    if name not in _POSIX:
        return None
    # A range of one character is written twice in a row, or with a dash.
    text, ranges = _POSIX[name], list[tuple[str, str]]()
    while text:
        if text[1:2] == "-":
            ranges, text = [*ranges, (text[0], text[2])], text[3:]
        else:
            ranges, text = [*ranges, (text[0], text[1])], text[2:]
    return in_ranges(*ranges)


def negated(given: CharacterSet) -> CharacterSet:
    """Return all other characters."""
    test = given.test
    return CharacterSet(lambda character: not test(character), max(given.size, 1000))


def any_of(sets: list[CharacterSet]) -> CharacterSet:
    """Return the union."""
    if len(sets) == 1:
        return sets[0]
    singles = frozenset(one.character for one in sets if one.character and not one.folded)
    rest = [one.test for one in sets if not one.character or one.folded]
    if not rest:
        return CharacterSet(singles.__contains__, sum(one.size for one in sets))
    return CharacterSet(
        lambda character: character in singles or any(test(character) for test in rest), sum(one.size for one in sets)
    )


def combined(sets: list[tuple[str, CharacterSet]]) -> CharacterSet:
    """Return the intersection (`&&`), difference (`--`) or symmetric difference (`~~`) of sets, from left to right.

    Args:
        sets: each with the operator before it; that of the first is not looked at.
    """
    (_, first), *others = sets
    if not others:
        return first
    rest = [(operator, one.test) for operator, one in others]

    def test(character: str) -> bool:  # a loop: there may be more operators than calls can nest
        found = first.test(character)
        for operator, other in rest:
            if found or operator == "~~":
                found = found != other(character) if operator == "~~" else other(character) == (operator == "&&")
        return found

    return CharacterSet(test, max(one.size for _, one in sets))


def without_case(given: CharacterSet) -> CharacterSet:
    """Return the set with all case variants of its characters."""
    test = given.test
    return CharacterSet(
        lambda character: test(character) or any(map(test, variants(character))), given.size + given.size // 8
    )


def is_word(character: str) -> bool:
    """True for a character of `\\w`, by Unicode."""
    if character < "\x80":
        return character.isalnum() or character == "_"
    category = unicodedata.category(character)
    if category[0] in "LM" or category in ("Nd", "Pc", "Nl") or character in "\u200c\u200d":
        return True
    code = ord(character)
    return any(low <= code <= high for low, high in _CIRCLED)


def is_ascii_word(character: str) -> bool:
    """True for a character of `\\w` without Unicode."""
    return character < "\x80" and (character.isalnum() or character == "_")


def _is_digit(character: str) -> bool:
    return unicodedata.category(character) == "Nd"


PERL = {
    "d": CharacterSet(_is_digit, 4650),
    "s": CharacterSet(_SPACES.__contains__, 680),
    "w": CharacterSet(is_word, 48_322),
}
ASCII_PERL = {
    "d": in_ranges(("0", "9")),
    "s": in_ranges(("\t", "\r"), (" ", " ")),
    "w": in_ranges(("0", "9"), ("A", "Z"), ("_", "_"), ("a", "z")),
}
ANY = CharacterSet(lambda _: True, 1000)
NO_LINE_BREAK = CharacterSet(lambda character: character != "\n", 1000)


def property_set(name: str) -> CharacterSet:
    """Return the characters of a Unicode property, by its loose name.

    Raises:
        UndecidedError: a property of which Python has no table.
    """
    plain = name.lower().replace("_", "").replace(" ", "").replace("-", "")
    for prefix in ("generalcategory", "gc", "script", "sc", "is"):
        for sign in ("=", ":"):
            if plain.startswith(prefix + sign):
                plain = plain[len(prefix) + 1 :]
    plain = plain.removeprefix("is") if len(plain) > 2 else plain
    if plain == "any":
        return ANY
    if plain == "ascii":
        return in_ranges(("\x00", "\x7f"))
    if plain == "assigned":
        return CharacterSet(lambda character: unicodedata.category(character) != "Cn", 20_000)
    if plain in ("alphabetic", "alpha"):
        return CharacterSet(lambda character: is_word(character) and _is_alphabetic(character), 40_000)
    if plain in ("whitespace", "space"):
        return PERL["s"]
    if plain in ("uppercase", "upper"):
        return CharacterSet(str.isupper, 20_000)
    if plain in ("lowercase", "lower"):
        return CharacterSet(str.islower, 20_000)
    if plain in _CATEGORIES or plain in _SHORT:
        category = _CATEGORIES.get(plain) or plain.capitalize()
        return CharacterSet(lambda character: unicodedata.category(character).startswith(category), 20_000)
    if plain == "lc":
        return CharacterSet(lambda character: unicodedata.category(character) in ("Lu", "Ll", "Lt"), 20_000)
    if plain in ("han", "hani"):
        return CharacterSet(lambda character: _is_of_script(character, "CJK"), 5000)
    if plain in _SCRIPTS:
        return CharacterSet(lambda character: _is_of_script(character, plain.upper()), 5000)
    raise UndecidedError(f"the Unicode property {name} is not evaluated here")


def _is_alphabetic(character: str) -> bool:
    return unicodedata.category(character) not in ("Nd", "Pc") and character not in "\u200c\u200d"


def _is_of_script(character: str, script: str) -> bool:
    if character < "\x80":
        return script == "LATIN" and character.isalpha()
    name = unicodedata.name(character, "")
    if character.isalpha() and name.split(" ")[0] in {one.upper() for one in _SCRIPTS} | {"CJK"}:
        return name.split(" ")[0] == script
    raise UndecidedError(f"the script of U+{ord(character):04X} is not known here")
