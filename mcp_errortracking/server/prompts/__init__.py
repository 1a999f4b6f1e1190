"""MCP prompts for daily tasks: what to ask an agent, in which order to work, and where to stop.

The text of each prompt is the Markdown file of its name in this folder, read when a client first asks for prompts.
`{name}` in it stands for an argument.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from mcp_types import GetPromptResult, Prompt, PromptArgument, PromptMessage, TextContent

from mcp_errortracking.posthog_keys import redact
from mcp_errortracking.safe_text.escaping import break_tags, clean

_FOLDER = Path(__file__).parent
_MAX_ARGUMENT = 2000
"""Characters of an argument."""
_TOOL = re.compile(r"\b(?:query-)?error-tracking-[a-z-]*[a-z]|\bsource-maps-[a-z]+")

ISSUE = "issue"
"""The argument that names an issue: its id, or the address of its page in PostHog."""


class PromptError(ValueError):
    """An unknown prompt, or an argument that is missing or unknown; the text lists what exists."""


@dataclass(frozen=True)
class PromptTemplate:
    """One prompt: its arguments by name with their descriptions, and the defaults of those that may be left out."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    defaults: Mapping[str, str]

    @cached_property
    def text(self) -> str:
        """The text, with `{name}` in place of each argument."""
        return (_FOLDER / f"{self.name}.md").read_text("utf-8").removesuffix("\n")

    @property
    def tools(self) -> frozenset[str]:
        """The tools that the text names."""
        return frozenset(_TOOL.findall(self.text))

    def fill(self, arguments: Mapping[str, str]) -> str:
        """Return the text with these arguments; braces in their values stay as they are."""
        values = {**self.defaults, **arguments}
        return re.sub(rf"\{{({'|'.join(self.arguments)})\}}", lambda match: values[match[1]], self.text)


_PROMPTS = (
    PromptTemplate(
        name="triage",
        title="Triage today's errors",
        description="What is new, what is getting worse, and what to do about each.",
        arguments={"since": "How far back to look, such as -7d; default -24h."},
        defaults={"since": "-24h"},
    ),
    PromptTemplate(
        name="investigate",
        title="Investigate one issue",
        description="From an issue to its cause: where, since when, for whom, and how to prove it.",
        arguments={ISSUE: "Id of the issue, or the address of its page in PostHog."},
        defaults={},
    ),
    PromptTemplate(
        name="release-check",
        title="Check a release",
        description="What the last deploy changed, and if it is safe to keep.",
        arguments={"release": "Version, commit or branch; default: the newest."},
        defaults={"release": "the newest one"},
    ),
    PromptTemplate(
        name="quiet",
        title="Quiet a noisy error safely",
        description="Silence an error without losing others.",
        arguments={ISSUE: "Id of the issue, or the address of its page in PostHog."},
        defaults={},
    ),
    PromptTemplate(
        name="ownership",
        title="Set up ownership",
        description="Give new issues an owner with assignment rules, without overriding existing ones.",
        arguments={"teams": "Who owns what, in your words; default: ask."},
        defaults={"teams": "ask me who owns which part of the code"},
    ),
    PromptTemplate(
        name="source-maps",
        title="Check that source maps work",
        description="Check if stack traces are readable; if not, find what is missing and how to upload it.",
        arguments={"release": "Version to look at; default: the newest."},
        defaults={"release": "the newest one"},
    ),
)


class Prompts:
    """The prompts whose tools are all on offer."""

    def __init__(self, tools: Collection[str]) -> None:
        self._tools = frozenset(tools)

    @cached_property
    def _templates(self) -> dict[str, PromptTemplate]:
        return {template.name: template for template in _PROMPTS if template.tools <= self._tools}

    def definitions(self) -> list[Prompt]:
        """Return the prompts as MCP defines them: name, description and arguments, without the text."""
        return [
            Prompt(
                name=template.name,
                title=template.title,
                description=template.description,
                arguments=[
                    PromptArgument(name=name, description=description, required=name not in template.defaults)
                    for name, description in template.arguments.items()
                ],
            )
            for template in self._templates.values()
        ]

    def get(self, name: str, arguments: Mapping[str, str] | None) -> GetPromptResult:
        """Return one prompt, filled in.

        Raises:
            PromptError: the prompt is unknown, or an argument is missing or unknown.
        """
        template = self._templates.get(name)
        if template is None:
            known = ", ".join(self._templates) or "none"
            raise PromptError(f"Unknown prompt: {_shown(name)}. Available prompts: {known}.")
        if unknown := [name for name in arguments or {} if name not in template.arguments]:
            expected = ", ".join(template.arguments)
            raise PromptError(f"{name} has no argument {_shown(', '.join(unknown[:3]))}; it takes {expected}.")
        given = {name: text for name, value in (arguments or {}).items() if (text := _inline(value))}
        missing = [name for name in template.arguments if name not in given and name not in template.defaults]
        if missing:
            raise PromptError(f"{name} needs {', '.join(missing)}: {template.arguments[missing[0]]}")
        content = TextContent(type="text", text=template.fill(given))
        return GetPromptResult(description=template.description, messages=[PromptMessage(role="user", content=content)])


def _shown(name: str) -> str:
    """Return a client's name as an error repeats it."""
    return clean(redact(name[:1000]), 100)


def _inline(value: str) -> str:
    """Return an argument as part of a sentence: it cannot begin a line, end a string, or open a conversation turn."""
    return break_tags(clean(value[: _MAX_ARGUMENT + 1], _MAX_ARGUMENT)).replace('"', "'").strip()
