"""The tests of a condition in HogQL, on a property or on one text of an array key (rule contract 2.3, 2.5, 2.6)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from mcp_errortracking.rules.hogql.columns import Property, Values
from mcp_errortracking.rules.hogql.errors import NotTranslatableError
from mcp_errortracking.rules.hogql.expressions import FALSE, TRUE, all_of, any_of, negated, one_of
from mcp_errortracking.rules.hogql.patterns import Pattern, contains_pattern, like_pattern, regex_pattern
from mcp_errortracking.rules.operators import NUMERIC, NUMERIC_TESTS
from mcp_errortracking.rules.values import equal, is_number, number_in, to_text

ELEMENT = "x"
"""The text of an array key that is tested, in a lambda."""
_EXACT_BELOW = 2**53
_IS_NUMBER = "{} IN ('Int64', 'UInt64', 'Double')"
_IS_UNPRINTED = "{} IN ('Double', 'Array', 'Object')"
"""Types that ingestion prints in its own way."""
_WHOLE = r"\A[+\-]?[0-9]{1,15}\z"
_NUMERAL = r"\A[+\-]?(?i:inf(?:inity)?|nan|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+\-]?[0-9]+)?)\z"
_TRUE = r"\A(?i:true)\z"
_COMPARISONS = {"gt": ">", "gte": ">=", "min": ">=", "lt": "<", "lte": "<=", "max": "<="}


@dataclass(slots=True)
class Test:
    """A condition: when it holds, and when that is not known, or switches the rule off. Each is an expression."""

    holds: str
    unknown: list[str] = field(default_factory=list[str])
    disables: list[str] = field(default_factory=list[str])

    def inverted(self, invert: bool) -> "Test":
        return Test(negated(self.holds), self.unknown, self.disables) if invert else self


class Tests:
    """Writes the tests of one place: a property, or, without one, the element of an array key."""

    def __init__(self, values: Values, place: Property | None) -> None:
        self._values = values
        self._place = place
        self._text = place.text if place else ELEMENT

    def of(self, operator: str, value: Any) -> list[Test]:
        """Return the tests that an operator and its value are compiled to, as `operators.operation` does.

        Raises:
            NotTranslatableError: HogQL cannot evaluate them as ingestion does.
        """
        values = cast("list[Any]", value) if isinstance(value, list) else None
        if values is None or operator in ("between", "not_between"):
            return [self._single(operator, value)]
        if operator in ("icontains", "not_icontains") and len(values) != 1:
            return [self._contains_any(values, operator) if values else self._single(operator, "[]")]
        if len(values) == 1:
            return [self._single(operator, values[0])]
        if operator in ("exact", "is_not", "in", "not_in"):
            return [self._equal(values).inverted(operator in ("is_not", "not_in"))] if values else []
        return [self._single(operator, one) for one in values]

    def _single(self, operator: str, value: Any) -> Test:
        negate = operator.startswith("not_") or operator == "is_not"
        plain = {"is_not": "exact"}.get(operator, operator.removeprefix("not_"))
        write: Callable[[Any, str], Test] | None = {
            "is_set": self._set,
            "is_not_set": self._set,
            "exact": self._exact,
            "is_cleaned_path_exact": self._same,
            "icontains": self._contains,
            "icontains_multi": self._contains_one,
            "regex": self._regex,
        }.get(plain)
        if write is None and operator in NUMERIC:
            return self._compares(operator, value)
        if write is None:
            raise NotTranslatableError(f"the operator {operator} is not counted as rules evaluate it")
        test = write(value, operator)
        return test if plain == "icontains_multi" else test.inverted(negate)

    def _set(self, _: Any, operator: str) -> Test:
        if self._place is None:
            return Test(TRUE if operator == "is_set" else FALSE)
        return Test(f"{self._place.kind} {'!=' if operator == 'is_set' else '='} 'Null'")

    def _exact(self, value: Any, _: str) -> Test:
        return self._equal([to_text(value) if isinstance(value, bool) else value])

    def _same(self, value: Any, _: str) -> Test:
        return self._equal([value])

    def _equal(self, values: Sequence[Any]) -> Test:
        """Return the test that the place is equal to one of these values after coercion."""
        if not all(isinstance(value, str | bool) or _is_exact(value) for value in values):
            raise NotTranslatableError("a value is not a text, a boolean or a number that the database holds exactly")
        texts = self._texts_equal(values)
        unknown = list[str]()
        if any(map(is_number, values)):
            unknown.append(all_of([self._is("String"), self._matches(_NUMERAL), negated(self._matches(_WHOLE))]))
        if self._place is None:
            return Test(texts, unknown)
        number = self._place.number
        booleans = [f"'{to_text(one)}'" for one in (True, False) if any(equal(one, value) for value in values)]
        numbers = [name for value in values for name in self._number_of(value)]
        holds = [
            all_of([self._is("String"), texts]),
            all_of([self._is("Bool"), one_of(self._text, booleans)]),
            all_of([_IS_NUMBER.format(self._place.kind), one_of(number, numbers)]),
        ]
        return Test(any_of(holds), [*unknown, f"abs({number}) >= {_EXACT_BELOW}"])

    def _texts_equal(self, values: Sequence[Any]) -> str:
        """Return when a text is equal to one of these values."""
        texts = [self._values.name(value) for value in values if isinstance(value, str)]
        numbers = [self._values.name(value) for value in values if is_number(value)]
        equal = [one_of(self._text, texts)]
        if numbers:
            equal.append(all_of([self._matches(_WHOLE), one_of(f"toIntOrZero({self._text})", numbers)]))
        if any(value is True for value in values):
            equal.append(self._matches(_TRUE))
        if any(value is False for value in values):
            equal.append(negated(self._matches(_TRUE)))
        return any_of(equal)

    def _number_of(self, value: Any) -> list[str]:
        """Return the number that is equal to a value, if there is one."""
        found = number_in(value) if isinstance(value, str) else int(value) if isinstance(value, bool) else value
        if found is None or not math.isfinite(found):
            return []
        if not _is_exact(found):
            raise NotTranslatableError("a value is a number that the database does not hold exactly")
        return [self._values.name(found)]

    def _is(self, kind: str) -> str:
        return f"{self._place.kind} = '{kind}'" if self._place else TRUE

    def _contains(self, value: Any, _: str) -> Test:
        return self._matching(like_pattern(f"%{value}%"))

    def _contains_one(self, value: Any, operator: str) -> Test:
        return self._contains_any([value], operator)

    def _contains_any(self, values: Sequence[Any], operator: str) -> Test:
        return self._matching(contains_pattern(list(map(str, values)))).inverted(operator.startswith("not_"))

    def _regex(self, value: Any, _: str) -> Test:
        if not isinstance(value, str):
            raise NotTranslatableError("a pattern is not a text")
        if not value:
            return Test(FALSE)
        test = self._matching(regex_pattern(value))
        return Test(all_of([f"{self._text} != ''", test.holds]), test.unknown)

    def _matching(self, pattern: Pattern) -> Test:
        unknown = [_IS_UNPRINTED.format(self._place.kind)] if self._place else []
        if pattern.undecided:
            unknown.append(self._matches(pattern.undecided))
        return Test(self._matches(pattern.text), unknown)

    def _matches(self, pattern: str) -> str:
        return f"match({self._text}, {self._values.name(pattern)})"

    def _compares(self, operator: str, value: Any) -> Test:
        bounds = cast("list[Any]", value) if isinstance(value, list) else [value]
        if self._place is None or not all(map(_is_exact, bounds)):
            raise NotTranslatableError("a numeric operator has no number to compare")
        number = self._place.number
        names = [self._values.name(bound) for bound in bounds]
        if operator in NUMERIC_TESTS:
            holds = f"{number} {_COMPARISONS[operator]} {names[0]}"
        else:
            inside = f"({number} >= {names[0]}) AND ({number} <= {names[1]})"
            holds = inside if operator == "between" else negated(inside)
        return Test(holds, [f"abs({number}) >= {_EXACT_BELOW}"], [negated(_IS_NUMBER.format(self._place.kind))])


def _is_exact(value: Any) -> bool:
    """True if the database holds a number exactly."""
    return is_number(value) and abs(value) < _EXACT_BELOW
