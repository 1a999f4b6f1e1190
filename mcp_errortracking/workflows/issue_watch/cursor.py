"""The state of a watch between two calls, as a short text that an agent hands back."""

import re
from dataclasses import dataclass
from typing import Self

from mcp_errortracking.workflows.problems import WorkflowError

_FORM = re.compile(r"(\d{1,11})\.(\d{1,11})\.(\d{1,15})\.(\d{1,15})\.([a-z_]{1,40})\.([0-9a-f-]{36})")
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last look at an issue.

    Events are counted from `begin`, which stays the same, so that an event that arrives late counts too. `before`: of
    the first look, `count`: of the last one, which was at `seen`. Times are seconds since 1970.
    """

    issue: str
    begin: int
    seen: int
    before: int
    count: int
    status: str

    def __str__(self) -> str:
        status = re.sub(r"[^a-z_]", "_", self.status.lower())[:40] or "unknown"
        return f"{self.begin}.{self.seen}.{self.before}.{self.count}.{status}.{self.issue}"

    @classmethod
    def read(cls, text: str, issue: str, now: float) -> Self:
        """Return the cursor that a text means.

        Raises:
            WorkflowError: it is not one of this issue.
        """
        found = _FORM.fullmatch(text.strip()) if len(text) <= _LONGEST else None
        if found is None:
            raise _refused("It is not one that this tool returned.")
        begin, seen, before, count = map(int, found.groups()[:4])
        if found[6] != issue:
            raise _refused("It belongs to another issue.")
        if not begin <= seen <= now + 1 or before > count:
            raise _refused("Its times or counts are not possible.")
        return cls(issue, begin, seen, before, count, found[5])


def _refused(why: str) -> WorkflowError:
    return WorkflowError("invalid_cursor", "The cursor cannot be used.", why, "Leave it out to begin a watch.")
