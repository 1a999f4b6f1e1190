"""Each form of pattern, as the regular expression of rule contract 4.1, run by the engine that judges rules."""

import pytest

from mcp_errortracking.rules.trial import run_trial
from mcp_errortracking.workflows.codeowners.patterns import Dialect, PatternError, Sources, pattern_regex

GITHUB = [
    # pattern, paths that it matches, paths that it does not
    ("*", "a src/a", ""),
    ("**", "a src/a", ""),
    ("/**", "a src/a", ""),
    ("/*", "a a.md", "src/a src/b/c"),
    ("*.py", "a.py x/y/b.py x.py/c", "a.pyc a/py"),
    ("auth", "auth auth/a x/auth x/auth/y", "auth.ts author x/oauth"),
    ("auth/", "auth/a x/auth/b x/auth/c/d", "auth x/auth xauth/a"),
    ("/src/auth", "src/auth src/auth/a", "x/src/auth src/auth.ts src/author/a"),
    ("src/auth", "src/auth src/auth/a/b", "x/src/auth src/auths"),
    ("/src/auth/", "src/auth/a src/auth/b/c", "src/auth x/src/auth/a"),
    ("docs/*", "docs/a docs/a.md", "docs docs/x/a x/docs/a"),
    ("docs/*.md", "docs/a.md docs/a.md/b", "docs/a.mdx docs/x/a.md x/docs/a.md"),
    ("src/*/test", "src/a/test src/b/test/c", "src/test src/a/b/test"),
    ("/*/", "a/b a/b/c", "a"),
    ("a*/", "a/b ab/c x/ab/c", "ab b/c"),
    ("**/logs", "logs x/logs x/y/logs/a", "logs.txt x/alogs"),
    ("**/x/y", "x/y a/x/y a/x/y/z", "x/a/y"),
    ("a/**/b", "a/b a/x/b a/x/y/b/c", "x/a/b a/bc"),
    ("a/**/b/c*", "a/b/c a/x/b/cd", "a/b/d a/b"),
    ("a/**", "a/b a/b/c", "a x/a/b"),
    ("a/**/", "a/b a/b/c", "a"),
    ("?at", "cat bat/x y/hat", "at chat"),
    (r"a\*b", "a*b", "acb a/b"),
    (r"a\?b", "a?b", "acb"),
    ("[id].tsx", "[id].tsx app/[id].tsx", "i.tsx"),
    ("a+b(c).ts", "a+b(c).ts", "aab(c).ts abc.ts"),
]
GITLAB = [
    ("*", "a src/a", ""),
    ("README.md", "README.md x/README.md", "README.md/a xREADME.md"),
    ("docs/x.md", "docs/x.md a/docs/x.md", "docs/x.mdx docs/a/x.md"),
    ("/docs", "docs", "docs/a x/docs"),
    ("docs/", "docs/a x/docs/a/b", "docs xdocs/a"),
    ("/docs/", "docs/a docs/a/b", "x/docs/a"),
    ("/docs/*", "docs/a", "docs/a/b"),
    ("/docs/**", "docs/a", "docs/a/b"),
    ("/docs/**/*", "docs/a docs/a/b", "docs x/docs/a"),
    ("/docs/**/*.md", "docs/a.md docs/x/y/a.md", "docs/a.txt"),
    ("**/", "a/b", ""),
]


@pytest.mark.parametrize(
    ("dialect", "pattern", "inside", "outside"),
    [("github", *case) for case in GITHUB] + [("gitlab", *case) for case in GITLAB],
)
def test_a_pattern_matches_the_files_that_its_host_gives_to_the_owner(
    dialect: Dialect, pattern: str, inside: str, outside: str
) -> None:
    regex = pattern_regex(pattern, dialect, Sources())
    assert {path: _finds(regex, path) for path in inside.split()} == dict.fromkeys(inside.split(), True)
    assert {path: _finds(regex, path) for path in outside.split()} == dict.fromkeys(outside.split(), False)


def test_prefixes_stand_before_the_root_alone() -> None:
    sources = Sources(("webpack:///./", "/app/"))
    regex = pattern_regex("/src/a.ts", "github", sources)
    assert regex == r"^(?:webpack:///\./|/app/)src/a\.ts(?:[/?]|$)"
    for path in ("webpack:///./src/a.ts", "/app/src/a.ts", "webpack:///./src/a.ts?4f2a"):
        assert _finds(regex, path)
    for path in ("src/a.ts", "/app/x/src/a.ts", "webpack:///x/src/a.ts"):
        assert not _finds(regex, path)
    assert pattern_regex("auth/", "github", sources) == "(?:^|/)auth/"


def test_a_path_begins_at_any_folder_if_the_prefix_is_unknown() -> None:
    assert pattern_regex("/src/*", "github", Sources(None)) == "(?:^|/)src/[^/]+$"


def test_a_folder_that_sources_leave_out_is_optional() -> None:
    sources = Sources(("",), ("backend", "a/b/"))
    assert pattern_regex("/backend/app/", "github", sources) == "^(?:backend/)?app/"
    assert pattern_regex("/a/b/c", "github", sources) == "^(?:a/b/)?c(?:[/?]|$)"
    assert pattern_regex("/backend/", "github", sources) == "^backend/"
    assert pattern_regex("/backends/app/", "github", sources) == "^backends/app/"


@pytest.mark.parametrize("pattern", ["/", "//", "a//b", "a" * 1001])
def test_a_pattern_that_matches_nothing_or_is_too_long_has_a_reason(pattern: str) -> None:
    with pytest.raises(PatternError, match=r"^the pattern (matches no file|is longer than 1000 characters)$"):
        pattern_regex(pattern, "github", Sources())


def _finds(regex: str | None, path: str) -> bool:
    if regex is None:
        return True
    condition = {"key": "$exception_sources", "type": "event", "operator": "regex", "value": regex}
    asked = {
        "id": "1",
        "filters": {"type": "AND", "values": [condition]},
        "properties": {"$exception_sources": [path]},
    }
    outcome = run_trial(asked)["outcome"]
    assert outcome in ("match", "no_match")
    return outcome == "match"
