"""What an endpoint of PostHog's API is: its arguments, its request, and the steps of a call, without any I/O.

An endpoint is a class. Its fields are the arguments, its docstring is what an agent reads, and everything else - the
request, the JSON schema, the annotations, the reference page - follows from them:

    class RetrieveAssignmentRule(
        Endpoint,
        tool="error-tracking-assignment-rules-retrieve",
        request="GET assignment_rules/{id}/",
        scope="error_tracking:read",
    ):
        '''One assignment rule, with its filters as PostHog holds them.'''

        id: RuleId
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, cast
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Scope = Literal[
    "error_tracking:read",
    "error_tracking:write",
    "hog_function:read",
    "hog_function:write",
    "integration:read",
    "activity_log:read",
]

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, relative to the project: `path` is like `error_tracking/fingerprints/`, percent-encoded."""

    method: Method
    path: str
    query: Mapping[str, Any] | None = None
    json: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    `data` is JSON, an object at its root. `notes` are sentences for the agent that the data does not say. `failed`
    marks a call that PostHog accepted and that still did not do what was asked. `shown` is what the text for the model
    is made of, where that is not the data itself; a tuple of strings in it (`Lines`) is shown as these lines.
    """

    data: dict[str, Any]
    notes: list[str] = field(default_factory=list[str])
    failed: bool = False
    shown: dict[str, Any] | None = None


class StepError(Exception):
    """Thrown into `Endpoint.steps` at the request that failed; a step that does not catch it fails the call.

    `status` is the HTTP status, or None when PostHog gave no answer. `code` is PostHog's error code, or the reason
    found for the failure. `summary` is one line, fit for an agent.
    """

    def __init__(self, summary: str, *, status: int | None = None, code: str | None = None) -> None:
        super().__init__(summary)
        self.summary = summary
        self.status = status
        self.code = code


Steps = Generator[Request, Any, Outcome]
Lines = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ListedBy:
    """Metadata of an id field: what it identifies, and the tool whose answer holds real ones."""

    noun: str
    tool: str


class Endpoint(BaseModel):
    """A documented endpoint; each subclass is one, each instance a validated call of it."""

    model_config = ConfigDict(extra="forbid", defer_build=True, hide_input_in_errors=True)

    tool: ClassVar[str]
    method: ClassVar[Method]
    path: ClassVar[str]
    scopes: ClassVar[tuple[Scope, ...]]
    """All that the key needs."""
    title: ClassVar[str]
    summary: ClassVar[str]
    """What an agent reads of it: the docstring. (`description` is an argument of some endpoints.)"""
    toolset: ClassVar[str]
    """The group it is chosen by: the name of its module, unless said."""
    nulls: ClassVar[tuple[str, ...]] = ()
    """Arguments whose null is sent, because it means something; that of any other means not given."""
    aliases: ClassVar[tuple[str, ...]] = ()
    """Other names a call may use; they are not listed."""
    since: ClassVar[str | None] = None
    """When PostHog got the endpoint, as far as known; None: before 2026."""
    advice: ClassVar[Mapping[str, str]] = {}
    """What to do next, by PostHog's error code, where this endpoint knows better than the general explanation."""
    shown: ClassVar[tuple[str, ...]] = ()
    """Optional arguments without which an example of a call would not be one."""
    read_only: ClassVar[bool]
    destructive: ClassVar[bool]
    idempotent: ClassVar[bool]

    def __init_subclass__(
        cls,
        *,
        tool: str | None = None,
        request: str = "",
        scope: Scope | tuple[Scope, ...] = "error_tracking:read",
        toolset: str | None = None,
        nulls: tuple[str, ...] = (),
        read_only: bool | None = None,
        aliases: tuple[str, ...] = (),
        since: str | None = None,
        destructive: bool | None = None,
        idempotent: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init_subclass__(**kwargs)
        if tool is None:  # a base of several endpoints, not an endpoint itself
            return
        method, path = request.split()
        cls.tool, cls.aliases, cls.since = tool, aliases, since
        cls.scopes = (scope,) if isinstance(scope, str) else scope
        cls.toolset, cls.nulls = toolset or cls.__module__.rpartition(".")[2], nulls
        cls.method = method  # pyright: ignore[reportAttributeAccessIssue]
        cls.path = path.removeprefix("/") if path.startswith("/") else f"error_tracking/{path}"
        words = re.findall(r"[A-Z][a-z]+", cls.__name__)
        cls.title = " ".join([words[0], *(word.lower() for word in words[1:])])
        cls.summary = " ".join((cls.__doc__ or "").split())
        cls.read_only = method == "GET" if read_only is None else read_only
        cls.destructive = method in ("PUT", "PATCH", "DELETE") if destructive is None else destructive
        cls.idempotent = (method != "POST" or cls.read_only) if idempotent is None else idempotent

    @classmethod
    def path_parameters(cls) -> list[str]:
        """The names of the fields that stand in the path."""
        return _PLACEHOLDER.findall(cls.path)

    def request(self) -> Request:
        """The HTTP request of this call.

        Path parameters are percent-encoded, so that a value never becomes a segment of its own. The other arguments
        that were given go to the query (GET, DELETE) or to the JSON body; null means not given, but for `nulls`.
        """
        in_path = self.path_parameters()
        given = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        rest = {
            name: value
            for name, value in given.items()
            if name not in in_path and (value is not None or name in self.nulls)
        }
        path = _PLACEHOLDER.sub(lambda match: quote(str(given[match[1]]), safe=""), self.path)
        if self.method in ("GET", "DELETE"):
            return Request(self.method, path, query=rest or None)
        return Request(self.method, path, json=rest)

    def steps(self) -> Steps:
        """The requests of this call in order: each is yielded, and the JSON of its answer is sent back in.

        Raises:
            StepError: thrown in by whoever sends the requests.
        """
        answer = yield self.request()
        return Outcome(as_object(answer))


def as_object(answer: Any) -> dict[str, Any]:
    """An answer as a JSON object: what is none already is wrapped as `result`, no answer is the empty object."""
    if isinstance(answer, dict):
        return cast("dict[str, Any]", answer)
    return {} if answer is None else {"result": answer}


def as_objects(answer: Any) -> list[dict[str, Any]]:
    """The JSON objects of a list; anything else, an answer that is no list included, is left out."""
    items = cast("list[Any]", answer) if isinstance(answer, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]
