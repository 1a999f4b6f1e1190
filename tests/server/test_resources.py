"""Issues and rules as resources, and the completion of their ids, against the sandbox."""

from collections.abc import Generator

import pytest
from mcp import Client, MCPError
from mcp_types import INVALID_PARAMS, PromptReference, ResourceTemplateReference, TextResourceContents
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.resources import KINDS, Resources
from mcp_errortracking.server.toolbox import Toolbox
from tests.calls import server_of
from tests.sandbox_process import FULL, SandboxProcess
from tests.server.cases.case import (
    ASSIGNMENT,
    BYPASS,
    GROUPING,
    KEY_ERROR,
    SEED,
    SEVERITY,
    SUPPRESSION,
    TYPE_ERROR,
    UNKNOWN,
)
from tests.server.mcp_client import ERAS

pytestmark = pytest.mark.anyio

OF_EACH_KIND = {
    "issues": TYPE_ERROR,
    "assignment_rules": ASSIGNMENT[0],
    "grouping_rules": GROUPING[0],
    "suppression_rules": SUPPRESSION[0],
    "bypass_rules": BYPASS[0],
    "severity_rules": SEVERITY[0],
}


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(SEED) as running:
        yield running


def proxy_to(sandbox: SandboxProcess) -> Proxy:
    return Proxy(host=sandbox.url, key=SecretStr(FULL), project="1", http_proxy=None)


@pytest.mark.parametrize("era", ERAS)
async def test_each_kind_is_listed_read_and_completed(sandbox: SandboxProcess, era: str) -> None:
    async with proxy_to(sandbox) as proxy:
        server = server_of(proxy, time_limit=20, toolbox=Toolbox(toolsets=("all",)))
        async with Client(server, mode=era) as client:  # pyright: ignore[reportArgumentType]
            templates = (await client.list_resource_templates()).resource_templates
            assert [one.uri_template for one in templates] == [f"posthog://{name}/{{id}}" for name in OF_EACH_KIND]
            assert (await client.list_resources()).resources == []
            for template, (name, known) in zip(templates, OF_EACH_KIND.items(), strict=True):
                (content,) = (await client.read_resource(f"posthog://{name}/{known}")).contents
                assert isinstance(content, TextResourceContents)
                assert content.mime_type == "text/plain"
                assert f"id: {known}\n" in f"{content.text}\n"
                reference = ResourceTemplateReference(type="ref/resource", uri=template.uri_template)
                found = (await client.complete(reference, {"name": "id", "value": known[:-1]})).completion
                assert known in found.values
                assert all(value.startswith(known[:-1]) for value in found.values)


async def test_what_there_is_not(sandbox: SandboxProcess) -> None:
    async with proxy_to(sandbox) as proxy, Client(server_of(proxy, time_limit=20)) as client:
        for uri, says in {
            "posthog://isues/x": "Unknown resource: posthog://isues/x. Available resources: posthog://issues/{id}, ",
            "file:///etc/passwd": "Unknown resource: file:///etc/passwd.",
            f"posthog://issues/{UNKNOWN}/x": "Unknown resource: ",
            f"posthog://issues/{UNKNOWN}": "Not found in project 1.",
            "posthog://issues/TypeError": "Wrong arguments for query-error-tracking-issue",
        }.items():
            with pytest.raises(MCPError) as caught:
                await client.read_resource(uri)
            assert caught.value.code == INVALID_PARAMS
            assert caught.value.message.startswith(says)


async def test_issues_are_completed_by_name_description_and_id(sandbox: SandboxProcess) -> None:
    async with proxy_to(sandbox) as proxy, Client(server_of(proxy, time_limit=20)) as client:

        async def complete(value: str, argument: str = "issue") -> list[str]:
            prompt = PromptReference(type="ref/prompt", name="investigate")
            return (await client.complete(prompt, {"name": argument, "value": value})).completion.values

        assert await complete("keyerr") == [KEY_ERROR]
        assert await complete("offer is") == [TYPE_ERROR]
        assert await complete(f" {TYPE_ERROR.upper()} ") == [TYPE_ERROR]
        assert set(await complete("")) == {TYPE_ERROR, KEY_ERROR}
        assert await complete("no such thing") == []
        assert await complete("keyerr", "since") == []
        unknown = ResourceTemplateReference(type="ref/resource", uri="posthog://users/{id}")
        assert (await client.complete(unknown, {"name": "id", "value": "a"})).completion.values == []


async def test_without_posthog_nothing_is_completed() -> None:
    async with (
        Proxy(host="http://127.0.0.1:9", key=None, project="1", http_proxy=None) as proxy,
        Client(server_of(proxy, time_limit=5)) as client,
    ):
        template = ResourceTemplateReference(type="ref/resource", uri="posthog://issues/{id}")
        assert (await client.complete(template, {"name": "id", "value": "a"})).completion.values == []


def test_a_kind_goes_with_its_tools() -> None:
    offered = Toolbox(toolsets=("alerts", "grouping_rules")).names

    assert [one.name for one in Resources(offered).templates()] == ["grouping_rules"]
    assert len(KINDS) == 6
