"""An endpoint of PostHog's API: its arguments, its request, and the steps of a call, without any I/O.

An endpoint is a class. Its fields are the arguments, its docstring is what an agent reads, and everything else - the
request, the JSON schema, the annotations, the reference page - follows from them:

    class RetrieveAssignmentRule(
        Endpoint,
        tool="error-tracking-assignment-rules-retrieve",
        request="GET assignment_rules/{id}/",
    ):
        '''One assignment rule, with its filters as PostHog holds them.'''

        id: AssignmentRuleId
"""

import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, Self, TypeVar, cast
from urllib.parse import quote
from uuid import UUID

from pydantic import ValidationError

from mcp_errortracking.catalog.declaration import Declaration, ListedBy

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
AnyEndpoint = TypeVar("AnyEndpoint", bound="Endpoint")
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
    """The result of a call.

    `data` is JSON, an object at its root. `notes` are sentences for the agent that the data does not say. `failed`
    marks a call that PostHog accepted but that did not do what was asked. `display` replaces `data` in the text
    for the model; a tuple of strings in it (`Lines`) becomes these lines. `page` is the path of the page in PostHog's
    web interface; `ROW_PAGES` is that of a list whose rows have a page each.
    """

    data: dict[str, Any]
    notes: list[str] = field(default_factory=list[str])
    failed: bool = False
    display: dict[str, Any] | None = None
    page: str | None = None


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


class Verbatim(str):
    """A text that another call takes as it is: it is displayed in full, even if it is a time."""

    __slots__ = ()


PAGE = "/error_tracking"
ROW_PAGES = f"{PAGE}/<id>"

_MOVING = ("id", "order_key", "base_updated_at")
"""Members that change without a change of the object itself."""

Steps = Generator[Request, Any, Outcome]
Snapshot = Generator[Request, Any, dict[str, Any]]
Lines = tuple[str, ...]


class Endpoint(Declaration):
    """A documented endpoint; each subclass is one, each instance a validated call of it."""

    method: ClassVar[Method]
    path: ClassVar[str]
    nulls: ClassVar[tuple[str, ...]] = ()
    """Arguments that null clears: it is sent, and the docstring says so; null of any other means not given."""
    older_status: ClassVar[int] = 404
    """The status with which a PostHog from before `since` refuses the request."""
    unrecorded: ClassVar[tuple[str, ...]] = ()
    """Members of its arguments and answers that may hold secrets of other services: no journal stores them."""
    snapshot_is_object: ClassVar[bool] = True
    """False if `snapshot` reads what the inverse needs, and not the object that the call changes."""
    undo_loss: ClassVar[str] = ""
    """A sentence on what the inverse does not bring back; empty if it restores the same state."""

    def __init_subclass__(
        cls, *, request: str = "", nulls: tuple[str, ...] = (), older_status: int = 404, **kwargs: Any
    ) -> None:
        """Declare an endpoint, or a base class of endpoints if `request` is not given.

        The annotations follow from the method unless said: `read_only`, `destructive`, `idempotent`.
        """
        if request:
            method, path = request.split()
            kwargs.setdefault("read_only", method == "GET")
            kwargs.setdefault("destructive", method in ("PUT", "PATCH", "DELETE"))
            kwargs.setdefault("idempotent", method != "POST" or kwargs["read_only"])
            cls.method = method  # pyright: ignore[reportAttributeAccessIssue]
            cls.path = path.removeprefix("/") if path.startswith("/") else f"error_tracking/{path}"
            cls.nulls, cls.older_status = nulls, older_status
        super().__init_subclass__(**kwargs)

    @classmethod
    def path_parameters(cls) -> list[str]:
        """The names of the fields in the path."""
        return _PLACEHOLDER.findall(cls.path)

    @classmethod
    def ids_in_path(cls) -> list[ListedBy]:
        metadata = [item for name in cls.path_parameters() for item in cls.model_fields[name].metadata]
        return [item for item in metadata if isinstance(item, ListedBy)]

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
            StepError: thrown in by the sender of the requests.
        """
        answer = yield self.request()
        return Outcome(as_object(answer))

    def snapshot(self) -> Snapshot:
        """The reads before this write whose answers `inverse` takes as `before`; none if the call makes an object.

        Raises:
            StepError: thrown in by the sender of the requests.
        """
        if self.method in ("PATCH", "PUT", "DELETE") and self.path.endswith("/{id}/"):
            return as_object((yield Request("GET", self.request().path)))
        return {}

    def differences(self, after: Mapping[str, Any], current: Mapping[str, Any]) -> "dict[str, tuple[Any, Any]] | None":
        """Return the values that this call set and that are others now, as (set, current), by their names.

        Args:
            after: the data of the call's result.
            current: the object as PostHog holds it now, as `snapshot` of the inverse reads it.

        Returns:
            An empty dictionary if all are as the call left them; None if nothing can be compared.
        """
        set_by_it = self.model_fields_set - {*_MOVING, *self.unrecorded}
        names = [name for name in set_by_it if name in after and name in current]
        if not names:
            return None
        return {name: (after[name], current[name]) for name in names if after[name] != current[name]}

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> "Endpoint | None":
        """Return the call that undoes this one, or None if no single call does.

        Args:
            before: the object as PostHog held it before the call, or the list of objects as `results`; empty if the
                call made the object.
            after: the data of the call's result.
        """
        return None

    def restore(self, before: Mapping[str, Any], *, skip: frozenset[str] = frozenset()) -> Self | None:
        """Return the same call with the values that its arguments had before; None if they cannot be sent."""
        names = self.model_fields_set - {"id"} - skip
        old = {name: before[name] for name in names if name in before}
        return call_of(type(self), {**self.model_dump(include={"id"}), **old}) if len(old) == len(names) else None


def call_of(endpoint: type[AnyEndpoint], arguments: Mapping[str, Any]) -> AnyEndpoint | None:
    """Return a call with these arguments; None if they are not valid."""
    try:
        return endpoint.model_validate(arguments)
    except ValidationError:
        return None


def as_object(answer: Any) -> dict[str, Any]:
    """Return an answer as a JSON object: any other value becomes its `result`, no answer the empty object."""
    if isinstance(answer, dict):
        return cast("dict[str, Any]", answer)
    return {} if answer is None else {"result": answer}


def as_objects(answer: Any) -> list[dict[str, Any]]:
    """Return the JSON objects of a list; leave out anything else. Not a list: nothing."""
    items = cast("list[Any]", answer) if isinstance(answer, list) else []
    return [cast("dict[str, Any]", item) for item in items if isinstance(item, dict)]


def text_of(fields: Mapping[str, Any], *names: str) -> str:
    """Return the first of these fields that is a non-empty text; "" if there is none."""
    return next((value for name in names if isinstance(value := fields.get(name), str) and value), "")


def number_of(fields: Mapping[str, Any], *names: str) -> int | None:
    """Return the first of these fields that is a whole number of at most 64 bits."""
    for name in names:
        value = fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -(2**63) <= value < 2**63:
            continue  # Python counts on beyond 64 bits, but does not print each number that it counts to
        if isinstance(value, int) or value.is_integer():
            return int(value)
    return None


def uuid_of(value: Any) -> str | None:
    """Return a UUID in PostHog's spelling; None for any other value."""
    try:
        return str(UUID(value))
    except (ValueError, TypeError, AttributeError):
        return None
