"""Write the brief of an issue: read what its sections need, and leave out rows that exceed its tokens."""

from functools import partial
from typing import TYPE_CHECKING

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import PAGE, as_object
from mcp_errortracking.proxy.sender import Sender, page_of
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.issue_brief import sections
from mcp_errortracking.workflows.issue_brief.facts import Facts, commits_of, read_facts
from mcp_errortracking.workflows.issue_brief.frames import AppFrame, app_frames
from mcp_errortracking.workflows.issue_brief.minified import resolve_minified
from mcp_errortracking.workflows.issue_brief.people import People, read_people
from mcp_errortracking.workflows.issue_brief.reading import Reader
from mcp_errortracking.workflows.issue_brief.rules import KINDS, rules
from mcp_errortracking.workflows.issue_brief.shares import shared
from mcp_errortracking.workflows.issue_brief.source import LocalSource, local_source
from mcp_errortracking.workflows.issue_brief.tokens import fit
from mcp_errortracking.workflows.issue_brief.tools import DEFAULT_TOKENS, SECTIONS

if TYPE_CHECKING:
    from mcp_errortracking.workflows.issue_brief.tools import BriefIssue

_RESERVED = 3
"""Requests for people and rules, which minified frames leave."""
_DEFAULT_RANGE = {"date_from": "-30d"}


async def run(call: "BriefIssue", context: Context) -> Outcome:
    """Return the sections that are wanted, in their order."""
    wanted = set[str](call.sections or SECTIONS)
    roots = context.environment.roots
    reader = Reader(context.sender)
    dates = call.dateRange.model_dump(exclude_unset=True) if call.dateRange else _DEFAULT_RANGE
    facts = await read_facts(reader, str(call.id), dates, wanted)
    local = LocalSource([])
    resolved, resolved_lines = list[AppFrame](), list[str]()
    if wanted & {"stack", "source", "suspects"}:
        resolved, resolved_lines = await resolve_minified(context, reader, facts.event, _RESERVED)
    if wanted & {"source", "suspects"}:
        local = await to_thread.run_sync(local_source, roots, [*resolved, *app_frames(facts.event)], commits_of(facts))
    people = await _people(reader, context.sender, facts, local, wanted)
    lines = dict[str, list[str]]()
    for name in SECTIONS:
        if name not in wanted:
            continue
        match name:
            case "what":
                lines[name] = sections.what(facts, people)
            case "trend":
                lines[name] = sections.trend(facts)
            case "impact":
                lines[name] = sections.impact(facts)
            case "who":
                lines[name] = sections.who(facts)
            case "releases":
                lines[name] = sections.releases(facts)
            case "stack":
                lines[name] = sections.stack(facts, resolved_lines, has_roots=bool(roots))
            case "source":
                lines[name] = sections.source(facts, local)
            case "suspects":
                lines[name] = sections.suspects(facts, local, people)
            case "recordings":
                lines[name] = sections.recordings(facts, partial(_address, context))
            case "tickets":
                lines[name] = sections.tickets(facts)
            case "duplicates":
                lines[name] = sections.duplicates(facts)
            case "shared":
                lines[name] = await shared(reader, facts, dates, len(KINDS) if "rules" in wanted else 0)
            case "rules":
                lines[name] = await rules(reader, facts)
    kept, cut = fit(lines, call.max_tokens or DEFAULT_TOKENS)
    notes = list[str]()
    if cut:
        named = ", ".join(f"{name} {count}" for name, count in cut.items())
        notes.append(f"Rows left out to stay within max_tokens: {named}. Name fewer sections, or raise max_tokens.")
    data = {"issue": str(call.id), "sections": kept, "left_out": cut, "requests": reader.sent}
    return Outcome(data, notes, display={name: tuple(rows) for name, rows in kept.items()}, page=f"{PAGE}/{call.id}")


def _address(context: Context, page: str) -> str:
    """Return the address of a page of the project; without a known project, of the one that its reader has open."""
    return page_of(context.sender, page) or f"{context.environment.host.rstrip('/')}{page}"


async def _people(reader: Reader, sender: Sender, facts: Facts, local: LocalSource, wanted: set[str]) -> People:
    """Return the people and roles that the brief names."""
    assignee = as_object(facts.issue.get("assignee") or facts.record.get("assignee"))
    is_named = "what" in wanted and bool(assignee)
    is_role = assignee.get("type") == "role"
    members = (is_named and not is_role) or ("suspects" in wanted and bool(local.suspects))
    return await read_people(reader, sender, members=members, roles=is_named and is_role)
