"""No regular expression of the package backtracks more than a little: each is taken apart, none is run.

Matching takes more than linear time where two unbounded repeats can share the letters that they match: one in the
other, or one after the other with nothing certain between them. A possessive repeat and an atomic group never give
back.
"""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

import pytest

import mcp_errortracking
from mcp_errortracking.catalog.identifiers import issue_of_url
from mcp_errortracking.workflows.source_maps.maps.script import map_url

UNBOUNDED = 1000
"""A repeat of so many turns counts as one without an end."""
LETTERS = frozenset(map(chr, range(0x100))) | set("\u2028\u2029\ufeff\U0001f600")
"""Those that the classes of our patterns tell apart."""
CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
}
ONE, MANY, SOLID = "one", "many", "solid"
"""A letter; a repeat that gives back; one that does not, which still reads all that is left each time it is tried."""
Atom = tuple[str, frozenset[str]]
Path = tuple[Atom, ...]


def letters(items: Any) -> frozenset[str]:
    """The letters that a class takes."""
    found = set[str]()
    is_negated = False
    for code, value in items:
        if code is codes.NEGATE:
            is_negated = True
        elif code is codes.LITERAL:
            found.add(chr(value))
        elif code is codes.NOT_LITERAL:
            found |= LETTERS - {chr(value)}
        elif code is codes.RANGE:
            found |= {letter for letter in LETTERS if value[0] <= ord(letter) <= value[1]}
        elif code is codes.CATEGORY:
            found |= {letter for letter in LETTERS if re.match(CATEGORIES[value], letter)}
        elif code is codes.ANY:
            found |= LETTERS
    return frozenset(LETTERS - found if is_negated else found)


def paths(items: Any) -> list[Path]:
    """The ways through a pattern, a loop taken none, one or two times."""
    found: list[Path] = [()]
    for code, value in items:
        if code in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY):
            ways: list[Path] = [((ONE, letters([(code, value)])),)]
        elif code is codes.IN:
            ways = [((ONE, letters(value)),)]
        elif code is codes.BRANCH:
            ways = [way for branch in value[1] for way in paths(branch)]
        elif code is codes.SUBPATTERN:
            ways = paths(value[-1])
        elif code is codes.ATOMIC_GROUP:
            ways = [solid(way) for way in paths(value)]
        elif code in (codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT):
            ways = repeated(code, *value)
        elif code is codes.ASSERT and value[0] > 0:
            ways = [(), *paths(value[1])]
        else:
            ways = [()]
        found = list({before + way: None for before in found for way in ways})
    return found


def solid(path: Path) -> Path:
    return tuple((SOLID if kind == MANY else kind, taken) for kind, taken in path)


def repeated(code: Any, least: int, most: int, body: Any) -> list[Path]:
    ways = paths(body)
    if int(most) < UNBOUNDED:
        ways = [way for way in ways for way in ([way] if least else [(), way])]
    elif all(len(way) == 1 and way[0][0] == ONE for way in ways):
        ways = [((MANY, frozenset[str]().union(*(way[0][1] for way in ways))),)]
    else:
        ways = [(), *(one + other for one in ways for other in ways)]
    return [solid(way) for way in ways] if code is codes.POSSESSIVE_REPEAT else list(dict.fromkeys(ways))


def shared(path: Path) -> bool:
    """True if two repeats can take the same letters, and what stands between them as well."""
    for start, (kind, common) in enumerate(path):
        for other, more in path[start + 1 :] if kind == MANY else ():
            if other == ONE and common.isdisjoint(more):
                break
            if other != ONE and not common.isdisjoint(more):
                return True
    return False


def backtracks(pattern: re.Pattern[Any]) -> bool:
    return any(map(shared, paths(parser.parse(pattern.pattern, pattern.flags))))


def patterns() -> dict[str, re.Pattern[Any]]:
    """Each compiled pattern of the package, by a place where it stands."""
    found = dict[str, re.Pattern[Any]]()
    for module in pkgutil.walk_packages(mcp_errortracking.__path__, "mcp_errortracking."):
        if module.name.endswith("__main__"):
            continue
        names = vars(importlib.import_module(module.name))
        for name, value in names.items():
            for number, pattern in enumerate(held(value)):
                found.setdefault(f"{module.name.partition('.')[2]}.{name}[{number}]", pattern)
    return found


def held(value: Any) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from held(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for item in value:
            yield from held(item)
    elif isinstance(getattr(value, "__self__", None), re.Pattern):  # a bound method, as `re.compile(...).findall`
        yield value.__self__


EXCEPTIONS = {
    "config.posthog._PLACEHOLDER[0]": "is asked of the operator's own settings",
    "workflows.source_maps.maps.function_names._BODY_BEHIND[0]": "is asked of 300 characters at most",
    "workflows.source_maps.resolve.stack_text._FILE[0]": "is asked of a line, whose first 1,024 characters are read",
    "workflows.source_maps.resolve.stack_text._CALL[0]": "is asked of a line, whose first 1,024 characters are read",
}
"""Those that do backtrack, and what keeps that short."""


@pytest.mark.thorough
def test_no_pattern_of_the_package_backtracks() -> None:
    found = patterns()
    slow = {place for place, pattern in found.items() if backtracks(pattern)}

    assert len(found) > 80
    assert slow == set(EXCEPTIONS)


def test_an_address_is_looked_for_in_short_texts_only() -> None:
    page = "https://eu.posthog.com/error_tracking/01936f2e-7a51-7000-8000-3d0f1c9a42b7"
    padded = f"{page}?{'x' * 4000}"

    assert issue_of_url(page) != page
    assert issue_of_url(padded) == padded


def test_the_comment_that_names_a_map_may_be_followed_by_any_number_of_blanks() -> None:
    assert map_url(b"//# sourceMappingURL=a" + b" " * 1_000_000 + b"b") is None
    assert map_url(b"//# sourceMappingURL=a" + b" " * 1_000_000) == "a"


@pytest.mark.parametrize(
    "slow", ["(a+)+b", r"(?:a+|\\.)*", r"\s*\s*$", r"a*b?a*c", r"[^x]+/\S*$", r".*a.*b", r"a*a++b", r"x*(?=x*y)"]
)
def test_what_backtracks_is_seen(slow: str) -> None:
    assert backtracks(re.compile(slow))


@pytest.mark.parametrize(
    "fast", ["a+b+", "(?:a++b)*+", r"'(?:[^']++|\\.)*+'", r"(?>a*?b)a*", r"\[\w+\]\w+", "(?:a|b)*c"]
)
def test_what_does_not_is_not(fast: str) -> None:
    assert not backtracks(re.compile(fast))
