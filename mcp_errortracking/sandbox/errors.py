"""PostHog's error answers: the standard body of contract 1.4, and the bare bodies of some views."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse


class ErrorAnswer(Exception):  # noqa: N818 it is an answer that is raised
    """An answer that is not a success; raised anywhere below a view, it rolls back the transaction."""

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers
        self.aftermath: Callable[[], object] | None = None
        """The change that is kept after everything else was rolled back."""

    def response(self) -> JSONResponse:
        """Return the error as a response."""
        return JSONResponse(dict(self.body), self.status, dict(self.headers or {}))


class HogError(ErrorAnswer):
    """The standard body: type, code, detail, attr."""

    def __init__(
        self,
        status: int,
        kind: str,
        code: str,
        detail: str,
        attr: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, {"type": kind, "code": code, "detail": detail, "attr": attr}, headers)


class BareError(ErrorAnswer):
    """A body of one key, `detail` unless said."""

    def __init__(self, status: int, detail: str, key: str = "detail") -> None:
        super().__init__(status, {key: detail})


def invalid(code: str, detail: str, attr: str | None = None) -> HogError:
    """400: a serializer, or the logic behind it, refuses a value."""
    return HogError(400, "validation_error", code, detail, attr)


def required(attr: str) -> HogError:
    """400: a required field is missing."""
    return invalid("required", "This field is required.", attr)


def null(attr: str) -> HogError:
    """400: a field must not be null."""
    return invalid("null", "This field may not be null.", attr)


def forbidden(detail: str) -> HogError:
    """403."""
    return HogError(403, "authentication_error", "permission_denied", detail)


def not_found(detail: str = "Not found.") -> HogError:
    """404."""
    return HogError(404, "invalid_request", "not_found", detail)


def server_error() -> HogError:
    """500: PostHog does not expect the request."""
    return HogError(500, "server_error", "error", "A server error occurred.")
