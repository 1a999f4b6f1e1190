"""Addresses of pages in PostHog as arguments: of issues, of fingerprints, and of other projects (contract 4.4)."""

from typing import Any, Unpack

import anyio
import pytest

from mcp_errortracking.catalog import CATALOG, ListedBy
from mcp_errortracking.catalog.addresses import Address, read_address
from mcp_errortracking.catalog.declaration import metadata_of
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import SendOptions
from tests.calls import call_tool
from tests.server.test_calls import Answered, Sender

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
OTHER = "01936f30-0c4d-7000-8000-77b1e6d2f0a9"
PAGE = "https://us.posthog.com/project/1/error_tracking/fingerprint/print%2F1"
RESOLVE = ("GET", "error_tracking/fingerprints/resolve/")
ANY_ISSUE = ("GET", "error_tracking/issues/00000000-0000-0000-0000-000000000000/")
UNKNOWN = PostHogError("Not found.", status=404, code="not_found")
MOVED = PostHogError("It moved.", status=308, code="issue_moved", detail=ISSUE)
TAKES_ISSUES = [
    (tool, name)
    for tool, endpoint in CATALOG.items()
    for name, info in endpoint.model_fields.items()
    if any(listed.noun == "issue" for listed in metadata_of(info, ListedBy))
]


class Timed(Sender):
    """A sender that keeps the deadline of each request."""

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.deadlines = list[float]()

    async def send(self, method: str, path: str, **options: Unpack[SendOptions]) -> Answered:
        self.deadlines.append(anyio.current_effective_deadline())
        return await super().send(method, path, **options)


class InProject(Sender):
    """A sender that works in project 1, and keeps the queries and bodies that it sends."""

    project = "1"

    def __init__(self, *answers: Any) -> None:
        super().__init__(*answers)
        self.queries = list[Any]()
        self.bodies = list[Any]()

    async def send(self, method: str, path: str, **options: Unpack[SendOptions]) -> Answered:
        self.queries.append(options.get("query"))
        self.bodies.append(options.get("json"))
        return await super().send(method, path, **options)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (f"https://us.posthog.com/project/2/error_tracking/{ISSUE}", Address(ISSUE, None, "2")),
        (f"http://ph.example:8000/error_tracking/{ISSUE}/fingerprints?a=b#c", Address(ISSUE, None, None)),
        (PAGE, Address(None, "print/1", "1")),
        (f" {PAGE}?timestamp=2026&utm_source=alert ", Address(None, "print/1", "1")),
        ("https://ph.example/sub/project/7/error_tracking/fingerprint/a%2520b/", Address(None, "a%20b", "7")),
        ("https://us.posthog.com/error_tracking/fingerprint/abc", Address(None, "abc", None)),
        ("https://us.posthog.com/project/1/error_tracking/fingerprint/", None),
        ("https://us.posthog.com/project/1/error_tracking/fingerprint/a b", None),
        (f"https://us.posthog.com/project/1/insights/{ISSUE}", None),
        (f"https://us.posthog.com/?next=/project/1/error_tracking/{ISSUE}", None),
        (f"javascript://x/error_tracking/fingerprint/{ISSUE}", None),
        (f"https://us.posthog.com/project/1/error_tracking/fingerprint/{'a' * 5000}", None),
        (ISSUE, None),
        (7, None),
    ],
)
def test_the_parts_of_an_address(text: Any, address: Address | None) -> None:
    assert read_address(text) == address


@pytest.mark.parametrize(("tool", "name"), TAKES_ISSUES)
async def test_a_fingerprints_page_stands_for_its_issue(tool: str, name: str) -> None:
    """It works wherever an issue's id is wanted: the call is that of the issue, after one look."""
    endpoint = CATALOG[tool]
    many = name == "ids"
    required = {
        "assignee": None,
        "action": "set_status",
        "status": "resolved",
        "cohortId": 3,
        "fingerprints": [{"fingerprint": "a"}],
        "integration_id": 7,
        "config": {"title": "x"},
        "external_context": {"number": 1},
        "id": OTHER,
        "ids": [OTHER],
    }
    names = {one for one, info in endpoint.model_fields.items() if info.is_required()} | {"status", "issueId"}
    given = {one: value for one, value in required.items() if one in names and one in endpoint.model_fields}

    async def sent(value: str) -> list[Any]:
        sender = InProject({"id": ISSUE, "issue_id": ISSUE, "results": [], "success": True})
        await call_tool(sender, tool, {**given, name: [value] if many else value}, time_limit=5)
        return list(zip(sender.sent, sender.queries, sender.bodies, strict=True))

    looked, *others = await sent(PAGE)
    assert looked == (RESOLVE, {"fingerprint": "print/1"}, None)
    assert others == await sent(ISSUE)
    assert others != []


async def test_an_older_posthog_names_the_issue_another_way() -> None:
    for first in (UNKNOWN, PostHogError("No.", status=400, code="invalid_input"), PostHogError("No.", status=500)):
        sender = InProject(first, MOVED, {"id": ISSUE})

        reply = await call_tool(sender, "error-tracking-issues-retrieve", {"id": PAGE}, time_limit=5)

        assert not reply.is_error
        assert sender.sent == [RESOLVE, ANY_ISSUE, ("GET", f"error_tracking/issues/{ISSUE}/")]
        assert sender.queries[1] == {"fingerprint": "print/1"}


@pytest.mark.parametrize("answer", [UNKNOWN, {"issue_id": "Note: do as I say"}, {"issue_id": None}, [], None])
async def test_a_fingerprint_that_nobody_owns(answer: Any) -> None:
    sender = InProject(answer)

    reply = await call_tool(
        sender, "error-tracking-issues-partial-update", {"id": PAGE, "status": "resolved"}, time_limit=5
    )

    assert reply.is_error
    assert reply.text.startswith(
        "id: no issue of this project owns the fingerprint in this address; nothing was changed."
    )
    assert {method for method, _ in sender.sent} == {"GET"}


async def test_a_failure_to_ask_is_that_of_the_call() -> None:
    sender = InProject(PostHogError("Throttled.", status=429, code="throttled"))

    reply = await call_tool(sender, "query-error-tracking-issue", {"issueId": PAGE}, time_limit=5)

    assert (reply.is_error, reply.text, len(sender.sent)) == (True, "Throttled.", 1)


@pytest.mark.parametrize("page", [f"error_tracking/{ISSUE}", "error_tracking/fingerprint/abc"])
async def test_an_address_of_another_project_is_refused(page: str) -> None:
    sender = InProject({"issue_id": ISSUE})
    address = f"https://us.posthog.com/project/2/{page}"

    for tool, arguments in (
        ("query-error-tracking-issue", {"issueId": address}),
        ("error-tracking-issues-merge-create", {"id": ISSUE, "ids": [OTHER, address]}),
        ("error-tracking-spike-events-list", {"issue_ids": f"{ISSUE},{address}"}),
    ):
        reply = await call_tool(sender, tool, arguments, time_limit=5)

        assert reply.structured == {"error": {"code": "invalid_arguments"}}
        assert "this address is of project 2, and this server works in project 1; nothing was sent." in reply.text
        assert sender.sent == []


async def test_an_address_of_an_unknown_or_the_same_project_is_taken() -> None:
    for sender, project in ((InProject({"id": ISSUE}), 1), (Sender({"id": ISSUE}), 2)):
        page = f"https://us.posthog.com/project/{project}/error_tracking/{ISSUE}"

        await call_tool(sender, "error-tracking-issues-retrieve", {"id": page}, time_limit=5)

        assert sender.sent == [("GET", f"error_tracking/issues/{ISSUE}/")]


class InCurrentProject(InProject):
    """A sender that works in the current project of the key's user."""

    project = "@current"


async def test_an_address_is_compared_with_the_current_project_of_the_key() -> None:
    user = ("GET", "/api/users/@me/")
    for page in (f"error_tracking/{ISSUE}", "error_tracking/fingerprint/abc"):
        sender = InCurrentProject({"team": {"id": 1}})

        reply = await call_tool(
            sender,
            "error-tracking-issues-merge-create",
            {"id": OTHER, "ids": [f"https://us.posthog.com/project/2/{page}"]},
            time_limit=5,
        )

        assert "this address is of project 2, and this server works in project 1; nothing was sent." in reply.text
        assert sender.sent == [user]

    sender = InCurrentProject({"team": {"id": 1}}, {"issue_id": ISSUE}, {"id": ISSUE})
    await call_tool(sender, "error-tracking-issues-retrieve", {"id": PAGE}, time_limit=5)
    assert sender.sent == [user, RESOLVE, ("GET", f"error_tracking/issues/{ISSUE}/")]

    sender = InCurrentProject({"id": ISSUE})
    page = f"https://us.posthog.com/error_tracking/{ISSUE}"
    await call_tool(sender, "error-tracking-issues-retrieve", {"id": page}, time_limit=5)
    assert sender.sent == [("GET", f"error_tracking/issues/{ISSUE}/")]


@pytest.mark.parametrize("user", [PostHogError("No.", status=403, code="missing_scope"), {"team": None}, {}, [], None])
async def test_a_fingerprint_is_looked_up_in_its_own_project_if_the_current_one_is_unknown(user: Any) -> None:
    """Two projects may have the same fingerprint: that of the current one is another error."""
    sender = InCurrentProject(user, UNKNOWN, MOVED, {"id": ISSUE})

    await call_tool(sender, "error-tracking-issues-retrieve", {"id": PAGE}, time_limit=5)

    assert sender.sent == [
        ("GET", "/api/users/@me/"),
        ("GET", f"/api/projects/1/{RESOLVE[1]}"),
        ("GET", f"/api/projects/1/{ANY_ISSUE[1]}"),
        ("GET", f"error_tracking/issues/{ISSUE}/"),
    ]


async def test_addresses_elsewhere_are_text() -> None:
    sender = InProject({"results": []})

    await call_tool(
        sender, "query-error-tracking-issues-list", {"searchQuery": PAGE, "fingerprint": PAGE}, time_limit=5
    )

    assert sender.bodies[0]["searchQuery"] == sender.bodies[0]["fingerprint"] == PAGE


async def test_an_address_with_half_a_character_is_a_wrong_argument() -> None:
    sender = InProject({"issue_id": ISSUE})

    reply = await call_tool(sender, "query-error-tracking-issue", {"issueId": f"{PAGE}\ud800"}, time_limit=5)

    assert reply.structured["error"]["code"] == "invalid_arguments"
    assert sender.sent == []


async def test_too_many_fingerprints_are_refused() -> None:
    sender = InProject({"issue_id": ISSUE})
    pages = [f"https://us.posthog.com/error_tracking/fingerprint/{number}" for number in range(21)]

    reply = await call_tool(sender, "error-tracking-issues-merge-create", {"id": ISSUE, "ids": pages}, time_limit=5)

    assert "ids: more than 20 addresses of fingerprints; nothing was sent." in reply.text
    assert sender.sent == []


async def test_the_request_for_an_address_shares_the_time_of_its_call() -> None:
    sender = Timed({"issue_id": ISSUE}, {"id": ISSUE})

    reply = await call_tool(sender, "error-tracking-issues-retrieve", {"id": PAGE}, time_limit=5)

    assert not reply.is_error
    assert [path for _, path in sender.sent] == [RESOLVE[1], f"error_tracking/issues/{ISSUE}/"]
    assert len(set(sender.deadlines)) == 1
