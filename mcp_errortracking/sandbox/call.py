"""One API request on its way through the sandbox: the input of a view, and its output."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from starlette.responses import JSONResponse, Response

from mcp_errortracking.sandbox.errors import invalid
from mcp_errortracking.sandbox.features import Features
from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.store import Document, Store

READ, WRITE = "error_tracking:read", "error_tracking:write"


@dataclass(slots=True)
class Call:
    """The context that a view works with.

    `project` is the project's document, None outside of one. `url` is the absolute address of the request without its
    query, in the form that links use. `base` is the origin of the sandbox. `now` is
    the moment that `-7d` counts back from.
    """

    store: Store
    objects: Objects
    features: Features
    method: str
    parameters: Mapping[str, str]
    query: Mapping[str, str]
    body: Any
    url: str
    base: str
    user: Document
    key: Document
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    project: Document = field(default_factory=dict[str, Any])
    upload: bytes | None = None
    """The raw body, where a view takes a file."""

    @property
    def project_id(self) -> int:
        """The number of the project in the path."""
        return self.project["id"]

    def fields(self) -> dict[str, Any]:
        """Return the body as an object; an empty one if there is no body.

        Raises:
            ErrorAnswer: the body is JSON of another kind.
        """
        if self.body is None:
            return {}
        body: Any = self.body
        if not isinstance(body, dict):
            raise invalid("invalid_input", f"Invalid data. Expected a dictionary, but got {type(body).__name__}.")
        return cast("dict[str, Any]", body)


View = Callable[[Call], Response]


@dataclass(frozen=True, slots=True)
class Action:
    """A view and its requirements: the scopes a key must have (None: API keys may not), and if only JSON is read."""

    view: View
    scopes: tuple[str, ...] | None = (READ,)
    json_only: bool = False
    since: str | None = None
    """The feature without which no API key may: the scopes were mapped later than the action was made."""


@dataclass(frozen=True, slots=True)
class Route:
    """A path below a project (or below /api/), segments in braces being parameters, and its actions by method."""

    path: str
    actions: Mapping[str, Action]
    since: str | None = None
    """The feature that the path depends on."""


def json_answer(data: Any, status: int = 200) -> Response:
    """Return an answer with a body."""
    return JSONResponse(data, status)


def no_content() -> Response:
    """Return a 204, without body and content type."""
    return Response(status_code=204)
