"""Prompts: that they name what there is, take what they say, and go where their tools are not."""

import json
import re
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS

from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.server.prompts import PromptError, Prompts
from mcp_errortracking.server.toolbox import Toolbox
from mcp_errortracking.workflows.issue_brief.tools import SECTIONS
from mcp_errortracking.workflows.registry import WORKFLOWS
from tests.calls import server_of
from tests.server.mcp_client import ERAS, OFFERED
from tests.server.test_calls import Sender

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-3d0f1c9a42b7"
NAMES = ["triage", "investigate", "release-check", "quiet", "ownership", "source-maps"]
OURS = Prompts((*OFFERED, "error-tracking-deploy-report"))


def box(**selection: Any) -> Toolbox:
    """Return the tools of a server, with the workflows that need nothing of the machine."""
    workflows = [one for one in WORKFLOWS if not one.needs_files and not one.needs_journal]
    selection.setdefault("toolsets", ("default", "deploys"))
    return Toolbox(workflows=workflows, **selection)


def text_of(name: str, arguments: dict[str, str] | None = None) -> str:
    (message,) = OURS.get(name, arguments).messages
    assert message.role == "user"
    return message.content.text if message.content.type == "text" else ""


def test_what_there_is() -> None:
    assert [prompt.name for prompt in OURS.definitions()] == NAMES
    for prompt in OURS.definitions():
        assert prompt.title
        assert prompt.description
        assert [(one.name, bool(one.description)) for one in prompt.arguments or []]
    required = {
        prompt.name: [one.name for one in prompt.arguments or [] if one.required] for prompt in OURS.definitions()
    }
    assert required == {name: ["issue"] if name in ("investigate", "quiet") else [] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
def test_every_tool_that_is_named_is_offered_by_default_or_the_deploy_report(name: str) -> None:
    text = text_of(name, {"issue": ISSUE} if name in ("investigate", "quiet") else None)

    named = set(re.findall(r"\b(?:query-)?error-tracking-[a-z-]*[a-z]", text))
    assert named
    assert named <= {*OFFERED, "error-tracking-deploy-report"}
    assert "{" not in text.replace('{"', "")


@pytest.mark.parametrize("name", NAMES)
def test_every_argument_of_a_tool_that_is_named_exists(name: str) -> None:
    text = text_of(name, {"issue": ISSUE} if name in ("investigate", "quiet") else None)
    known = {field for tool in CATALOG.values() for field in tool.model_fields}

    for argument in ("includeSparkline", "onlyAppFrames", "orderBy", "dateRange", "filterGroup", "sampling_rate"):
        assert argument not in text or argument in known


def test_every_section_of_a_brief_that_is_named_exists() -> None:
    named = re.findall(r"sections (\[[^]]*\])", text_of("triage"))

    assert named
    assert {section for sections in named for section in json.loads(sections)} <= set(SECTIONS)


def test_arguments_are_filled_in_and_have_defaults() -> None:
    assert "since -24h." in text_of("triage")
    assert '{"date_from": "-24h"}' in text_of("triage")
    assert "since -7d." in text_of("triage", {"since": " -7d "})
    assert "since -24h." in text_of("triage", {"since": " "})
    page = f"https://us.posthog.com/project/1/error_tracking/{ISSUE}"
    assert f"Find the cause of this PostHog issue: {page}\n" in text_of("investigate", {"issue": page})
    assert "this PostHog issue: {0.__class__} {x}" in text_of("investigate", {"issue": "{0.__class__} {x}"})


@pytest.mark.parametrize(
    ("name", "arguments", "says"),
    [
        (
            "triag",
            None,
            "Unknown prompt: triag. Available prompts: triage, investigate, release-check, quiet, ownership, "
            "source-maps.",
        ),
        ("investigate", None, "investigate needs issue: Id of the issue, or the address of its page in PostHog."),
        ("quiet", {"issue": "  "}, "quiet needs issue: "),
        ("triage", {"until": "now"}, "triage has no argument until; it takes since."),
    ],
)
async def test_mistakes_are_explained(name: str, arguments: dict[str, str] | None, says: str) -> None:
    with pytest.raises(PromptError) as caught:
        OURS.get(name, arguments)
    assert says in str(caught.value)

    async with Client(server_of(Sender({}), time_limit=5, toolbox=box())) as client:
        with pytest.raises(MCPError) as told:
            await client.get_prompt(name, arguments)
    assert (told.value.code, told.value.message) == (INVALID_PARAMS, str(caught.value))


def test_a_prompt_goes_with_its_tools() -> None:
    reading = Prompts(box(read_only=True).names)
    without = Prompts(box(exclude=("error-tracking-symbol-sets-list",)).names)

    assert text_of("release-check").startswith("Is this release safe to keep? Release: the newest one.\n")
    assert [prompt.name for prompt in reading.definitions()] == [
        name for name in NAMES if name not in ("quiet", "ownership")
    ]
    assert [prompt.name for prompt in without.definitions()] == [name for name in NAMES if name != "source-maps"]
    with pytest.raises(PromptError, match=r"Unknown prompt: triage\. Available prompts: none\."):
        Prompts([]).get("triage", None)


@pytest.mark.parametrize("era", ERAS)
async def test_over_mcp(era: str) -> None:
    async with Client(server_of(Sender({}), time_limit=5, toolbox=box()), mode=era) as client:  # pyright: ignore[reportArgumentType]
        assert [prompt.name for prompt in (await client.list_prompts()).prompts] == NAMES
        got = await client.get_prompt("investigate", {"issue": ISSUE})

    assert got.description == "From an issue to its cause: where, since when, for whom, and how to prove it."
    assert got.messages == OURS.get("investigate", {"issue": ISSUE}).messages
