"""Symbol sets: their states, their upload through presigned URLs, and the rest of contract 2 and 6.1."""

import base64
import hashlib
import json
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests.sandbox_process import FULL, SandboxProcess

UNKNOWN = "01936f2e-7a51-7000-8000-00000000dead"
RELEASE, OTHER_RELEASE = "01936f2e-7a51-7000-8000-0000000000a1", "01936f2e-7a51-7000-8000-0000000000a2"
COMPLETE, PENDING, MISSING, HUGE, EMPTY, BOUND = (f"01936f2e-7a51-7000-8000-00000000b00{n}" for n in range(6))
SEED: dict[str, Any] = {
    "projects": [{"id": 1}, {"id": 2}],
    "keys": [{"value": FULL}],
    "releases": [
        {"id": RELEASE, "version": "1.4.2", "product": "shop", "metadata": {"git": {"commit_id": "9fceb02d"}}},
        {"id": OTHER_RELEASE, "version": "1.4.1", "product": "shop"},
    ],
    "symbol_sets": [
        {"id": COMPLETE, "ref": "complete", "content": "old bytes", "content_hash": "old"},
        {"id": PENDING, "ref": "pending", "state": "pending", "created_at": "2026-08-02T00:00:00Z"},
        {"id": MISSING, "ref": "https://cdn.example/a.js", "state": "missing", "failure_reason": "no map"},
        {"id": HUGE, "ref": "huge", "state": "pending", "content": {"size": 100 * 1024 * 1024 + 1}},
        {"id": EMPTY, "ref": "empty", "state": "pending", "content": {"size": 0}},
        {"id": BOUND, "ref": "bound", "release": RELEASE, "content_hash": "h", "last_used": "2026-08-03T00:00:00Z"},
        {"ref": "elsewhere", "project": 2},
    ],
}


@pytest.fixture(scope="module")
def unchanged() -> Generator[SandboxProcess]:
    """For all the tests that change nothing."""
    with SandboxProcess(SEED) as running:
        yield running


@pytest.fixture
def sandbox(unchanged: SandboxProcess) -> Generator[SandboxProcess]:
    """The same one, put back after the test."""
    yield unchanged
    unchanged.reset()


def start(sandbox: SandboxProcess, *uploads: dict[str, Any], **flags: Any) -> httpx.Response:
    return sandbox.api("POST", "symbol_sets/bulk_start_upload/", {"symbol_sets": list(uploads)} | flags)


def send(started: dict[str, Any], content: bytes, *, filename: str | None = "file", **changed: str) -> httpx.Response:
    form = started["presigned_url"]
    fields = form["fields"] | changed
    part: Any = (filename, content) if filename else (None, content)
    return httpx.post(form["url"], data=fields, files={"file": part}, timeout=20)


def finish(sandbox: SandboxProcess, hashes: Any) -> httpx.Response:
    return sandbox.api("POST", "symbol_sets/bulk_finish_upload/", {"content_hashes": hashes})


def refs(sandbox: SandboxProcess, query: str = "") -> list[str]:
    return [one["ref"] for one in sandbox.api("GET", f"symbol_sets/?{query}").json()["results"]]


def test_an_upload_from_start_to_download(sandbox: SandboxProcess) -> None:
    content = b"a container" * 1000
    content_hash = hashlib.sha512(content).hexdigest()

    answer = start(sandbox, {"chunk_id": "new", "release_id": RELEASE, "content_hash": content_hash})
    assert answer.status_code == 201
    started = answer.json()["id_map"]["new"]
    assert list(started) == ["presigned_url", "symbol_set_id"]
    shown = sandbox.api("GET", f"symbol_sets/{started['symbol_set_id']}/").json()
    assert list(shown) == [
        *("id", "ref", "team_id", "created_at", "last_used", "failure_reason", "has_uploaded_file", "release")
    ]
    assert (shown["has_uploaded_file"], shown["release"]["version"]) == (True, "1.4.2")

    url = sandbox.api("GET", f"symbol_sets/{started['symbol_set_id']}/download/").json()["url"]
    too_early = httpx.get(url)
    assert too_early.status_code == 404
    assert "<Code>NoSuchKey</Code>" in too_early.text

    assert (send(started, content).status_code, send(started, content).content) == (204, b"")
    done = finish(sandbox, {started["symbol_set_id"]: content_hash})
    assert (done.status_code, done.json()) == (201, {"success": True})
    assert httpx.get(url).content == content
    again = start(sandbox, {"chunk_id": "new", "content_hash": content_hash})
    assert again.json() == {"id_map": {}}


def test_a_declared_length_earns_a_put_url(sandbox: SandboxProcess) -> None:
    started = start(sandbox, {"chunk_id": "new", "content_length": 5}).json()["id_map"]["new"]
    url = started["presigned_put_url"]

    wrong = httpx.put(url, content=b"1234")
    assert (wrong.status_code, "SignatureDoesNotMatch" in wrong.text) == (403, True)
    assert httpx.put(url, content=b"12345").status_code == 200
    assert finish(sandbox, {started["symbol_set_id"]: "h"}).status_code == 201


def test_presigned_urls_are_good_for_what_they_say_only(sandbox: SandboxProcess) -> None:
    started = start(sandbox, {"chunk_id": "new"}).json()["id_map"]["new"]
    form = started["presigned_url"]

    forged = send(started, b"x", key="symbolsets/other")
    assert (forged.status_code, "Policy Condition failed: key" in forged.text) == (403, True)
    policy = json.loads(base64.b64decode(form["fields"]["policy"]))
    late = base64.b64encode(json.dumps(policy | {"expiration": policy["expiration"] + 9999}).encode()).decode()
    assert send(started, b"x", policy=late).status_code == 403
    assert send(started, b"x", filename=None).status_code == 400
    both = httpx.post(
        form["url"], data=form["fields"], files={"file": ("f", b"x")}, headers={"Authorization": f"Bearer {FULL}"}
    )
    assert (both.status_code, "Only one auth mechanism allowed" in both.text) == (400, True)
    missing = finish(sandbox, {started["symbol_set_id"]: "h"})
    assert (missing.status_code, missing.json()["code"]) == (400, "file_not_found")
    url = sandbox.api("GET", f"symbol_sets/{COMPLETE}/download/").json()["url"]
    assert httpx.get(url).text == "old bytes"
    assert httpx.get(url.replace("X-Amz-Expires=3600", "X-Amz-Expires=9999")).status_code == 403
    assert httpx.put(url, content=b"x").status_code == 403


@pytest.mark.parametrize(
    ("upload", "flags", "status", "outcome"),
    [
        ({"chunk_id": "pending"}, {}, 201, ["pending"]),
        ({"chunk_id": "complete", "content_hash": "old"}, {}, 201, []),
        ({"chunk_id": "complete", "content_hash": "new"}, {"force": True}, 201, ["complete"]),
        ({"chunk_id": "complete", "content_hash": "new"}, {"skip_on_conflict": True}, 201, []),
        ({"chunk_id": "complete", "content_hash": "new"}, {}, 400, "content_hash_mismatch"),
        ({"chunk_id": "complete"}, {"force": True}, 400, "content_hash_required"),
        ({"chunk_id": "bound", "content_hash": "h", "release_id": RELEASE}, {}, 201, []),
        ({"chunk_id": "bound", "release_id": OTHER_RELEASE}, {"force": True}, 400, "release_id_mismatch"),
        ({"chunk_id": "a", "release_id": UNKNOWN}, {}, 400, "invalid_release_id"),
        ({"chunk_id": "a", "release_id": "x"}, {}, 400, "invalid_release_id"),
        ({"chunk_id": "a", "content_length": 104857601}, {}, 400, "file_too_large"),
        ({"chunk_id": "a"}, {"force": True, "skip_on_conflict": True}, 400, "invalid_conflict_handling"),
        ({"chunk_id": "a"}, {"chunk_ids": ["a"]}, 400, "invalid_chunk_ids"),
    ],
)
def test_start_decides_per_chunk(
    sandbox: SandboxProcess, upload: dict[str, Any], flags: dict[str, Any], status: int, outcome: Any
) -> None:
    answer = start(sandbox, upload, **flags)

    assert answer.status_code == status
    assert (list(answer.json()["id_map"]) if status == 201 else answer.json()["code"]) == outcome


def test_an_error_undoes_the_whole_start(sandbox: SandboxProcess) -> None:
    before = sandbox.api("GET", "symbol_sets/").json()

    refused = start(sandbox, {"chunk_id": "fresh"}, {"chunk_id": "complete", "content_hash": "new"})

    assert refused.json()["detail"] == "Symbol set complete already exists with different content."
    assert sandbox.api("GET", "symbol_sets/").json() == before


def test_start_binds_a_release_even_to_a_skipped_chunk(sandbox: SandboxProcess) -> None:
    start(sandbox, {"chunk_id": "complete", "content_hash": "old", "release_id": RELEASE})

    assert sandbox.api("GET", f"symbol_sets/{COMPLETE}/").json()["release"]["id"] == RELEASE


def test_start_takes_chunk_ids_and_nothing(sandbox: SandboxProcess) -> None:
    both = {"symbol_sets": [{"chunk_id": "b"}], "chunk_ids": [7], "release_id": RELEASE}
    answer = sandbox.api("POST", "symbol_sets/bulk_start_upload/", both).json()

    assert list(answer["id_map"]) == ["b", "7"]
    assert sandbox.api("POST", "symbol_sets/bulk_start_upload/", {}).json() == {"id_map": {}}


@pytest.mark.parametrize(
    ("body", "code", "attr", "detail"),
    [
        (
            {"symbol_sets": [{}]},
            "{'chunk_id': ['required']}",
            "symbol_sets",
            "{'chunk_id': [ErrorDetail(string='This field is required.', code='required')]}",
        ),
        ({"symbol_sets": [{"chunk_id": "a"}, {}]}, "{}", "symbol_sets", "{}"),
        (
            {"symbol_sets": "x"},
            "not_a_list",
            "symbol_sets__non_field_errors",
            'Expected a list of items but got type "str".',
        ),
        ({"symbol_sets": None}, "null", "symbol_sets", "This field may not be null."),
        ({"chunk_ids": "x"}, "not_a_list", "chunk_ids", 'Expected a list of items but got type "str".'),
        ({"chunk_ids": ["a", ""]}, "blank", "chunk_ids__1", "This field may not be blank."),
        ({"release_id": ""}, "blank", "release_id", "This field may not be blank."),
        (
            {"symbol_sets": [{"chunk_id": "a", "content_hash": ""}]},
            "{'content_hash': ['blank']}",
            "symbol_sets",
            "{'content_hash': [ErrorDetail(string='This field may not be blank.', code='blank')]}",
        ),
        ({"force": "maybe"}, "invalid_input", "force", "Must be a valid boolean."),
        ([], "invalid_input", None, "Invalid data. Expected a dictionary, but got list."),
    ],
)
def test_shapes_that_start_refuses(
    unchanged: SandboxProcess, body: Any, code: str, attr: str | None, detail: str
) -> None:
    answer = unchanged.api("POST", "symbol_sets/bulk_start_upload/", body)

    expected = {"type": "validation_error", "code": code, "detail": detail, "attr": attr}
    assert (answer.status_code, answer.json()) == (400, expected)


def test_finish_confirms_all_or_nothing(sandbox: SandboxProcess) -> None:
    ready = start(sandbox, {"chunk_id": "ready"}).json()["id_map"]["ready"]
    send(ready, b"bytes")

    for hashes, code in (
        ({ready["symbol_set_id"]: "h", PENDING: "h"}, "file_not_found"),
        ({ready["symbol_set_id"]: "h", UNKNOWN: "h"}, "symbol_set_not_found"),
    ):
        refused = finish(sandbox, hashes)
        assert (refused.status_code, refused.json()["code"]) == (400, code)
        assert start(sandbox, {"chunk_id": "ready", "content_hash": "h"}).json()["id_map"], "still pending"
    assert "pending" in refs(sandbox)


@pytest.mark.parametrize(("name", "symbol_set"), [("huge", HUGE), ("empty", EMPTY)])
def test_finish_deletes_a_file_of_a_wrong_size(sandbox: SandboxProcess, name: str, symbol_set: str) -> None:
    refused = finish(sandbox, {symbol_set: "h"})

    assert refused.json()["code"] == "file_too_large"
    assert refused.json()["detail"] == "The uploaded symbol set file was too large."
    assert name not in refs(sandbox)
    assert finish(sandbox, {symbol_set: "h"}).json()["code"] == "symbol_set_not_found"


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({}, 201, {"success": True}),
        ({"content_hashes": {}}, 201, {"success": True}),
        ({"content_hashes": None}, 400, {"detail": "content_hashes are required"}),
    ],
)
def test_finish_of_nothing(unchanged: SandboxProcess, body: Any, status: int, answer: Any) -> None:
    done = unchanged.api("POST", "symbol_sets/bulk_finish_upload/", body)

    assert (done.status_code, done.json()) == (status, answer)


@pytest.mark.parametrize("hashes", [{"x": "h"}, ["x"]])
def test_finish_fails_on_what_is_no_uuid(unchanged: SandboxProcess, hashes: Any) -> None:
    assert finish(unchanged, hashes).status_code == 500


def test_download(unchanged: SandboxProcess) -> None:
    missing = unchanged.api("GET", f"symbol_sets/{MISSING}/download/")
    assert (missing.status_code, missing.json()) == (404, {"detail": "Symbol set has no uploaded file."})
    assert unchanged.api("GET", f"symbol_sets/{UNKNOWN}/download/").json()["detail"] == "Not found."


@pytest.mark.parametrize(
    ("body", "status", "answer"),
    [
        ({"ids": [COMPLETE, COMPLETE, UNKNOWN]}, 200, {"deleted": 1}),
        ({"ids": [UNKNOWN]}, 200, {"deleted": 0}),
        ({}, 400, {"detail": "ids is required"}),
        ({"ids": []}, 400, {"detail": "ids is required"}),
        ({"ids": "x"}, 400, {"detail": "ids must be a list"}),
    ],
)
def test_bulk_delete(sandbox: SandboxProcess, body: Any, status: int, answer: Any) -> None:
    done = sandbox.api("POST", "symbol_sets/bulk_delete/", body)

    assert (done.status_code, done.json()) == (status, answer)
    assert ("complete" in refs(sandbox)) == (answer != {"deleted": 1})


def test_bulk_delete_fails_on_what_is_no_uuid_and_deletes_nothing(sandbox: SandboxProcess) -> None:
    assert sandbox.api("POST", "symbol_sets/bulk_delete/", {"ids": [COMPLETE, "x"]}).status_code == 500
    assert "complete" in refs(sandbox)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status=invalid", ["https://cdn.example/a.js"]),
        ("ref=complete", ["complete"]),
        ("search=BOUND", ["bound"]),
        ("search=1.4.2", ["bound"]),
        ("search=9FCEB", ["bound"]),
        ("order_by=-ref&limit=2", ["pending", "huge"]),
        ("order_by=-last_used&limit=1", ["bound"]),
        ("limit=1", ["pending"]),
    ],
)
def test_list(unchanged: SandboxProcess, query: str, expected: list[str]) -> None:
    assert refs(unchanged, query) == expected


@pytest.mark.parametrize(
    ("query", "code", "attr"),
    [
        ("status=maybe", "invalid_choice", "status"),
        ("order_by=size", "invalid_choice", "order_by"),
        ("ref=", "blank", "ref"),
        ("search=", "blank", "search"),
    ],
)
def test_list_refuses(unchanged: SandboxProcess, query: str, code: str, attr: str) -> None:
    answer = unchanged.api("GET", f"symbol_sets/?{query}")

    assert (answer.status_code, answer.json()["code"], answer.json()["attr"]) == (400, code, attr)


def test_sets_that_are_equal_in_the_order_come_by_id() -> None:
    rows = [{"id": one, "ref": one, "created_at": "2026-08-01T00:00:00Z"} for one in (MISSING, COMPLETE, PENDING)]
    with SandboxProcess({"projects": [{"id": 1}], "keys": [{"value": FULL}], "symbol_sets": rows}) as sandbox:
        found = sandbox.api("GET", "symbol_sets/?order_by=created_at").json()["results"]

    assert [one["id"] for one in found] == [COMPLETE, PENDING, MISSING]


def test_list_without_a_count_and_at_most_a_hundred() -> None:
    seed = SEED | {"symbol_sets": [{"ref": f"chunk {n}"} for n in range(120)]}
    with SandboxProcess(seed) as sandbox:
        page = sandbox.api("GET", "symbol_sets/?limit=500&include_count=false").json()

    assert (page["count"], len(page["results"])) == (None, 100)


def test_single_calls(sandbox: SandboxProcess) -> None:
    shown = sandbox.api("GET", f"symbol_sets/{COMPLETE}/").json()
    assert sandbox.api("PATCH", f"symbol_sets/{COMPLETE}/", {"ref": "x"}).json() == shown
    url = sandbox.api("GET", f"symbol_sets/{COMPLETE}/download/").json()["url"]
    assert sandbox.api("DELETE", f"symbol_sets/{COMPLETE}/").status_code == 204
    assert sandbox.api("GET", f"symbol_sets/{COMPLETE}/").status_code == 404
    assert httpx.get(url).status_code == 404
    required = sandbox.api("PUT", f"symbol_sets/{PENDING}/finish_upload", {})
    assert required.json()["code"] == "content_hash_required"


def test_deprecated_uploads(sandbox: SandboxProcess) -> None:
    assert sandbox.api("POST", "symbol_sets/start_upload").json() == {"detail": "chunk_id query parameter is required"}
    started = sandbox.api("POST", "symbol_sets/start_upload?chunk_id=one").json()
    assert send(started, b"bytes").status_code == 204
    done = sandbox.api("PUT", f"symbol_sets/{started['symbol_set_id']}/finish_upload", {"content_hash": "h"})
    assert done.json() == {"success": True}
    raw: dict[str, Any] = {"headers": {"Content-Type": "application/octet-stream"}, "content": b"raw"}
    assert sandbox.api("POST", "symbol_sets?chunk_id=two", **raw).json() == {"ok": True}
    parts: dict[str, Any] = {"files": {"file": ("f", b"in a form")}}
    assert sandbox.api("POST", "symbol_sets?chunk_id=three&multipart=true", **parts).status_code == 201
    stored = sandbox.api("GET", "symbol_sets/?ref=three").json()["results"][0]
    url = sandbox.api("GET", f"symbol_sets/{stored['id']}/download/").json()["url"]
    assert httpx.get(url).content == b"in a form"


def test_bulk_check_creates_nothing(sandbox: SandboxProcess) -> None:
    before = refs(sandbox)
    uploads = [{"chunk_id": "new"}, {"chunk_id": "complete", "content_hash": "old"}, {"chunk_id": "pending"}]

    answer = sandbox.api("POST", "symbol_sets/bulk_check_upload", {"symbol_sets": uploads})

    assert (answer.status_code, answer.json()) == (200, {"chunk_ids_to_upload": ["new", "pending"]})
    joins = [{"chunk_id": "complete", "content_hash": "old", "release_id": RELEASE}]  # it has none yet
    answer = sandbox.api("POST", "symbol_sets/bulk_check_upload", {"symbol_sets": joins})
    assert answer.json() == {"chunk_ids_to_upload": ["complete"]}
    assert refs(sandbox) == before
    many = [{"chunk_id": str(n)} for n in range(1001)]
    refused = sandbox.api("POST", "symbol_sets/bulk_check_upload", {"symbol_sets": many})
    assert (refused.json()["code"], refused.json()["attr"]) == ("max_length", "symbol_sets")


def test_older_servers_and_symbol_sets() -> None:
    with SandboxProcess(SEED, "--age", "2025") as sandbox:
        assert sandbox.api("GET", f"symbol_sets/{COMPLETE}/download/").json()["detail"] == "Endpoint not found."
        assert sandbox.api("POST", "symbol_sets/bulk_delete/", {"ids": [COMPLETE]}).status_code == 403
        refused = start(sandbox, {"chunk_id": "complete", "content_hash": "new"}, force=True)
        assert refused.json()["detail"] == "Symbol set complete already exists, with different content."
        assert "presigned_put_url" not in start(sandbox, {"chunk_id": "a", "content_length": 3}).json()["id_map"]["a"]
        assert finish(sandbox, {UNKNOWN: "h"}).status_code == 201
        assert finish(sandbox, {PENDING: "h", COMPLETE: "h"}).json()["code"] == "file_not_found"
        assert not {"pending", "complete"} & set(refs(sandbox))
        shown = sandbox.api("GET", f"symbol_sets/{BOUND}/").json()
        assert list(shown) == ["id", "ref", "team_id", "created_at", "storage_ptr", "failure_reason"]
        assert sandbox.api("GET", "symbol_sets/?status=maybe&search=nothing&limit=1").json()["count"] > 1
