"""Symbol sets, the releases they belong to, and the stack frames they resolve."""

from tests.server.cases.case import (
    CHUNK,
    COMPLETE,
    FRAME,
    MISSING,
    OLD_RELEASE,
    PENDING,
    RELEASE,
    UNKNOWN,
    Case,
    Refusal,
)


def _upload(chunk: str, content_hash: str) -> dict[str, str]:
    return {"chunk_id": chunk, "content_hash": content_hash}


CASES = [
    Case(
        "error-tracking-symbol-sets-list",
        {"status": "invalid"},
        ("GET symbol_sets/",),
        {"count": 1, "results.0.id": MISSING, "results.0.failure_reason": "404"},
        ("1 of 1", "app"),
    ),
    Case(
        "error-tracking-symbol-sets-list",
        {"ref": CHUNK},
        ("GET symbol_sets/",),
        {"count": 1, "results.0.id": COMPLETE, "results.0.release.version": "1.4.2"},
    ),
    Case(
        "error-tracking-symbol-sets-retrieve",
        {"id": COMPLETE},
        (f"GET symbol_sets/{COMPLETE}/",),
        {"id": COMPLETE, "ref": CHUNK, "has_uploaded_file": True, "release.id": RELEASE},
    ),
    Case(
        "error-tracking-symbol-sets-destroy",
        {"id": COMPLETE},
        (f"GET symbol_sets/{COMPLETE}/", f"DELETE symbol_sets/{COMPLETE}/"),
        {"deleted.id": COMPLETE, "deleted.ref": CHUNK},
    ),
    Case(
        "error-tracking-symbol-sets-download-retrieve",
        {"id": COMPLETE},
        (f"GET symbol_sets/{COMPLETE}/download/",),
        {},
        ("url: http", "Note: Fetch it without an Authorization header."),
    ),
    Case(
        "error-tracking-symbol-sets-bulk-delete",
        {"ids": [COMPLETE, UNKNOWN]},
        ("POST symbol_sets/bulk_delete/",),
        {"deleted": 1, "not_found": 1},
        ("Note: 1 of 2 ids did not exist in this project.",),
        {"ids": [COMPLETE, UNKNOWN]},
    ),
    Case(
        "error-tracking-symbol-sets-bulk-start-upload",
        {"symbol_sets": [_upload("fresh", "h"), _upload(CHUNK, "old")]},
        ("POST symbol_sets/bulk_start_upload/",),
        {"skipped": [CHUNK]},
        ("Note: skipped: PostHog wants no upload for these chunks",),
        {"symbol_sets": [_upload("fresh", "h"), _upload(CHUNK, "old")]},
    ),
    Case(
        "error-tracking-symbol-sets-bulk-finish-upload",
        {"content_hashes": {PENDING: "h"}},
        ("POST symbol_sets/bulk_finish_upload/",),
        {"success": True, "confirmed": [PENDING]},
        body={"content_hashes": {PENDING: "h"}},
    ),
    Case(
        "error-tracking-symbol-sets-finish-upload-update",
        {"id": PENDING, "content_hash": "h"},
        (f"PUT symbol_sets/{PENDING}/finish_upload/",),
        {"success": True},
        body={"content_hash": "h"},
    ),
    Case(
        "error-tracking-symbol-sets-bulk-check-upload",
        {"symbol_sets": [_upload("fresh", "h"), _upload(CHUNK, "old")]},
        ("POST symbol_sets/bulk_check_upload/",),
        {"chunk_ids_to_upload": ["fresh"]},
        ("fresh",),
    ),
    Case(
        "error-tracking-releases-list",
        {"limit": 1},
        ("GET releases/",),
        {"count": 2, "next_offset": 1, "results.0.id": RELEASE, "results.0.version": "1.4.2"},
        ("1 of 2; next page: offset 1",),
    ),
    Case(
        "error-tracking-releases-create",
        {"version": "2.0.0", "project": "shop", "hash_id": "fresh", "metadata": {"git": {"branch": "main"}}},
        ("POST releases/",),
        {"version": "2.0.0", "project": "shop", "hash_id": "fresh", "metadata": {"git": {"branch": "main"}}},
        body={"version": "2.0.0", "project": "shop", "hash_id": "fresh", "metadata": {"git": {"branch": "main"}}},
    ),
    Case("error-tracking-releases-retrieve", {"id": RELEASE}, (f"GET releases/{RELEASE}/",), {"version": "1.4.2"}),
    Case(
        "error-tracking-releases-hash-retrieve",
        {"hash_id": "older"},
        ("GET releases/hash/older/",),
        {"id": OLD_RELEASE},
    ),
    Case(
        "error-tracking-releases-partial-update",
        {"id": RELEASE, "version": "1.4.3"},
        (f"PATCH releases/{RELEASE}/", f"GET releases/{RELEASE}/"),
        {"id": RELEASE, "version": "1.4.3", "hash_id": "newest"},
        body={"version": "1.4.3"},
    ),
    Case(
        "error-tracking-releases-destroy",
        {"id": RELEASE},
        (f"GET releases/{RELEASE}/", f"DELETE releases/{RELEASE}/"),
        {"deleted.id": RELEASE, "deleted.version": "1.4.2"},
    ),
    Case("error-tracking-stack-frames-list", {"limit": 1}, ("GET stack_frames/",), {"next_offset": 1}, ("1 of ",)),
    Case(
        "error-tracking-stack-frames-retrieve",
        {"id": FRAME},
        (f"GET stack_frames/{FRAME}/",),
        {"id": FRAME, "raw_id": "aa/0", "contents.source": "a.ts"},
        ("a.ts",),
    ),
    Case(
        "error-tracking-stack-frames-batch-get-create",
        {"raw_ids": ["bb", "aa/0", "none"]},
        ("POST stack_frames/batch_get/",),
        {"results.0.raw_id": "aa/0", "results.1.raw_id": "bb/0"},
        ("aa/0", "bb/0"),
        {"raw_ids": ["bb", "aa/0", "none"]},
    ),
]

REFUSALS = [
    Refusal(
        "error-tracking-symbol-sets-retrieve",
        {"id": CHUNK},
        f"{CHUNK} is the chunk id of a symbol set; that set's id is {COMPLETE}.",
        (f"GET symbol_sets/{CHUNK}/ 404", "GET symbol_sets/ 200"),
    ),
    Refusal(
        "error-tracking-symbol-sets-finish-upload-update",
        {"id": MISSING, "content_hash": "h"},
        "Upload every file to its URL",
        (f"PUT symbol_sets/{MISSING}/finish_upload/ 400",),
    ),
    Refusal("error-tracking-symbol-sets-list", {"order_by": "size"}, '- order_by: "size" is not'),
    Refusal(
        "error-tracking-symbol-sets-bulk-check-upload",
        {"symbol_sets": [_upload(CHUNK, "new")]},
        "already exists with different content",
        ("POST symbol_sets/bulk_check_upload/ 400",),
    ),
    Refusal(
        "error-tracking-releases-create",
        {"version": "1", "project": "p", "hash_id": "older"},
        "Nothing was created: find that one with error-tracking-releases-hash-retrieve.",
        ("POST releases/ 400",),
    ),
    Refusal("error-tracking-releases-create", {"version": "1"}, "- project: required, but missing"),
    Refusal(
        "error-tracking-releases-hash-retrieve",
        {"hash_id": "none"},
        "List the releases with error-tracking-releases-list.",
        ("GET releases/hash/none/ 404",),
    ),
    Refusal("error-tracking-stack-frames-batch-get-create", {"raw_ids": []}, "- raw_ids: "),
]
