"""Which function a place in a bundle is in: what was opened before it and not closed, read without a parser.

A file that a stranger sent may be written to make that slow, so whatever is read is paid for from an `Effort`.
"""

import re

_TOKEN = re.compile(r"[\"'`/(){}\[\],;\n]|=>")
_QUOTED = {
    '"': re.compile(r"\"(?:[^\"\\\n]++|\\[\s\S])*+\"?"),
    "'": re.compile(r"'(?:[^'\\\n]++|\\[\s\S])*+'?"),
}
_TEMPLATE = re.compile(r"(?:[^`\\$]++|\\[\s\S]|\$(?!\{))*+(?:`|\$\{)?")
_LINE = re.compile(r"[^\n]*+")
_BLOCK_COMMENT = re.compile(r"/\*(?:[^*]++|\*(?!/))*+(?:\*/)?")
_PATTERN = re.compile(r"/(?![*/])(?:[^/\\\n\[]++|\\.|\[(?:[^\]\\\n]++|\\.)*+\])++/")
_BEFORE_PATTERN = re.compile(r"(?:^|[=(,:;!&|?{}\[>\n]|(?<![\w$.])(?:return|typeof|case|void|throw|else|in|of))[ \t]*$")
_CONTROL = re.compile(r"(?<![\w$.])(?:if|for|while|switch|catch|with|await)\s*$")
_FUNCTION = re.compile(r"(?<![\w$.])function\b\s*+(?:\*\s*+)?[\w$]*+\s*$")
_LINE_GOES_ON = re.compile(r"[=>(,+\-*/%&|?:<.\[{\r]$")
_GOES_ON = re.compile(r"\s*[.?:+\-*/%&|<>=)\]]")
_BODY = re.compile(r"\s*(?:=>|\{)")
_BACK = 16
"""Characters before a sign that may tell what it means; a function's name has more."""
_BACK_TO_FUNCTION = 80
_CHARACTERS = 64
"""How many are passed over in the time that a sign takes."""
_AHEAD = 1000
"""How far behind a place the parameters that it is in may end."""
_BRACES = ("{", "function {", "${")
_PARENTHESES = ("(", "if (", "function (")
_FUNCTIONS = ("function {", "function (", "=>")


class SpentError(Exception):
    """More would have to be read than the effort allows."""


class Effort:
    """How many steps reading may take; a step is a sign, or 64 characters without one. `spent`: how many it took."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.spent = 0

    def spend(self, characters: int = 0) -> None:
        """Pays for a sign, and the characters passed over.

        Raises:
            SpentError: there is no more.
        """
        self.spent += 1 + characters // _CHARACTERS
        if self.spent > self._most:
            raise SpentError

    @property
    def left(self) -> int:
        """How many steps there still are."""
        return max(0, self._most - self.spent)


class Scan:
    """Reads code on from a place where no text, comment or pattern is open. `opened`: what it is in, by kind.

    Kinds are brackets, `function {` and `function (` for those of a function's body and parameters, `if (` for those
    of a statement, `${` in a template, and `=>` for an arrow function without braces.
    """

    def __init__(self, text: str, at: int, effort: Effort, *, is_bracket: bool = False) -> None:
        """
        Args:
            is_bracket: it begins with a bracket, and ends with it; otherwise it is an expression, which ends with the
                bracket around it, or at a comma, a semicolon or a line that does not continue it.
        """
        self.opened = ["if (" if text[at] == "(" else text[at]] if is_bracket else []  # no other's parameters
        self.at = at + is_bracket
        self._text = text
        self._effort = effort
        self._is_bracket = is_bracket
        self._end = at
        self._last_parentheses = (-1, "")
        self._asked = 0
        self._has_parameters = False

    def is_open_at(self, end: int) -> bool:
        """Reads up to `end`, and says whether what it began with goes on there.

        Raises:
            SpentError: it took too much.
        """
        self._end = end
        while self.at < end:
            if not self._goes_on() or (self._is_bracket and not self.opened):
                return False
        return True

    def functions(self) -> int:
        """How many functions, of those that began since the start, are open.

        Raises:
            SpentError: it took too much.
        """
        return sum(kind in _FUNCTIONS for kind in self.opened) + self._is_in_parameters()

    def _is_in_parameters(self) -> bool:
        """Whether open parentheses turn out to be a function's parameters, when they close."""
        ahead = Scan(self._text, self._end, self._effort)
        ahead.opened = list(self.opened)
        ahead._asked = len(self.opened)
        ahead._end = min(len(self._text), self._end + _AHEAD)
        while ahead.at < ahead._end and "(" in ahead.opened[: ahead._asked] and not ahead._has_parameters:
            if not ahead._goes_on():
                return False
        return ahead._has_parameters

    def _goes_on(self) -> bool:
        """Reads to behind the next sign, and says whether what the scan began with goes on there."""
        token = _TOKEN.search(self._text, self.at, self._end)
        before, self.at = self.at, token.end() if token else self._end
        self._effort.spend(self.at - before)
        return token is None or self._take(token[0], token.start())

    def _take(self, sign: str, at: int) -> bool:
        """Takes a sign; False: it ends the expression that the scan began with."""
        if sign in _QUOTED:
            self._read(_QUOTED[sign], at)
        elif sign == "/":
            self._take_slash(at)
        elif sign == "`":
            self._take_template()
        elif sign in "({[":
            self.opened.append(self._kind(sign, at))
        elif sign == "=>":
            if not _BODY.match(self._text, self.at):
                self.opened.append("=>")
        elif sign in ")}]":
            return self._close(sign, at)
        elif sign != "\n" or self._line_ends(at):
            self._end_arrows()
            return bool(self.opened)
        return True

    def _read(self, pattern: re.Pattern[str], at: int) -> None:
        found = pattern.match(self._text, at, self._end)
        self.at = found.end() if found else at + 1
        self._effort.spend(self.at - at)

    def _take_slash(self, at: int) -> None:
        following = self._text[at + 1 : at + 2]
        if following == "/" and self._text[at - 1 : at] != "\\":
            self._read(_LINE, at)
        elif following == "*":
            self._read(_BLOCK_COMMENT, at)
        elif _BEFORE_PATTERN.search(self._before(at)) or self._last_parentheses == (at, "if ("):
            if found := _PATTERN.match(self._text, at, self._end):
                self.at = found.end()
                self._effort.spend(self.at - at)
            else:  # a division; all of the line was read for nothing
                end = self._text.find("\n", at, self._end)
                self._effort.spend((self._end if end < 0 else end) - at)

    def _take_template(self) -> None:
        """Goes to where a template's text ends: with it, or with the code in it, which is opened then."""
        start = self.at
        self._read(_TEMPLATE, start)
        if self._text[start : self.at].endswith("${"):
            self.opened.append("${")

    def _before(self, at: int, count: int = _BACK) -> str:
        return self._text[max(0, at - count) : at]

    def _kind(self, sign: str, at: int) -> str:
        if sign == "(":
            if _CONTROL.search(self._before(at)):
                return "if ("
            return "function (" if _FUNCTION.search(self._before(at, _BACK_TO_FUNCTION)) else "("
        if sign == "{":
            before = self._before(at).rstrip()
            place, kind = self._last_parentheses
            is_function = before.endswith("=>") or (before.endswith(")") and kind != "if (" and place >= 0)
            return "function {" if is_function else "{"
        return sign

    def _close(self, sign: str, at: int) -> bool:
        self._end_arrows()
        if not self.opened:
            return False
        if sign == "}":
            while self.opened[-1] not in _BRACES:  # a pattern was taken for code
                self.opened.pop()
                if not self.opened:
                    return False
            if self.opened.pop() == "${":
                self._take_template()
        elif sign == ")" and self.opened[-1] in _PARENTHESES:
            kind = self.opened.pop()
            self._last_parentheses = (self.at, kind)
            is_asked = len(self.opened) < self._asked
            self._asked = min(self._asked, len(self.opened))
            self._has_parameters |= is_asked and kind == "(" and bool(_BODY.match(self._text, self.at, self.at + _BACK))
        elif sign == "]" and self.opened[-1] == "[":
            self.opened.pop()
        return True

    def _end_arrows(self) -> None:
        while self.opened and self.opened[-1] == "=>":
            self.opened.pop()

    def _line_ends(self, at: int) -> bool:
        """Whether a line break ends an expression: neither line leads over it."""
        return not (_LINE_GOES_ON.search(self._before(at)) or _GOES_ON.match(self._text, self.at, self.at + _BACK))
