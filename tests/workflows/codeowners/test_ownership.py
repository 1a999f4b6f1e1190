"""Rules of whole CODEOWNERS files: the order, merged lines, owners, sections, and lines that are not mapped."""

import pytest

from mcp_errortracking.rules.trial import run_trial
from mcp_errortracking.workflows.codeowners.lines import dialect_of, read_code_owners
from mcp_errortracking.workflows.codeowners.ownership import Ownership, SectionOrderError, ownership
from mcp_errortracking.workflows.codeowners.patterns import Sources

OWNERS = ("@all", "@ada", "@bob", "@shop/pay", "dev@example.com")


def map_lines(text: str, *owners: str, order: tuple[str, ...] = (), path: str = "CODEOWNERS") -> Ownership:
    return ownership(read_code_owners(text, dialect_of(text, path)), owners or OWNERS, Sources(), order)


def owner_of(found: Ownership, source: str) -> str | None:
    """Return the assignee whose rule takes an exception of a file."""
    rules = [{"id": str(index), "order_key": index, "filters": rule.filters} for index, rule in enumerate(found.rules)]
    answer = run_trial({"id": "1", "ask": "first", "rules": rules, "properties": {"$exception_sources": [source]}})
    return None if answer["taken_by"] is None else found.rules[int(answer["taken_by"])].assignee


def reasons(found: Ownership) -> dict[int, str]:
    return {one.number: one.reason for one in found.unmapped}


def test_the_last_line_that_matches_is_the_first_rule() -> None:
    found = map_lines(
        "# owners\n\n* @all\n/src/ @ada\n/src/pay/ @Shop/Pay # money\n*.sql\tdev@example.com\n/my\\ docs/ @bob\n"
    )

    assert [rule.assignee for rule in found.rules] == ["@bob", "dev@example.com", "@shop/pay", "@ada", "@all"]
    wanted = {
        "src/a.ts": "@ada",
        "src/pay/a.ts": "@shop/pay",
        "src/pay/a.sql": "dev@example.com",
        "my docs/a": "@bob",
        "lib/a": "@all",
    }
    assert {path: owner_of(found, path) for path in wanted} == wanted
    assert found.rules[-1].filters == {"type": "AND", "values": []}
    assert found.unmapped == []


def test_consecutive_lines_of_one_owner_are_one_regex_and_no_others_are_merged() -> None:
    found = map_lines("/a/ @ada\n/b/ @ada\n/b/x/ @bob\n/c/ @ada\n")

    assert [(rule.assignee, [line.number for line in rule.lines]) for rule in found.rules] == [
        ("@ada", [4]),
        ("@bob", [3]),
        ("@ada", [2, 1]),
    ]
    (condition,) = found.rules[2].filters["values"]
    assert condition["value"] == "(?:^b/)|(?:^a/)"
    assert owner_of(found, "b/x/y") == "@bob"


def test_a_rule_holds_at_most_100_patterns() -> None:
    found = map_lines("".join(f"/folder{number}/ @ada\n" for number in range(250)))
    assert [len(rule.lines) for rule in found.rules] == [100, 100, 50]


def test_a_rule_is_at_most_8000_characters_long() -> None:
    found = map_lines("".join(f"/{'x' * 900}{number}/ @ada\n" for number in range(20)))
    assert max(len(rule.filters["values"][0]["value"]) for rule in found.rules) <= 8000
    assert sum(len(rule.lines) for rule in found.rules) == 20


def test_every_line_without_rule_has_a_reason() -> None:
    found = map_lines("/a/ @ada\n/b/ @nobody-knows\n/c/\n/d/ @ada @bob\n/e/ ada\n!/f/ @ada\n/g//h @ada\n")

    assert [line.number for rule in found.rules for line in rule.lines] == [1]
    assert reasons(found) == {
        2: '"@nobody-knows" is not in the map.',
        3: "no owner. PostHog has no rule for nobody: these files go to the next rule that matches them.",
        4: 'several owners, and PostHog assigns to one: add "@ada @bob" to the map.',
        5: "ada is not an owner: @user, @org/team or an e-mail address.",
        6: "GitHub ignores !, and a rule without assignee cannot stop the search.",
        7: "the pattern matches no file.",
    }


def test_the_map_says_who_gets_the_issues_of_several_owners() -> None:
    found = map_lines("/d/ @ada @bob\n", "@ada", "@bob", "@ada @bob")
    assert [rule.assignee for rule in found.rules] == ["@ada @bob"]


def test_lines_before_one_that_matches_every_file_never_count() -> None:
    found = map_lines("/a/ @ada\n* @unknown\n/b/ @bob\n")
    assert [rule.assignee for rule in found.rules] == ["@bob"]
    assert reasons(found) == {
        1: "line 2 matches every file and takes precedence.",
        2: '"@unknown" is not in the map.',
    }


GITLAB = """\
* @all
[Backend][2] @ada
/api/
/api/pay/ @shop/pay
!/api/gen/
/api/[ab]/ @ada
^[Docs] @bob
docs/
[BACKEND]
\\#x @bob
"""


def test_sections_of_gitlab_need_an_order() -> None:
    with pytest.raises(SectionOrderError, match='--section-order "Backend,Docs"'):
        map_lines(GITLAB)
    with pytest.raises(SectionOrderError, match='no section "Front"'):
        map_lines(GITLAB, order=("Front",))

    found = map_lines(GITLAB, order=("docs", "Backend"))
    wanted = {"api/docs/a": "@bob", "api/pay/a": "@shop/pay", "api/a": "@ada", "x/#x": "@bob", "b": "@all"}
    assert {path: owner_of(found, path) for path in wanted} == wanted
    assert owner_of(map_lines(GITLAB, order=("Backend", "Docs")), "api/docs/a") == "@ada"
    assert reasons(found) == {
        5: "GitLab excludes these files from the section, and a rule without assignee cannot stop the search.",
        6: "a set in brackets is not supported: write a line for each name.",
    }


def test_a_single_section_needs_no_order() -> None:
    found = map_lines("[Docs][1] @bob\n/docs/\n/api/ @ada\n")
    assert [rule.assignee for rule in found.rules] == ["@ada", "@bob"]


def test_the_dialect_follows_from_the_folder_or_a_heading() -> None:
    assert dialect_of("* @a\n", ".gitlab/CODEOWNERS") == "gitlab"
    assert dialect_of("* @a\n^[Docs]\n", "CODEOWNERS") == "gitlab"
    assert dialect_of("[id].tsx @a\n", "CODEOWNERS") == "github"


def test_an_unmapped_line_is_printed_without_control_characters() -> None:
    found = map_lines("/a\x1b[2J/\u202e @eve\n")
    assert [str(one) for one in found.unmapped] == ['line 1: /a [2J/  @eve: "@eve" is not in the map.']
