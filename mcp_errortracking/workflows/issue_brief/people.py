"""The people and roles that a brief names: those of the organization of its project."""

from collections import OrderedDict
from dataclasses import dataclass, field

from mcp_errortracking.catalog.people import MOST_READ, Person, Role, organization, people_of, roles_of
from mcp_errortracking.proxy.sender import Sender, account_of, project_of
from mcp_errortracking.workflows.issue_brief.reading import Reader

_MOST_KNOWN = 100
_known = OrderedDict[tuple[str, str], str]()
"""The organizations of projects, by account and project: they do not change, and cost a request."""


@dataclass(slots=True)
class People:
    """Members and roles. `is_whole`: all members were read. `note`: the reason why they were not, or not all."""

    people: list[Person] = field(default_factory=list[Person])
    roles: list[Role] = field(default_factory=list[Role])
    is_whole: bool = False
    note: str = ""


async def read_people(reader: Reader, sender: Sender, *, members: bool, roles: bool) -> People:
    """Return the members or the roles, or both, of the organization of the project.

    Raises:
        PostHogError: PostHog does not answer.
    """
    found = People()
    if not (members or roles):
        return found
    of = await _organization(reader, sender)
    if roles:
        listed, found.note = await reader.read(roles_of(of))
        found.roles = listed[0] if listed else []
    if members:
        read, found.note = await reader.read(people_of(of))
        if read is not None:
            found.people, is_cut = read
            found.is_whole = not is_cut and of is not None
            found.note = f"only the first {MOST_READ} members were read" if is_cut else ""
            if of is None:
                found.note = "the key may not read the project: members of the organization that its user has open"
    return found


async def _organization(reader: Reader, sender: Sender) -> str | None:
    key = account_of(sender), project_of(sender) or ""
    if key in _known:
        return _known[key]
    found, _ = await reader.read(organization())
    if found and all(key) and key[1].isdigit():
        _known[key] = found
        if len(_known) > _MOST_KNOWN:
            _known.popitem(last=False)
    return found
