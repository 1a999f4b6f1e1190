"""Names of tools that do not exist, and what they are answered with."""

import pytest

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.server.tool_names import advice_on, nearest_tools

VERBS = ("delete", "remove", "destroy", "drop", "bulk-delete")
NOUNS = sorted(
    {endpoint.toolset.replace("_", "-") for endpoint in CATALOG.values()} | {"users", "events", "dashboards"}
)
DELETING = {tool for tool in CATALOG if tool.endswith(("-delete", "-destroy"))}


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("assignment_rules_list", "error-tracking-assignment-rules-list"),
        ("error-tracking-fingerprint-list", "error-tracking-fingerprints-list"),
        ("get_issue", "query-error-tracking-issue"),
        ("list_issues", "query-error-tracking-issues-list"),
        ("search-issues", "query-error-tracking-issues-list"),
        ("get_stack_trace", "query-error-tracking-issue-events"),
        ("resolve_issue", "error-tracking-issues-partial-update"),
        ("grouping-rule-remove", "error-tracking-grouping-rules-destroy"),
        ("error-tracking-alerts-destroy", "error-tracking-alerts-delete"),
        ("error-tracking-ignore-rules-create", "error-tracking-suppression-rules-create"),
        ("mute-rules-list", "error-tracking-suppression-rules-list"),
        ("block_rule_delete", "error-tracking-suppression-rules-destroy"),
        ("owner-rules-create", "error-tracking-assignment-rules-create"),
        ("create-jira-ticket", "error-tracking-external-references-create"),
        ("create_github_issue", "error-tracking-external-references-create"),
        ("list_tickets", "error-tracking-external-references-list"),
    ],
)
def test_the_nearest_tool(name: str, first: str) -> None:
    assert nearest_tools(name, CATALOG)[0] == first


@pytest.mark.parametrize("name", ["weather", "list", "delete", "create_dashboard", "run_query", ""])
def test_a_name_that_says_nothing_of_ours(name: str) -> None:
    assert nearest_tools(name, CATALOG) == []


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("noun", NOUNS)
def test_an_invented_delete_offers_no_other_destructive_tool(noun: str, verb: str) -> None:
    """Offered are the tool that deletes just that, tools that read, and for an issue the status that hides it."""
    near = nearest_tools(f"error-tracking-{noun}-{verb}", CATALOG)

    destructive = {tool for tool in near if CATALOG[tool].destructive} - {"error-tracking-issues-partial-update"}
    assert destructive <= {tool for tool in DELETING if CATALOG[tool].toolset == noun.replace("-", "_")}


@pytest.mark.parametrize("verb", ["get", "list", "update", "create", "enable", "resolve"])
@pytest.mark.parametrize("noun", NOUNS)
def test_no_other_name_offers_a_tool_that_deletes(noun: str, verb: str) -> None:
    assert not DELETING & set(nearest_tools(f"{verb}_{noun}", CATALOG))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("resolve_issue", "error-tracking-issues-partial-update (status resolved)"),
        ("unassign-issue", "error-tracking-issues-assign-partial-update (assignee null)"),
        (
            "issues-delete",
            "error-tracking-issues-partial-update (PostHog deletes no issue; status suppressed hides it)",
        ),
        ("users-list", "error-tracking-directory-list"),
        ("list_projects", "This server works in one PostHog project"),
        ("zzz", "tools/list names all of them."),
    ],
)
def test_the_arguments_that_do_what_a_name_says(name: str, says: str) -> None:
    assert says in advice_on(name, CATALOG)
