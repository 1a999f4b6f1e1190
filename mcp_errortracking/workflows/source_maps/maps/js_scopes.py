"""Scopes that are open at a position of a bundle, found without a parser.

A hostile file may be written to make this slow, so all reading is charged to a `StepBudget`.
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
_REGEX = re.compile(r"/(?![*/])(?:[^/\\\n\[]++|\\.|\[(?:[^\]\\\n]++|\\.)*+\])++/")
_BEFORE_REGEX = re.compile(r"(?:^|[=(,:;!&|?{}\[>\n]|(?<![\w$.])(?:return|typeof|case|void|throw|else|in|of))[ \t]*$")
_CONTROL = re.compile(r"(?<![\w$.])(?:if|for|while|switch|catch|with|await)\s*$")
_FUNCTION = re.compile(r"(?<![\w$.])function\b\s*+(?:\*\s*+)?[\w$]*+\s*$")
_LINE_CONTINUES = re.compile(r"[=>(,+\-*/%&|?:<.\[{\r]$")
_CONTINUES = re.compile(r"\s*[.?:+\-*/%&|<>=)\]]")
_BODY = re.compile(r"\s*(?:=>|\{)")
_LOOKBEHIND = 16
"""Characters before a token that are read to classify it."""
_FUNCTION_LOOKBEHIND = 80
_CHARACTERS_PER_STEP = 64
"""Characters that are skipped in the time of one token."""
_LOOKAHEAD = 1000
"""Characters after a position in which the end of its parameters is searched."""
_BRACES = ("{", "function {", "${")
_PARENTHESES = ("(", "if (", "function (")
_FUNCTIONS = ("function {", "function (", "=>")


class BudgetSpentError(Exception):
    """The budget has no steps left."""


class StepBudget:
    """Steps that reading may take. A step is a token, or 64 characters without one. `spent`: steps taken."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.spent = 0

    def spend(self, characters: int = 0) -> None:
        """Charge a token, and the characters skipped before it.

        Raises:
            BudgetSpentError: no steps are left.
        """
        self.spent += 1 + characters // _CHARACTERS_PER_STEP
        if self.spent > self._most:
            raise BudgetSpentError

    @property
    def left(self) -> int:
        """The steps that remain."""
        return max(0, self._most - self.spent)


class ScopeScanner:
    """Reads code forward from a position outside strings, comments and regular expressions.

    `open_scopes`: the kinds of the open scopes, outermost first. Kinds are brackets, `function {` and `function (` for
    a function's body and parameters, `if (` for those of a statement, `${` in a template, and `=>` for an arrow
    function without braces.
    """

    def __init__(self, text: str, at: int, budget: StepBudget, *, is_bracket: bool = False) -> None:
        """
        Args:
            is_bracket: the code begins with a bracket and ends with its counterpart. Otherwise it is an expression: it
                ends with the bracket around it, or at a comma, a semicolon or a line that does not continue it.
        """
        self.open_scopes = (
            ["if (" if text[at] == "(" else text[at]] if is_bracket else []
        )  # not a function's parameters
        self.at = at + is_bracket
        self._text = text
        self._budget = budget
        self._is_bracket = is_bracket
        self._end = at
        self._last_parentheses = (-1, "")
        self._watched = 0
        self._has_parameters = False

    def is_open_at(self, end: int) -> bool:
        """Read up to `end`; return True if the bracket or expression is still open there.

        Raises:
            BudgetSpentError: no steps are left.
        """
        self._end = end
        while self.at < end:
            if not self._advance() or (self._is_bracket and not self.open_scopes):
                return False
        return True

    def open_functions(self) -> int:
        """Return the number of open functions that began after the start.

        Raises:
            BudgetSpentError: no steps are left.
        """
        return sum(kind in _FUNCTIONS for kind in self.open_scopes) + self._is_in_parameters()

    def _is_in_parameters(self) -> bool:
        """True if open parentheses are a function's parameters, which shows where they close."""
        ahead = ScopeScanner(self._text, self._end, self._budget)
        ahead.open_scopes = list(self.open_scopes)
        ahead._watched = len(self.open_scopes)
        ahead._end = min(len(self._text), self._end + _LOOKAHEAD)
        while ahead.at < ahead._end and "(" in ahead.open_scopes[: ahead._watched] and not ahead._has_parameters:
            if not ahead._advance():
                return False
        return ahead._has_parameters

    def _advance(self) -> bool:
        """Read past the next token; return False if the bracket or expression ends with it."""
        token = _TOKEN.search(self._text, self.at, self._end)
        before, self.at = self.at, token.end() if token else self._end
        self._budget.spend(self.at - before)
        return token is None or self._handle(token[0], token.start())

    def _handle(self, punctuator: str, at: int) -> bool:
        """Process a token; return False if it ends the expression."""
        if punctuator in _QUOTED:
            self._read(_QUOTED[punctuator], at)
        elif punctuator == "/":
            self._handle_slash(at)
        elif punctuator == "`":
            self._skip_template()
        elif punctuator in "({[":
            self.open_scopes.append(self._scope_kind(punctuator, at))
        elif punctuator == "=>":
            if not _BODY.match(self._text, self.at):
                self.open_scopes.append("=>")
        elif punctuator in ")}]":
            return self._close(punctuator, at)
        elif punctuator != "\n" or self._line_ends(at):
            self._end_arrows()
            return bool(self.open_scopes)
        return True

    def _read(self, pattern: re.Pattern[str], at: int) -> None:
        found = pattern.match(self._text, at, self._end)
        self.at = found.end() if found else at + 1
        self._budget.spend(self.at - at)

    def _handle_slash(self, at: int) -> None:
        following = self._text[at + 1 : at + 2]
        if following == "/" and self._text[at - 1 : at] != "\\":
            self._read(_LINE, at)
        elif following == "*":
            self._read(_BLOCK_COMMENT, at)
        elif _BEFORE_REGEX.search(self._before(at)) or self._last_parentheses == (at, "if ("):
            if found := _REGEX.match(self._text, at, self._end):
                self.at = found.end()
                self._budget.spend(self.at - at)
            else:  # a division; the match attempt has read the rest of the line
                end = self._text.find("\n", at, self._end)
                self._budget.spend((self._end if end < 0 else end) - at)

    def _skip_template(self) -> None:
        """Skip the text of a template, up to its end or to `${`, which opens a scope."""
        start = self.at
        self._read(_TEMPLATE, start)
        if self._text[start : self.at].endswith("${"):
            self.open_scopes.append("${")

    def _before(self, at: int, count: int = _LOOKBEHIND) -> str:
        return self._text[max(0, at - count) : at]

    def _scope_kind(self, punctuator: str, at: int) -> str:
        if punctuator == "(":
            if _CONTROL.search(self._before(at)):
                return "if ("
            return "function (" if _FUNCTION.search(self._before(at, _FUNCTION_LOOKBEHIND)) else "("
        if punctuator == "{":
            before = self._before(at).rstrip()
            place, kind = self._last_parentheses
            is_function = before.endswith("=>") or (before.endswith(")") and kind != "if (" and place >= 0)
            return "function {" if is_function else "{"
        return punctuator

    def _close(self, punctuator: str, at: int) -> bool:
        self._end_arrows()
        if not self.open_scopes:
            return False
        if punctuator == "}":
            while self.open_scopes[-1] not in _BRACES:  # a regular expression was read as code
                self.open_scopes.pop()
                if not self.open_scopes:
                    return False
            if self.open_scopes.pop() == "${":
                self._skip_template()
        elif punctuator == ")" and self.open_scopes[-1] in _PARENTHESES:
            kind = self.open_scopes.pop()
            self._last_parentheses = (self.at, kind)
            is_watched = len(self.open_scopes) < self._watched
            self._watched = min(self._watched, len(self.open_scopes))
            self._has_parameters |= (
                is_watched and kind == "(" and bool(_BODY.match(self._text, self.at, self.at + _LOOKBEHIND))
            )
        elif punctuator == "]" and self.open_scopes[-1] == "[":
            self.open_scopes.pop()
        return True

    def _end_arrows(self) -> None:
        while self.open_scopes and self.open_scopes[-1] == "=>":
            self.open_scopes.pop()

    def _line_ends(self, at: int) -> bool:
        """True if a line break ends an expression: neither of its lines continues over it."""
        return not (
            _LINE_CONTINUES.search(self._before(at)) or _CONTINUES.match(self._text, self.at, self.at + _LOOKBEHIND)
        )
