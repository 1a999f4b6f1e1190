"""Wherever an issue's id is wanted, the address of its page in PostHog does too."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from mcp_errortracking.catalog import CATALOG, ListedBy
from mcp_errortracking.server.arguments import example

ISSUE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
PAGES = [
    f"https://us.posthog.com/project/2/error_tracking/{ISSUE}",
    f"https://eu.posthog.com/error_tracking/{ISSUE}/",
    f" http://posthog.acme.example:8000/project/2/error_tracking/{ISSUE.upper()}?timestamp=2026&tab=a#stack \n",
    f"https://us.posthog.com/project/2/error_tracking/{ISSUE}/fingerprints",
]


def _takes_issues(annotation: Any, metadata: list[Any]) -> bool:
    inner = [item for part in getattr(annotation, "__args__", ()) for item in getattr(part, "__metadata__", ())]
    return any(isinstance(item, ListedBy) and item.noun == "issue" for item in [*metadata, *inner])


FIELDS = [
    (tool, name)
    for tool, endpoint in CATALOG.items()
    for name, info in endpoint.model_fields.items()
    if _takes_issues(info.annotation, info.metadata)
]


def test_the_fields_are_found() -> None:
    assert len(FIELDS) > 12
    assert ("error-tracking-issues-merge-create", "ids") in FIELDS
    assert ("error-tracking-fingerprints-list", "issue_id") in FIELDS
    assert ("query-error-tracking-issue-events", "issueId") in FIELDS


@pytest.mark.parametrize(("tool", "name"), FIELDS)
def test_a_page_is_as_good_as_an_id(tool: str, name: str) -> None:
    endpoint = CATALOG[tool]
    many = name == "ids"

    def request(value: str) -> Any:
        given = example(endpoint) | ({} if name == "id" or not many else {"id": "01936f30-0c4d-7000-8000-77b1e6d2f0aa"})
        known = {key: one for key, one in given.items() if key in endpoint.model_fields}
        return endpoint.model_validate(known | {name: [value] if many else value}).request()

    for page in PAGES:
        assert request(page) == request(ISSUE)
    assert ISSUE in repr(request(ISSUE))


@pytest.mark.parametrize(
    "text",
    [
        "https://us.posthog.com/project/2/error_tracking/",
        f"https://us.posthog.com/project/2/insights/{ISSUE}",
        f"javascript://x/error_tracking/{ISSUE}",
        f"https://us.posthog.com/?next=/error_tracking/{ISSUE}",
        "TypeError",
    ],
)
def test_another_page_is_none(text: str) -> None:
    with pytest.raises(ValidationError):
        CATALOG["error-tracking-issues-retrieve"].model_validate({"id": text})


def test_ids_are_sent_as_posthog_writes_them() -> None:
    call = CATALOG["error-tracking-issues-retrieve"].model_validate({"id": UUID(ISSUE).hex.upper()})

    assert call.request().path == f"error_tracking/issues/{ISSUE}/"
