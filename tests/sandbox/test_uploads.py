"""The finish of single uploads, the deprecated ones, and a server without object storage (contract 2, 6.1)."""

from typing import Any

import pytest

from tests.sandbox.answers import NO_WRITE, SERVER_ERROR, UNKNOWN, Answer, ask, invalid, not_found
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess

COMPLETE, PENDING, HUGE, SENT, BOUND = (f"01936f2e-7a51-7000-8000-00000000b00{n}" for n in range(5))
RELEASE, OTHER = "01936f2e-7a51-7000-8000-0000000000a1", "01936f2e-7a51-7000-8000-0000000000a2"
SEED: dict[str, Any] = {
    "projects": [{"id": 1}],
    "keys": [{"value": FULL}, {"value": READ_ONLY, "scopes": ["error_tracking:read"]}],
    "releases": [{"id": RELEASE, "version": "1"}, {"id": OTHER, "version": "2"}],
    "symbol_sets": [
        {"id": COMPLETE, "ref": "complete", "content": "bytes", "content_hash": "old"},
        {"id": PENDING, "ref": "pending", "state": "pending"},
        {"id": HUGE, "ref": "huge", "state": "pending", "content": {"size": 100 * 1024 * 1024 + 1}},
        {"id": SENT, "ref": "sent", "state": "pending", "content": "bytes"},
        {"id": BOUND, "ref": "bound", "state": "pending", "release": RELEASE},
    ],
}
NO_STORAGE = invalid("object_storage_required", "Object storage must be available to allow source map uploads.")
SUCCESS = {"success": True}


@pytest.fixture(scope="module")
def unchanged() -> Any:
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture
def sandbox(unchanged: SandboxProcess) -> Any:
    yield unchanged
    unchanged.reset()


def status_of(sandbox: SandboxProcess, chunk: str, content_hash: str) -> Answer:
    """Return the answer to a check of an upload of that chunk, which says if its hash is the stored one."""
    body = {"symbol_sets": [{"chunk_id": chunk, "content_hash": content_hash}]}
    return ask(sandbox, "POST symbol_sets/bulk_check_upload/", body)


def test_finish_stores_the_first_hash_only(sandbox: SandboxProcess) -> None:
    assert ask(sandbox, f"PUT symbol_sets/{SENT}/finish_upload/", {"content_hash": "new"}) == (200, SUCCESS)
    assert ask(sandbox, f"PUT symbol_sets/{COMPLETE}/finish_upload/", {"content_hash": "new"}) == (200, SUCCESS)
    assert status_of(sandbox, "sent", "new") == (200, {"chunk_ids_to_upload": []})
    assert status_of(sandbox, "complete", "old") == (200, {"chunk_ids_to_upload": []})


@pytest.mark.parametrize(
    ("symbol_set", "body", "answer"),
    [
        (
            PENDING,
            {},
            invalid("content_hash_required", "A content hash must be provided to complete symbol set upload."),
        ),
        (
            PENDING,
            {"content_hash": "h"},
            invalid("file_not_found", "No file has been uploaded for the symbol set."),
        ),
        (UNKNOWN, {"content_hash": "h"}, not_found()),
        ("no-uuid", {"content_hash": "h"}, SERVER_ERROR),
    ],
)
def test_what_finish_refuses(unchanged: SandboxProcess, symbol_set: str, body: Any, answer: Answer) -> None:
    assert ask(unchanged, f"PUT symbol_sets/{symbol_set}/finish_upload/", body) == answer
    assert unchanged.api("GET", "symbol_sets/").json()["count"] == 5


def test_finish_deletes_what_is_too_large(sandbox: SandboxProcess) -> None:
    refused = ask(sandbox, f"PUT symbol_sets/{HUGE}/finish_upload/", {"content_hash": "h"})
    assert refused == invalid("file_too_large", "The uploaded symbol set file was too large.")
    assert ask(sandbox, f"GET symbol_sets/{HUGE}/") == not_found()


@pytest.mark.parametrize(
    ("query", "answer"),
    [
        ("", (400, {"detail": "chunk_id query parameter is required"})),
        (f"?chunk_id=new&release_id={UNKNOWN}", SERVER_ERROR),
        (
            f"?chunk_id=bound&release_id={OTHER}",
            invalid("release_id_mismatch", "Symbol set bound already has a release ID"),
        ),
    ],
)
def test_what_the_deprecated_uploads_refuse(unchanged: SandboxProcess, query: str, answer: Answer) -> None:
    raw: dict[str, Any] = {"headers": {"Content-Type": "application/octet-stream"}, "content": b"x"}
    assert ask(unchanged, f"POST symbol_sets/start_upload/{query}", {}) == answer
    assert ask(unchanged, f"POST symbol_sets/{query}", **raw) == answer
    assert unchanged.api("GET", "symbol_sets/").json()["count"] == 5


def test_a_check_marks_what_is_unchanged_as_used(sandbox: SandboxProcess) -> None:
    assert sandbox.api("GET", f"symbol_sets/{COMPLETE}/").json()["last_used"] is None
    status_of(sandbox, "complete", "old")
    assert sandbox.api("GET", f"symbol_sets/{COMPLETE}/").json()["last_used"] is not None


@pytest.mark.parametrize(
    "request_",
    [
        f"PUT symbol_sets/{PENDING}/",
        f"PATCH symbol_sets/{PENDING}/",
        f"DELETE symbol_sets/{PENDING}/",
        f"PUT symbol_sets/{PENDING}/finish_upload/",
        "POST symbol_sets/start_upload/",
        "POST symbol_sets/bulk_check_upload/",
        "POST symbol_sets/",
    ],
)
def test_scopes(unchanged: SandboxProcess, request_: str) -> None:
    assert ask(unchanged, request_, None if request_.startswith("DELETE") else {}, key=READ_ONLY) == NO_WRITE


def test_without_object_storage() -> None:
    with SandboxProcess(SEED | {"server": {"features": {"object_storage": False}}}) as sandbox:
        start = {"symbol_sets": [{"chunk_id": "new"}]}
        both = ask(sandbox, "POST symbol_sets/bulk_start_upload/", start | {"force": True, "skip_on_conflict": True})
        assert both == invalid("invalid_conflict_handling", "Use either force or skip_on_conflict, not both.")
        assert ask(sandbox, "POST symbol_sets/bulk_start_upload/", start) == NO_STORAGE
        assert status_of(sandbox, "new", "h") == (200, {"chunk_ids_to_upload": ["new"]})
        finish = {"content_hashes": {SENT: "h"}}
        assert ask(sandbox, "POST symbol_sets/bulk_finish_upload/", finish) == NO_STORAGE
        assert ask(sandbox, "POST symbol_sets/bulk_finish_upload/", {"content_hashes": {}}) == (201, SUCCESS)
        assert ask(sandbox, f"PUT symbol_sets/{SENT}/finish_upload/", {"content_hash": "h"}) == NO_STORAGE
        failed = (500, {"detail": "Could not generate download URL."})
        assert ask(sandbox, f"GET symbol_sets/{COMPLETE}/download/") == failed
        assert ask(sandbox, f"DELETE symbol_sets/{PENDING}/") == NO_STORAGE
        assert ask(sandbox, f"GET symbol_sets/{PENDING}/") == not_found()
        assert sandbox.api("GET", "symbol_sets/").json()["count"] == 4


def test_a_started_set_is_not_yet_used(sandbox: SandboxProcess) -> None:
    made = sandbox.api("POST", "symbol_sets/start_upload/?chunk_id=started", {}).json()
    assert sandbox.api("GET", f"symbol_sets/{made['symbol_set_id']}/").json()["last_used"] is None
