"""Releases (contract 6.7) and stack frames (contract 6.8)."""

from typing import Any

import pytest

from tests.sandbox.answers import (
    NO_KEY,
    NO_READ,
    NO_WRITE,
    SERVER_ERROR,
    UNKNOWN,
    Answer,
    ask,
    invalid,
    not_found,
)
from tests.sandbox_process import READ_ONLY, SandboxProcess

FIELDS = ["created_at", "hash_id", "id", "metadata", "project", "team_id", "version"]


def test_a_release_from_its_creation_to_its_end(fresh: SandboxProcess) -> None:
    status, release = ask(fresh, "POST releases/", {"version": "2", "project": "shop", "hash_id": "abc"})

    assert (status, sorted(release)) == (201, FIELDS)
    assert (release["team_id"], release["metadata"], release["hash_id"]) == (1, None, "abc")
    own = ask(fresh, "POST releases/", {"version": "3", "project": "shop", "metadata": {"git": {}}})[1]
    assert (own["hash_id"], own["metadata"]) == (own["id"], {"git": {}})
    assert ask(fresh, "GET releases/hash/abc/") == (200, release)
    assert ask(fresh, f"GET releases/{release['id']}/") == (200, release)
    for method, change in (("PATCH", {"version": "2.1"}), ("PUT", {"metadata": {"a": 1}, "hash_id": "def"})):
        assert ask(fresh, f"{method} releases/{release['id']}/", change | {"project": None}) == (204, None)
        release |= change
        assert ask(fresh, f"GET releases/{release['id']}/") == (200, release)
    assert ask(fresh, "GET releases/hash/abc/") == not_found()
    assert ask(fresh, f"DELETE releases/{release['id']}/") == (204, None)
    assert ask(fresh, f"DELETE releases/{release['id']}/") == not_found()


def test_releases_are_listed_newest_first(running: SandboxProcess) -> None:
    page = running.api("GET", "releases/?limit=3").json()

    assert (page["count"], [one["version"] for one in page["results"]]) == (4, ["1.5.0", "2026.47.1", "1.4.2"])
    assert page["results"][0]["metadata"]["git"]["branch"] == "main"


def test_a_release_takes_its_symbol_sets_along() -> None:
    release = UNKNOWN
    seed = {
        "projects": [{"id": 1}],
        "releases": [{"id": release, "version": "1"}],
        "symbol_sets": [{"ref": "bound", "release": release}, {"ref": "free"}],
    }
    with SandboxProcess(seed) as sandbox:
        assert ask(sandbox, f"DELETE releases/{release}/") == (204, None)
        assert [one["ref"] for one in sandbox.api("GET", "symbol_sets/").json()["results"]] == ["free"]


GOOD = {"version": "1", "project": "shop"}


@pytest.mark.parametrize(
    ("request_", "body", "key", "answer"),
    [
        ("POST releases/", {"project": "shop"}, None, invalid("invalid_input", "Version is required")),
        ("POST releases/", {"version": "1"}, None, invalid("invalid_input", "Project is required")),
        (
            "POST releases/",
            {**GOOD, "hash_id": "x" * 129},
            None,
            invalid("invalid_input", "Hash id length cannot exceed 128 bytes"),
        ),
        (
            "POST releases/",
            {**GOOD, "hash_id": "01936f2e-7a51-7000-8000-0000000000a1"},
            None,
            invalid("release_hash_in_use", "Hash id 01936f2e-7a51-7000-8000-0000000000a1 already in use"),
        ),
        ("GET releases/no-uuid/", None, None, SERVER_ERROR),
        (f"GET releases/{UNKNOWN}/", None, None, not_found()),
        (f"PATCH releases/{UNKNOWN}/", {}, None, not_found()),
        ("GET releases/hash/none/", None, None, not_found()),
        ("POST releases/", GOOD, READ_ONLY, NO_WRITE),
        (f"DELETE releases/{UNKNOWN}/", None, READ_ONLY, NO_WRITE),
        ("GET releases/", None, "phx_sandbox_nothing_key", NO_READ),
        ("GET stack_frames/no-uuid/", None, None, SERVER_ERROR),
        (f"GET stack_frames/{UNKNOWN}/", None, None, not_found()),
        (f"DELETE stack_frames/{UNKNOWN}/", None, None, NO_KEY),
        ("POST stack_frames/batch_get/", {}, "phx_sandbox_nothing_key", NO_READ),
    ],
)
def test_what_is_refused(running: SandboxProcess, request_: str, body: Any, key: str | None, answer: Answer) -> None:
    assert ask(running, request_, body, key=key) == answer
    assert running.api("GET", "releases/").json()["count"] == 4


def test_frames() -> None:
    symbol_set, release = UNKNOWN, "01936f2e-7a51-7000-8000-0000000000a1"
    seed = {
        "projects": [{"id": 1}],
        "releases": [{"id": release, "version": "1.4.2"}],
        "symbol_sets": [{"id": symbol_set, "ref": "chunk"}],
        "stack_frames": [
            {"raw_id": "a", "symbol_set_ref": "chunk"},
            {"raw_id": "b/1", "release": release, "resolved": True, "contents": {"line": 7}},
        ],
    }
    with SandboxProcess(seed) as sandbox:
        one, two = sandbox.api("GET", "stack_frames/").json()["results"]
        assert list(two) == [
            *("id", "raw_id", "created_at", "contents", "resolved", "context", "symbol_set_ref", "release"),
        ]
        assert (two["raw_id"], two["contents"], two["release"]["version"]) == ("b/1", {"line": 7}, "1.4.2")
        assert ask(sandbox, f"GET stack_frames/{one['id']}/") == (200, one)

        def get(body: Any) -> Answer:
            return ask(sandbox, "POST stack_frames/batch_get/", body)

        assert get({"raw_ids": ["a", "c/0"]}) == (200, {"results": [one]})
        assert get({"raw_ids": ["b"]}) == (200, {"results": []})
        assert get({"symbol_set": symbol_set}) == (200, {"results": [one]})
        assert get({"raw_ids": ["b/1"], "symbol_set": symbol_set}) == (200, {"results": []})
        assert get({}) == get(None) == (200, {"results": [one, two]})


def test_the_frames_of_the_default_project_name_the_symbol_sets_they_lack(running: SandboxProcess) -> None:
    frames = running.api("GET", "stack_frames/?limit=500").json()["results"]
    ref = "0192f3a0-5c1e-7000-8000-9a4be1d7c3e9"
    held = [frame for frame in frames if frame["symbol_set_ref"] == ref]
    (missing,) = running.api("GET", f"symbol_sets/?ref={ref}").json()["results"]

    assert [frame["contents"]["column"] for frame in held] == [640021, 902117, 1183302]  # outermost first
    for frame in held:
        assert frame["resolved"] is False
        assert frame["contents"]["raw_id"] == frame["raw_id"]
        assert frame["contents"]["resolve_failure"] == f"No sourcemap uploaded for chunk id: {ref}"
    assert (missing["has_uploaded_file"], missing["failure_reason"]) == (
        False,
        "no Hermes map was uploaded for this chunk",
    )


def test_a_record_counts_as_the_map_does_and_its_context_from_one(running: SandboxProcess) -> None:
    frames = running.api("GET", "stack_frames/?limit=500").json()["results"]
    (frame,) = [one for one in frames if one["contents"].get("resolved_name") == "levels"]

    assert (frame["contents"]["line"], frame["contents"]["column"]) == (51, 23)
    assert frame["context"]["line"]["number"] == 52
    hash_, _, part = frame["raw_id"].partition("/")
    assert (len(hash_), part) == (128, "0")
