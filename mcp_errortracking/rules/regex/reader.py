"""The place in a pattern, the flags in force there, and escapes."""

from mcp_errortracking.rules.regex.characters import ASCII_PERL, PERL, CharacterSet, negated, one, property_set
from mcp_errortracking.rules.regex.errors import BadPatternError, UndecidedError
from mcp_errortracking.rules.regex.nodes import Look

_META = "\\.+*?()|[]{}^$#&-~"
_LITERAL_ESCAPES = {"a": "\a", "f": "\f", "t": "\t", "n": "\n", "r": "\r", "v": "\v"}
_DIGITS = {"x": 2, "u": 4, "U": 8}
_MOST_DEPTH = 250
INVALID_UTF8 = "pattern can match invalid UTF-8"


class Reader:
    """Reads a pattern from its beginning to its end.

    `flags` holds the letters that are on; `u` is, unless the pattern turns it off.
    """

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.place = 0
        self.flags = frozenset("u")
        self._depth = 0

    @property
    def at_end(self) -> bool:
        return self.place >= len(self.pattern)

    def peek(self, count: int = 1) -> str:
        """Return the next characters without taking them."""
        return self.pattern[self.place : self.place + count]

    def take(self, count: int = 1) -> str:
        """Return the next characters and go past them."""
        taken = self.peek(count)
        self.place += count
        return taken

    def takes(self, text: str) -> bool:
        """Go past a text if it is next."""
        if not self.pattern.startswith(text, self.place):
            return False
        self.place += len(text)
        return True

    def skip_space(self) -> None:
        """Go past blanks and comments, which flag x allows."""
        if "x" not in self.flags:
            return
        while not self.at_end:
            if PERL["s"].test(self.peek()):
                self.place += 1
            elif self.peek() == "#":
                end = self.pattern.find("\n", self.place)
                self.place = len(self.pattern) if end < 0 else end + 1
            else:
                return

    def descend(self) -> None:
        """Enter a group or a class.

        Raises:
            BadPatternError: they nest too deep.
        """
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise BadPatternError(f"exceeds the nest limit of {_MOST_DEPTH}", self.place)

    def ascend(self) -> None:
        """Leave it."""
        self._depth -= 1

    def read_escape(self) -> CharacterSet | Look:
        """Read what a backslash begins.

        Raises:
            BadPatternError: Rust does not know it.
            UndecidedError: only some versions know it.
        """
        begin = self.place
        self.take()
        letter = self.take()
        if not letter:
            raise BadPatternError("incomplete escape sequence, reached end of pattern prematurely", begin)
        if letter.isdecimal() and letter.isascii():
            raise BadPatternError("backreferences are not supported", begin, "Write out the repeated text.")
        if letter in _LITERAL_ESCAPES:
            return one(_LITERAL_ESCAPES[letter])
        if letter in _DIGITS:
            return one(self._code(begin, _DIGITS[letter]))
        if letter.lower() in PERL:
            return self._perl(begin, letter)
        if letter in "pP":
            return self._property(begin, letter)
        if letter in "bB":
            return self._boundary(letter)
        if letter in "Az":
            return Look("start" if letter == "A" else "end")
        if letter in _META or (letter.isascii() and not letter.isalnum() and letter not in "<>"):
            return one(letter)
        raise BadPatternError("unrecognized escape sequence", begin, _ADVICE.get(letter, ""))

    def _code(self, begin: int, count: int) -> str:
        if self.takes("{"):
            end = self.pattern.find("}", self.place)
            if end < 0:
                raise BadPatternError("incomplete escape sequence, reached end of pattern prematurely", begin)
            digits = self.take(end - self.place)
            self.take()
        else:
            digits = self.take(count)
            if len(digits) < count:
                raise BadPatternError("incomplete escape sequence, reached end of pattern prematurely", begin)
        if not digits or any(digit not in "0123456789abcdefABCDEF" for digit in digits):
            raise BadPatternError("invalid hexadecimal digit", begin)
        code = int(digits[-9:], 16)
        if len(digits.lstrip("0")) > 8 or code > 0x10FFFF or 0xD800 <= code < 0xE000:
            raise BadPatternError("hexadecimal literal is not a Unicode scalar value", begin)
        return chr(code)

    def _perl(self, begin: int, letter: str) -> CharacterSet:
        found = (PERL if "u" in self.flags else ASCII_PERL)[letter.lower()]
        if letter.islower():
            return found
        if "u" not in self.flags:
            raise BadPatternError(INVALID_UTF8, begin)
        return negated(found)

    def _property(self, begin: int, letter: str) -> CharacterSet:
        if "u" not in self.flags:
            raise BadPatternError("Unicode not allowed here", begin)
        if self.takes("{"):
            end = self.pattern.find("}", self.place)
            if end < 0:
                raise BadPatternError("incomplete escape sequence, reached end of pattern prematurely", begin)
            name = self.take(end - self.place)
            self.take()
        else:
            name = self.take()
        if not name or name[:1] in "^&" or not name.replace("&", "").strip():
            raise BadPatternError("Unicode property not found", begin)
        found = property_set(name.replace("!=", "="))
        return negated(found) if (letter == "P") != ("!=" in name) else found

    def _boundary(self, letter: str) -> Look:
        if (
            letter == "b"
            and self.peek() == "{"
            and any(self.pattern.startswith(name, self.place) for name in ("{start", "{end"))
        ):
            raise UndecidedError("only newer versions of Rust's regex crate know \\b{...}")
        ascii_only = "" if "u" in self.flags else "_ascii"
        return Look(("word" if letter == "b" else "no_word") + ascii_only)


_ADVICE = {
    "Z": "Use \\z, or $.",
    "<": "Use \\b.",
    ">": "Use \\b.",
    "Q": "Escape each character with a backslash.",
    "E": "Escape each character with a backslash.",
    "h": "Use [ \\t].",
    "R": "Use (?:\\r\\n|\\n).",
    "e": "Use \\x1B.",
}
