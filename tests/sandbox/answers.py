"""The error answers that tests expect (contract 1.4), as pairs of status and body."""

from typing import Any

from tests.sandbox_process import SandboxProcess

UNKNOWN = "01936f2e-7a51-7000-8000-00000000dead"
Answer = tuple[int, Any]


def hog(kind: str, code: str, detail: str, attr: str | None = None) -> dict[str, Any]:
    """PostHog's standard error body."""
    return {"type": kind, "code": code, "detail": detail, "attr": attr}


def invalid(code: str, detail: str, attr: str | None = None) -> Answer:
    return 400, hog("validation_error", code, detail, attr)


def required(attr: str) -> Answer:
    return invalid("required", "This field is required.", attr)


def null(attr: str) -> Answer:
    return invalid("null", "This field may not be null.", attr)


def choice(value: object, attr: str) -> Answer:
    return invalid("invalid_choice", f'"{value}" is not a valid choice.', attr)


def not_found(detail: str = "Not found.") -> Answer:
    return 404, hog("invalid_request", "not_found", detail)


def forbidden(detail: str) -> Answer:
    return 403, hog("authentication_error", "permission_denied", detail)


SERVER_ERROR: Answer = (500, hog("server_error", "error", "A server error occurred."))
NO_READ = forbidden("API key missing required scope 'error_tracking:read'")
NO_WRITE = forbidden("API key missing required scope 'error_tracking:write'")
NO_KEY = forbidden("This action does not support personal API key access")
NO_PATH = not_found("Endpoint not found.")


def ask(sandbox: SandboxProcess, request: str, body: Any = None, **more: Any) -> Answer:
    """Return the answer to `METHOD path`: its status and its JSON, None for an empty body."""
    method, path = request.split(" ", 1)
    answer = sandbox.api(method, path, body, **more)
    return answer.status_code, answer.json() if answer.content else None
