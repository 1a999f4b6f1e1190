"""Tool search finds the right tool by the words of users; `benchmarks.discovery` measures it."""

import json

import pytest

from benchmarks.discovery import PLAIN, Index, intents, our_lists, search_text, shares
from mcp_errortracking.server.tools import TOOL_LIST

ASKED = intents()
USED = [intent for intent in ASKED if not intent.held_out]
HELD_OUT = [intent for intent in ASKED if intent.set == "held out"]
HELD_OUT_2 = [intent for intent in ASKED if intent.set == "held out 2"]
TOOLS = {tool["name"]: tool for tool in json.loads(TOOL_LIST.read_text("utf-8"))}
DEFAULT, ALL, _ = our_lists()


@pytest.mark.parametrize("name", [DEFAULT, ALL])
def test_the_right_tool_is_first_for_two_of_three_requests_used_and_mostly_among_three(name: str) -> None:
    found = shares(Index(our_lists()[name]), USED)

    assert found.first >= 68
    assert found.three >= 82


@pytest.mark.parametrize("name", [DEFAULT, ALL])
def test_requests_that_no_description_was_written_for_find_their_tool_less_often(name: str) -> None:
    index = Index(our_lists()[name])
    found, found_2 = shares(index, HELD_OUT), shares(index, HELD_OUT_2)

    assert found.first >= 47
    assert found.three >= 68
    assert found_2.first >= 28
    assert found_2.three >= 48


def test_nearly_every_tool_is_right_for_a_request() -> None:
    assert len({intent.words for intent in ASKED}) == len(ASKED)
    assert len(USED) >= 120
    assert len(HELD_OUT + HELD_OUT_2) == len(ASKED) - len(USED) >= 240
    asked_for = frozenset[str]().union(*(intent.tools for intent in USED))
    assert asked_for <= set(TOOLS), "benchmarks/intents.tsv names tools that do not exist"
    unasked = set(TOOLS) - asked_for
    assert len(unasked) * 50 <= len(TOOLS), f"add a line to benchmarks/intents.tsv for {sorted(unasked)}"


def test_a_search_reads_names_descriptions_and_arguments_alone() -> None:
    assert search_text(
        {
            "name": "query-issue",
            "title": "Unread",
            "description": "One issue.",
            "inputSchema": {
                "type": "object",
                "properties": {"limit": {"description": "Default 25."}, "filter": {"properties": {"unread": {}}}},
            },
        }
    ).split("\n") == ["query-issue", "One issue.", "limit", "Default 25.", "filter", ""]


def test_a_search_ranks_by_rare_words_and_their_stems() -> None:
    tools = [
        {"name": name, "description": text, "inputSchema": {}}
        for name, text in [
            ("a", "List the rules."),
            ("b", "Merge the issues."),
            ("c", "List the issues."),
            ("d", "Rules"),
        ]
    ]

    assert Index(tools).search("merging an issue") == ["b", "c"]
    assert Index(tools, PLAIN).search("merging issues") == ["b", "c"]
    assert Index(tools, PLAIN).search("merging an issue") == []
    assert Index(tools).search("what is the") == []
