"""Errors of workflows, with the next step.

WorkflowError        the whole request cannot be carried out
└── InvalidMapError  not a usable source map: broken JSON, wrong fields, hostile numbers

A problem with one file among many is a `Problem`: it is listed, and the work on the other files goes on.
"""

import json
from dataclasses import dataclass

from mcp_errortracking.explanation import ExplainedError, Explanation


class WorkflowError(ExplainedError):
    """An error that says what happened, why, and what to do next: a sentence or two each.

    `code` names the case for programs: `outside_roots`, `read_only`, `disk_full`, `vanished`, `unreadable`, ...
    """

    def __init__(self, code: str, what: str, why: str = "", next_step: str = "") -> None:
        super().__init__(Explanation(code, *map(printable, (what, why, next_step))))

    @property
    def code(self) -> str:
        return self.explanation.code


class InvalidMapError(WorkflowError):
    """The content is not a usable source map."""

    def __init__(self, why: str, code: str = "broken_map") -> None:
        super().__init__(
            code, "The source map cannot be read.", why, "Build it again; if it stays so, report it to the bundler."
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why one file was left as it is. `path`: as the user would write it, relative to the named folder."""

    path: str
    explanation: Explanation

    def as_row(self) -> dict[str, str]:
        """Return the problem as data."""
        return {"path": self.path, **self.explanation.as_json()}


def printable(name: str) -> str:
    """Return the name of a file as text: bytes in it that are not UTF-8 cannot be sent, and are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def quoted(name: str) -> str:
    """Return a name from outside in quotes, so that it does not read as a part of our sentence."""
    return json.dumps(name, ensure_ascii=False)
