"""What a workflow could not do, and what can be done about it.

WorkflowError        the whole request cannot be carried out
└── InvalidMapError  a source map that is none: broken JSON, nonsense in its fields, hostile numbers

A trouble with one file among many is a `Problem`: it is listed, and the work on the other files goes on.
"""

import json
from dataclasses import dataclass


class WorkflowError(Exception):
    """What happened, why, and what to do next: a sentence or two each.

    `code` names the case for programs: `outside_roots`, `read_only`, `disk_full`, `vanished`, `unreadable`, ...
    """

    def __init__(self, code: str, what: str, why: str = "", next_step: str = "") -> None:
        self.code = code
        self.what, self.why, self.next_step = map(printable, (what, why, next_step))
        super().__init__(" ".join(part for part in (self.what, self.why, self.next_step) if part))


class InvalidMapError(WorkflowError):
    """The content is no usable source map."""

    def __init__(self, why: str, code: str = "broken_map") -> None:
        super().__init__(
            code, "The source map cannot be read.", why, "Build it again; if it stays so, report it to the bundler."
        )


@dataclass(frozen=True, slots=True)
class Problem:
    """Why one file was left as it is. `path`: as the user would write it, relative to the folder that was named."""

    path: str
    code: str
    message: str
    next_step: str

    @classmethod
    def of(cls, path: str, error: WorkflowError) -> "Problem":
        """The problem that an error with this file is."""
        return cls(path, error.code, " ".join(part for part in (error.what, error.why) if part), error.next_step)

    def as_row(self) -> dict[str, str]:
        """The problem as data."""
        return {"path": self.path, "code": self.code, "message": self.message, "next_step": self.next_step}


def printable(name: str) -> str:
    """Return the name of a file as text: bytes in it that are not UTF-8 cannot be sent, and are escaped."""
    return name.encode("utf-8", "backslashreplace").decode()


def quoted(name: str) -> str:
    """A name that a stranger gave, in quotes, so that in a sentence of ours it does not read as a part of it."""
    return json.dumps(name, ensure_ascii=False)
