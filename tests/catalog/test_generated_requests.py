"""Our requests beside those of PostHog's own client, for arguments made from its schemas; and ours as its arguments.

`python -m tests.catalog.test_generated_requests 60 7` compares more calls: 60 random ones for each tool, of seed 7.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import pytest

from mcp_errortracking.catalog import CATALOG, Request
from mcp_errortracking.server.arguments import ArgumentsError
from tests.catalog.generated_arguments import OFFICIAL_TOOLS, SCHEMAS, calls
from tests.catalog.official_arguments import Arguments
from tests.catalog.record_official import sent_by
from tests.catalog.test_official_requests import SAID_BY_OURS, ours, shape
from tests.clients.official_client import OFFLINE, calling, run

SEED, EACH = 18, 8


def conditions(given: Any) -> list[Any]:
    """Return the conditions of a rule's filters, on each level."""
    if isinstance(given, dict):
        return [given] if "values" not in given else [one for inner in given["values"] for one in conditions(inner)]
    return []


def cannot_be_saved(condition: Any) -> bool:
    """True if PostHog fails to compile a condition of a rule (rule contract 2.1)."""
    operator, value = condition.get("operator") or "", condition.get("value")
    return (
        "cohort" in condition.get("type", "")
        or condition.get("type") == "revenue_analytics"
        or (operator.endswith("between") and not (isinstance(value, list) and len(value) == 2))
        or (operator in ("in", "not_in") and not (isinstance(value, list) and len(value) > 1))
        or operator.startswith("semver_")
        or ("value" not in condition and operator not in ("", "is_set", "is_not_set"))
    )


REFUSED_BY_OURS: dict[str, Callable[[str, Arguments], bool]] = {
    "whether to unassign should be said": lambda tool, given: (
        tool == "error-tracking-issues-assign-partial-update" and "assignee" not in given
    ),
    "an update of nothing says so": lambda tool, given: (
        tool in ("error-tracking-issues-partial-update", "error-tracking-settings-update")
        and not given.keys() - {"id", "verbosity", "output_format"}
    ),
    "a text that looks like null is neither stored nor dropped where null removes": lambda tool, given: (
        (
            tool == "error-tracking-issues-partial-update"
            and bool({given.get("name"), given.get("description")} & {"", "null"})
        )
        or (tool == "error-tracking-alerts-partial-update" and given.get("icon_url") in ("", "null"))
    ),
    "an issue cannot be merged into itself, and needs another one": lambda tool, given: (
        tool == "error-tracking-issues-merge-create" and (not given["ids"] or given["id"] in given["ids"])
    ),
    "PostHog would fail to save the rule": lambda tool, given: (
        "-rules-" in tool and any(map(cannot_be_saved, conditions(given.get("filters") or given)))
    ),
    "a split of nothing does nothing": lambda tool, given: (
        tool == "error-tracking-issues-split-create"
        and not all([given.get("fingerprints"), *(one["fingerprint"] for one in given.get("fingerprints") or [])])
    ),
    "whether to drop every exception should be said": lambda tool, given: (
        tool == "error-tracking-suppression-rules-create" and "filters" not in given and "values" not in given
    ),
    "an alert needs a trigger": lambda tool, given: tool == "error-tracking-alerts-create" and "filters" not in given,
    "a hog function of another type is no alert": lambda tool, given: (
        tool == "error-tracking-alerts-create" and given.get("type", "internal_destination") != "internal_destination"
    ),
    "an alert without a name is told from no other, and none is of an empty template": lambda tool, given: (
        tool in ("error-tracking-alerts-partial-update", "error-tracking-alerts-create")
        and (given.get("template_id", "x") == "" or (tool.endswith("update") and not _named(given)))
    ),
    "PostHog has no such type": lambda tool, given: (
        tool == "error-tracking-alerts-list" and bool(given.get("type")) and "destination" not in str(given["type"])
    ),
    "PostHog has no such order": lambda tool, given: (
        tool == "error-tracking-symbol-sets-list" and given.get("order_by") not in (None, "created_at", "-ref")
    ),
    "a condition without a value decides nothing": lambda _tool, given: any(
        one.get("type", "event") == "event"
        and one.get("value") is None
        and one.get("operator") not in ("is_set", "is_not_set")
        for one in _conditions(given.get("filters") or given)
    ),
    "a range that ends before it begins finds nothing": lambda _tool, given: _is_backwards(given.get("dateRange")),
}
"""Calls that the official client sends and ours refuses, with the reason."""


def _named(given: Arguments) -> bool:
    return all(given[name] for name in ("name", "template_id") if name in given)


def _conditions(group: Any) -> list[dict[str, Any]]:
    found = list[dict[str, Any]]()
    for one in cast("list[Any]", group.get("values") or []):
        found += _conditions(one) if "values" in one else [one]
    return found


def _is_backwards(dates: Any) -> bool:
    begin, end = ((dates or {}).get(name) or "" for name in ("date_from", "date_to"))
    return begin[:4] == "2026" == end[:4] and end <= begin


@dataclass(frozen=True, slots=True)
class Compared:
    """A call: the requests of the official client, or none; ours, or the words of our refusal."""

    tool: str
    arguments: Arguments
    official: list[dict[str, Any]]
    ours: list[Request]
    refusal: str = ""

    @property
    def kind(self) -> str:
        """The outcome, in a few words."""
        if not self.official:
            return "the official client refuses it"
        if self.refusal:
            known = [why for why, holds in REFUSED_BY_OURS.items() if holds(self.tool, self.arguments)]
            return f"refused: {known[0]}" if known else "FAILS"
        found = [meaning(shape(one.method, one.path, one.query, one.json)) for one in self.ours]
        return "the same" if found == [self.expected(one) for one in self.official] else "DIFFERS"

    def expected(self, one: dict[str, Any]) -> dict[str, Any]:
        """Return the request that ours should be, for one of the official client."""
        wanted = shape(one["method"], one["path"], one["query"], one["body"])
        said = SAID_BY_OURS.get((one["method"], one["path"]), {})
        place = "query" if one["method"] == "GET" else "body"
        wanted[place] = {**said, **wanted[place]} if said else wanted[place]
        query = wanted["query"]
        if query.get("order_by") == "null":  # no text of its own: not given
            del query["order_by"]
        if query.get("type") == "null":
            query["type"] = "internal_destination"
        limit = query.get("limit")
        if limit:
            query["limit"] = str(min(int(limit), 100 if "symbol_sets" in one["path"] else 10_000))
        groups = {
            "stack": ["exception", "stacktrace"],
            "raw": SCHEMAS[self.tool]["properties"].get("include", {}).get("items", {}).get("enum", []),
        }.get(self.arguments.get("verbosity", ""))
        if groups and "issue_events" in one["path"]:  # of an older PostHog, for which the official client has no word
            wanted["body"] = {**wanted["body"], "include": groups, "verbosity": self.arguments["verbosity"]}
        return meaning(wanted)


def meaning(request: dict[str, Any]) -> dict[str, Any]:
    """A request without the differences that PostHog does not see."""
    body = request["body"]
    if request["path"].startswith("error_tracking/query/"):
        body = {name: value for name, value in body.items() if value not in ("", [], [""], ["null"])}
        # A list in a text is a list of names; no library and no fingerprint is called so.
        body = {name: ["a"] if name in _LISTS and value == '["a"]' else value for name, value in body.items()}
    if request["method"] in ("PUT", "PATCH"):  # null of these keeps what is there (contract 6.2, 6.14)
        body = {name: value for name, value in body.items() if value is not None or name not in ("filters", "type")}
    return {**request, "body": _meaning(body)}


_LISTS = ("library", "fingerprint")


def _meaning(value: Any) -> Any:
    if isinstance(value, list):
        return [_meaning(one) for one in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    members = {name: _meaning(inner) for name, inner in cast("dict[str, Any]", value).items()}
    if "date_from" in members or "date_to" in members:
        return {name: date for name, date in members.items() if date is not None}
    if str(members.get("type")).endswith("cohort"):
        members = {"key": "id", **members}
    if "key" in members and "inputs" not in members:  # a condition
        members = {name: inner for name, inner in members.items() if inner not in ("", None) or name == "value"}
        members = {"type": "event", "operator": "exact"} | members
        text = members.get("value")
        is_number = members["operator"] in ("gt", "gte", "lt", "lte", "min", "max") and text == "5"
        is_range = members["operator"] in ("between", "not_between") and text == "[1]"
        # Our schemas have one type a value: a text stands for these.
        if is_number or is_range or (text == '["a"]' and members["operator"] in _OF_LISTS):
            members["value"] = json.loads(str(text))
    return members


_OF_LISTS = ("exact", "is_not", "in", "not_in", "icontains_multi", "not_icontains_multi", "between", "not_between")


def compare(seed: int, each: int) -> tuple[list[Compared], list[str]]:
    """Return each call of a seed, and what the official client says of our requests that it would not send."""
    asked = list(calls(seed, each))
    made, again = list[tuple[list[Request], str]](), list[tuple[str, Arguments]]()
    for tool, arguments in asked:
        try:
            made.append((ours(tool, arguments), ""))
        except ArgumentsError as error:
            made.append(([], str(error)))
        again += [(tool, _arguments_of(tool, arguments, one)) for one in made[-1][0]]
    answers = run(OFFLINE, "phx_x", [calling(tool, given) for tool, given in [*asked, *again]])
    compared = [
        Compared(*call, sent_by(answer), *mine) for call, mine, answer in zip(asked, made, answers, strict=False)
    ]
    wrong = [
        f"{tool} {json.dumps(given)}: {answer.error}"
        for (tool, given), answer in zip(again, answers[len(asked) :], strict=True)
        if not sent_by(answer)
    ]
    return compared, wrong


def _arguments_of(tool: str, given: Arguments, request: Request) -> Arguments:
    """The arguments with which the official client would send our request."""
    names = SCHEMAS[tool]["properties"]
    query = dict(request.query or {})
    if isinstance(query.get("type"), str):
        query["type"] = query["type"].split(",")
    if "enabled" in query:
        query["enabled"] = query["enabled"] == "true"
    sent = {**query, **(request.json or {})}
    return {name: given[name] for name in ("id",) if name in given} | {
        name: value for name, value in sent.items() if name in names
    }


@pytest.fixture(scope="module")
def compared() -> tuple[list[Compared], list[str]]:
    return compare(SEED, EACH)


def test_each_call_means_what_it_means_to_the_official_client(compared: tuple[list[Compared], list[str]]) -> None:
    wrong = [
        (
            one.kind,
            one.tool,
            one.arguments,
            one.refusal[:300] or [(r.method, r.path, r.query, r.json) for r in one.ours],
        )
        for one in compared[0]
        if one.kind in ("FAILS", "DIFFERS")
    ]

    assert wrong == []
    kinds = Counter(one.kind for one in compared[0])
    assert kinds["the same"] > 450
    assert {one.tool for one in compared[0] if one.kind == "the same"} == set(SCHEMAS)
    assert sum(kinds.values()) > 550


def test_the_official_client_would_send_each_of_our_requests(compared: tuple[list[Compared], list[str]]) -> None:
    assert compared[1] == []


def test_destructive_hints_are_those_of_posthog() -> None:
    for tool in SCHEMAS:
        assert CATALOG[tool].destructive == OFFICIAL_TOOLS[tool]["annotations"]["destructiveHint"], tool


if __name__ == "__main__":
    found, unsendable = compare(int(sys.argv[2]), int(sys.argv[1]))
    for kind, number in Counter(one.kind for one in found).most_common():
        print(f"{number:6} {kind}")
    print(f"{len(found):6} calls; the official client would not send {len(unsendable)} of our requests")
    for line in unsendable[:10]:
        print(line[:1000])
    for one in [one for one in found if one.kind in ("FAILS", "DIFFERS")][:10]:
        print(one.kind, one.tool, json.dumps(one.arguments)[:1500], one.refusal[:400])
        for request, wanted in zip(one.ours, one.official, strict=False):
            print(
                "  ours", json.dumps(meaning(shape(request.method, request.path, request.query, request.json)))[:1500]
            )
            print("  wanted", json.dumps(one.expected(wanted))[:1500])
