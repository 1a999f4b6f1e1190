"""SELECT with its expressions: each is read to a function of a row."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.sandbox.hogql.functions import AGGREGATES, FUNCTIONS

_TOKEN = re.compile(
    r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>\d+)|(?P<text>'(?:[^'\\]|\\.)*')|\{(?P<place>\w+)\}"
    r"|(?P<sign>->|!=|>=|<=|[=<>()\[\],+*]))"
)
_KEYWORDS = ("SELECT", "FROM", "WHERE", "GROUP", "BY", "ORDER", "DESC", "ASC", "LIMIT", "AS", "AND", "OR", "NOT", "IN")
_COMPARE: Mapping[str, Callable[[Any, Any], int]] = {
    "=": lambda left, right: int(left == right),
    "!=": lambda left, right: int(left != right),
    ">": lambda left, right: int(left > right),
    ">=": lambda left, right: int(left >= right),
    "<": lambda left, right: int(left < right),
    "<=": lambda left, right: int(left <= right),
}
Row = dict[str, Any]
Evaluate = Callable[[Row], Any]


class NotSupportedError(Exception):
    """The query uses a part of HogQL that the sandbox does not know."""


@dataclass(frozen=True, slots=True)
class _Item:
    """An item of a SELECT; `aggregate` takes what `evaluate` gives for each row of a group."""

    name: str
    evaluate: Evaluate
    aggregate: Callable[[list[Any]], Any] | None = None


def run_query(text: str, values: Mapping[str, Any], events: list[Row]) -> tuple[list[str], list[list[Any]]]:
    """Return the columns and rows of a SELECT over the events.

    Raises:
        NotSupportedError: the sandbox does not know it.
    """
    parser = _Parser(text, values, events)
    columns, rows = parser.select()
    parser.expect("")
    return columns, [[row[column] for column in columns] for row in rows]


def _lambda(name: str, body: Evaluate) -> Evaluate:
    def evaluate(row: Row) -> Callable[[Any], Any]:
        def called(value: Any) -> Any:
            return body({**row, name: value})

        return called

    return evaluate


def _call(function: Callable[..., Any], arguments: list[Evaluate]) -> Evaluate:
    """Return the call of a function; most have one or two arguments, and run for each event."""
    match arguments:
        case [one]:
            return lambda row: function(one(row))
        case [one, other]:
            return lambda row: function(one(row), other(row))
        case _:
            return lambda row: function(*[one(row) for one in arguments])


class _Parser:
    def __init__(self, text: str, values: Mapping[str, Any], events: list[Row]) -> None:
        self._tokens = [*self._read(text), ("", "")]
        self._place = 0
        self._values = values
        self._events = events

    def _read(self, text: str) -> list[tuple[str, str]]:
        tokens, place, text = list[tuple[str, str]](), 0, text.strip()
        while place < len(text):
            found = _TOKEN.match(text, place)
            if found is None:
                raise NotSupportedError(text[place : place + 20])
            kind = found.lastgroup or ""
            word = found[kind]
            tokens.append(("keyword", word) if word in _KEYWORDS and kind == "name" else (kind, word))
            place = found.end()
        return tokens

    def _next(self) -> tuple[str, str]:
        self._place += 1
        return self._tokens[self._place - 1]

    def _takes(self, *words: str) -> bool:
        ahead = self._tokens[self._place : self._place + len(words)]
        if tuple(word for _, word in ahead) != words or any(kind in ("text", "place") for kind, _ in ahead):
            return False
        self._place += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self._takes(word):
            raise NotSupportedError(f"{self._tokens[self._place][1]!r} in place of {word!r}")

    def _name(self) -> str:
        kind, word = self._next()
        if kind != "name":
            raise NotSupportedError(word)
        return word

    def select(self) -> tuple[list[str], list[Row]]:
        self.expect("SELECT")
        items = self._list(self._item)
        self.expect("FROM")
        if self._takes("("):
            _, rows = self.select()
            self.expect(")")
        else:
            self.expect("events")
            rows = self._events
        if self._takes("WHERE"):
            holds = self._expression()
            rows = [row for row in rows if holds(row)]
        rows = self._selected(items, rows)
        if self._takes("ORDER", "BY"):
            for name, is_descending in reversed(self._list(self._order)):
                rows.sort(key=lambda row: (row[name] is not None, row[name]), reverse=is_descending)
        if self._takes("LIMIT"):
            rows = rows[: int(self._next()[1])]
        return [item.name for item in items], rows

    def _selected(self, items: list[_Item], rows: list[Row]) -> list[Row]:
        keys = self._list(self._name) if self._takes("GROUP", "BY") else []
        plain = [item for item in items if item.aggregate is None]
        if len(plain) == len(items) and not keys:
            return [{item.name: item.evaluate(row) for item in items} for row in rows]
        if [item.name for item in plain] != keys:
            raise NotSupportedError("a column is neither a key of the groups nor an aggregate")
        groups: dict[tuple[Any, ...], list[Row]] = {} if keys else {(): []}
        for row in rows:
            groups.setdefault(tuple(item.evaluate(row) for item in plain), []).append(row)
        return [self._group(items, group, dict(zip(keys, key, strict=True))) for key, group in groups.items()]

    def _group(self, items: list[_Item], rows: list[Row], keys: Row) -> Row:
        return {
            item.name: keys[item.name] if item.aggregate is None else item.aggregate(list(map(item.evaluate, rows)))
            for item in items
        }

    def _list(self, read: Callable[[], Any]) -> list[Any]:
        found = [read()]
        while self._takes(","):
            found.append(read())
        return found

    def _item(self) -> _Item:
        kind, word = self._tokens[self._place]
        aggregate = AGGREGATES.get(word) if kind == "name" else None
        if aggregate is not None:
            self._next()
            arguments = self._arguments()
            evaluate: Evaluate = lambda row: tuple(one(row) for one in arguments)  # noqa: E731
        else:
            evaluate = self._expression()
        return _Item(self._name() if self._takes("AS") else word, evaluate, aggregate)

    def _order(self) -> tuple[str, bool]:
        name = self._name()
        if self._takes("DESC"):
            return name, True
        self._takes("ASC")
        return name, False

    def _expression(self) -> Evaluate:
        parts = [self._and()]
        while self._takes("OR"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else lambda row: int(any(part(row) for part in parts))

    def _and(self) -> Evaluate:
        parts = [self._not()]
        while self._takes("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else lambda row: int(all(part(row) for part in parts))

    def _not(self) -> Evaluate:
        if self._takes("NOT"):
            inner = self._not()
            return lambda row: int(not inner(row))
        return self._comparison()

    def _comparison(self) -> Evaluate:
        left = self._sum()
        if self._takes("IN"):
            self.expect("(")
            choices = self._list(self._expression)
            self.expect(")")
            return lambda row: int(left(row) in [choice(row) for choice in choices])
        kind, word = self._tokens[self._place]
        if kind != "sign" or word not in _COMPARE:
            return left
        self._next()
        compare, right = _COMPARE[word], self._sum()
        return lambda row: compare(left(row), right(row))

    def _sum(self) -> Evaluate:
        parts = [self._product()]
        while self._takes("+"):
            parts.append(self._product())
        return parts[0] if len(parts) == 1 else lambda row: sum(part(row) for part in parts)

    def _product(self) -> Evaluate:
        left = self._term()
        if not self._takes("*"):
            return left
        right = self._term()
        return lambda row: left(row) * right(row)

    def _term(self) -> Evaluate:
        kind, word = self._next()
        if word == "(" and kind == "sign":
            inner = self._expression()
            self.expect(")")
            return inner
        if kind in ("number", "text", "place"):
            value = self._constant(kind, word)
            return lambda _: value
        if kind != "name":
            raise NotSupportedError(word)
        if self._takes("->"):
            body = self._expression()
            return _lambda(word, body)
        if self._tokens[self._place] != ("sign", "("):
            return lambda row: row[word]
        if word == "multiIf":
            return self._multi_if()
        function = FUNCTIONS.get(word)
        if function is None:
            raise NotSupportedError(word)
        return _call(function, self._arguments())

    def _multi_if(self) -> Evaluate:
        """Read the cases, of which only those needed are evaluated: later ones are far more work."""
        *cases, other = self._arguments()

        def evaluate(row: Row) -> Any:
            for condition, value in zip(cases[::2], cases[1::2], strict=True):
                if condition(row):
                    return value(row)
            return other(row)

        return evaluate

    def _arguments(self) -> list[Evaluate]:
        self.expect("(")
        if self._takes(")"):
            return []
        arguments = self._list(self._expression)
        self.expect(")")
        return arguments

    def _constant(self, kind: str, word: str) -> Any:
        if kind == "number":
            return int(word)
        if kind == "text":
            return re.sub(r"\\(.)", r"\1", word[1:-1])
        if word not in self._values:
            raise NotSupportedError(f"{{{word}}} has no value")
        return self._values[word]
