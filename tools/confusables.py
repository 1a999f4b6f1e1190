"""Generator of mcp_errortracking/safe_text/confusables.py, the table of characters that look like ASCII characters.

    pip download --no-deps confusable-homoglyphs==3.3.1 && unzip confusable_homoglyphs-3.3.1-*.whl
    python -m tools.confusables confusable_homoglyphs/confusables.json

The pairs come from Unicode's confusables.txt (UTS #39), which that package ships as JSON. The generator adds characters
that Unicode decomposes to an ASCII character, upper and lower case of all of them, and the table `_OWN`.
"""

import json
import string
import sys
import textwrap
import unicodedata
from collections.abc import Mapping
from pathlib import Path

_TARGET = Path(__file__).parent.parent / "mcp_errortracking" / "safe_text" / "confusables.py"
_TARGETS = frozenset(string.ascii_letters + "01:<>|[]/_=-")

_OWN = {
    "a": "\u2c65\u1d00",
    "d": "\u0111\u1d05\u0257",
    "e": "\u03b5\u0247\u1d07\u2c89\u2c88\u0395\u0415",
    "h": "\u0127\u029c\u2c8e\u2c8f\u043d",
    "i": "\u026a\u0268\u2c92\u2c93",
    "l": "\u0142\u029f\u019a",
    "m": "\u1d0d\u0271\u2c98\u2c99\u043c",
    "n": "\u03b7\u043f\u0274\u019e\u014b\u0272\u0273\u2c9a\u2c9b",
    "o": "\u13eb\u03c3\u00f8\u0275\u1d0f\u2c9e\u2c9f",
    "p": "\u1d18",
    "r": "\u024d\u0280",
    "t": "\u03c4\u0442\u0167\u1d1b\u2ca6\u2ca7",
    "u": "\u0289\u1d1c",
    "v": "\u1d20",
    "y": "\u028f\u024f",
    ":": "\u05c3\u1361\u1365\u1804\u205d\u2982\ua6f4\ufe13\ufe55",
    "<": "\u2329\u27e8\u3008\ufe64",
    ">": "\u232a\u27e9\u3009\ufe65",
    "[": "\u27e6\u3010\u3014",
    "]": "\u27e7\u3011\u3015",
    "|": "\u01c0\u2223\u23d0\u2502\u2503\u2758\u2759\u275a\ufe31\ufe33\uff5c\uffe8",
}
_ALPHABETS = (0x1F150, 0x1F170, 0x1F1E6)
"""Code points of the first letters of two alphabets in white on black, and of the regional indicators."""

_HEAD = '''"""Characters that look like those of ASCII, by UTS #39 and Unicode's decompositions; and those that combine.

Written by tools/confusables.py. Derived from Unicode's confusables.txt and character database, (c) Unicode, Inc.,
used under the Unicode License v3.
"""

'''


def alike(confusables: Mapping[str, list[dict[str, str]]]) -> dict[str, str]:
    """Return the ASCII characters, in lower case, that each other character looks like."""
    known = {char: plain for plain, chars in _OWN.items() for char in chars}
    known |= {chr(first + index): chr(ord("a") + index) for first in _ALPHABETS for index in range(26)}
    for plain, pairs in confusables.items():
        target = "m" if plain == "rn" else plain
        if target not in _TARGETS:
            continue
        for pair in pairs:
            char = pair["c"].strip("\u200e")
            if len(char) == 1 and not char.isascii():
                known.setdefault(char, target.lower())

    def plain_of(char: str) -> str | None:
        if char in _TARGETS:
            return char.lower()
        return known.get(char)

    found = dict[str, str]()
    for code in range(0x80, 0x110000):
        char = chr(code)
        if unicodedata.category(char) in ("Cn", "Cs", "Co"):
            continue
        for form in (char, unicodedata.normalize("NFKD", char), char.lower(), char.upper()):
            letters = [part for part in form if unicodedata.category(part)[0] != "M" or part in known]
            if any(part.isalpha() for part in letters):  # letters in parentheses, squares, with a full stop
                letters = [part for part in letters if part not in "()."]
            plain = [plain_of(part) for part in letters]
            if plain and None not in plain:
                text = "".join(part for part in plain if part)
                if len(text) == 1 or text.isalpha():
                    found[char] = text
                break
    return found


def combining(known: Mapping[str, str]) -> list[tuple[int, int]]:
    """Return the ranges of combining characters, without those that look like an ASCII character."""
    codes = [code for code in range(0x300, 0x110000) if unicodedata.category(chr(code))[0] == "M"]
    ranges = list[tuple[int, int]]()
    for code in codes:
        if chr(code) in known:
            continue
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return ranges


def _literal(words: list[str], room: int) -> str:
    """Return a string literal, on several lines if it is longer than the room."""
    text = " ".join(words)
    if len(text) <= room:
        return f'"{text}"'
    lines = "\n".join(f'        "{line} "' for line in textwrap.wrap(text, 108))
    return f"(\n{lines}\n    )"


def main() -> None:
    """Write the table."""
    found = alike(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    by_plain = dict[str, list[str]]()
    for char, plain in found.items():
        by_plain.setdefault(plain, []).append(f"{ord(char):x}")
    rows = "\n".join(f'    "{plain}": {_literal(codes, 100)},' for plain, codes in sorted(by_plain.items()))
    ranges = textwrap.wrap(" ".join(f"{first:x}-{last:x}" for first, last in combining(found)), 112)
    lines = "\n".join(f'    "{line} "' for line in ranges)
    _TARGET.write_text(f"{_HEAD}LOOKALIKES = {{\n{rows}\n}}\n\nCOMBINING = (\n{lines}\n)\n", "utf-8")


if __name__ == "__main__":
    main()
