"""The default project: the same at each start, and worth exploring."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from mcp_errortracking.sandbox.objects import Objects
from mcp_errortracking.sandbox.planting import plant
from mcp_errortracking.sandbox.seed import Seed, SeedError, read_seed
from mcp_errortracking.sandbox.store import Store
from tests.sandbox.conftest import DEFAULT, NOW
from tests.sandbox_process import SandboxProcess

KINDS = ("issue", "event", "exception", "fingerprint", "stack_frame", "symbol_set", "release", "spike", "hog_function")


def planted(folder: Any, seed: dict[str, Any] = DEFAULT) -> Store:
    store = Store()
    plant(Seed.model_validate(seed), store, Objects(folder, "secret"))
    return store


def test_it_is_the_same_each_time(tmp_path: Any) -> None:
    one, other = planted(tmp_path / "one"), planted(tmp_path / "other")

    for kind in KINDS:
        assert one.all(kind) == other.all(kind)
        assert one.all(kind)
    one.close()
    other.close()


def test_only_the_times_move_with_the_clock(tmp_path: Any) -> None:
    later = {**DEFAULT, "server": {"now": "2026-11-21T12:00:00Z"}}
    one, other = planted(tmp_path / "one"), planted(tmp_path / "other", later)

    for before, after in zip(one.all("event"), other.all("event"), strict=True):
        moved = datetime.fromisoformat(before.pop("timestamp")) + timedelta(days=1)
        assert datetime.fromisoformat(after.pop("timestamp")) == moved
        for one_event in (before, after):
            for release in one_event["properties"].get("$exception_releases", {}).values():
                release.pop("timestamp")
        assert before == after
    one.close()
    other.close()


def test_it_is_worth_exploring(tmp_path: Any) -> None:
    store = planted(tmp_path)
    issues, events = store.all("issue", 1), store.all("event", 1)
    exceptions = store.all("exception", 1)

    assert len(issues) >= 24
    assert len(events) > 3000
    assert len({one["properties"]["$lib"] for one in exceptions}) >= 8
    assert {one["status"] for one in issues} == {"active", "resolved", "suppressed", "archived", "pending_release"}
    assert {one["severity"] for one in issues} == {None, "low", "medium", "high", "critical"}
    assert all(
        0 <= (datetime.fromisoformat(NOW) - datetime.fromisoformat(one["timestamp"])).days <= 30 for one in events
    )
    assert sum(len(one["list"]) > 1 for one in exceptions) >= 4
    frames = [frame for one in exceptions for link in one["list"] for frame in link["stacktrace"]["frames"]]
    assert any("code_variables" in frame for frame in frames)
    assert {frame["resolved"] for frame in frames} == {True, False}
    missing = {one["ref"] for one in store.all("symbol_set", 1) if one["storage_ptr"] is None}
    unresolved = {one["symbol_set_ref"] for one in store.all("stack_frame", 1) if not one["resolved"]}
    assert unresolved == missing
    for kind in ("assignment", "grouping", "suppression", "bypass", "severity"):
        assert len(store.all(f"{kind}_rule", 1)) >= 2
    # The release that caused the spike came just before it.
    spike = max(store.all("spike", 1), key=lambda one: one["detected_at"])
    release = next(one for one in store.all("release", 1) if one["version"] == "1.5.0")
    assert release["created_at"] < spike["detected_at"]
    own = [one for one in events if one["origin"] == spike["issue"]["id"]]
    assert {next(iter(one["properties"]["$exception_releases"].values()))["version"] for one in own} == {"1.5.0"}
    store.close()


def test_it_has_every_form_of_a_stack(tmp_path: Any) -> None:
    """Those that the contract names, in its section 7."""
    store = planted(tmp_path)
    events, exceptions = store.all("event", 1), store.all("exception", 1)
    libraries = {one["id"]: one["properties"]["$lib"] for one in exceptions}
    libraries |= {one["origin"]: one["properties"].get("$lib", libraries[one["origin"]]) for one in events}
    stacks = [
        (libraries[one["id"]], [link["stacktrace"]["frames"] for link in one["list"]])
        for one in exceptions
        if one["id"] in {event["origin"] for event in events}
    ]

    def has(library: str, **fields: Any) -> bool:
        """True if an SDK sent a frame with these fields; None: it lacks the field."""
        frames = [frame for sdk, links in stacks if sdk == library for link in links for frame in link]
        return any(all(frame.get(name) == value for name, value in fields.items()) for frame in frames)

    no_map = "No sourcemap uploaded for chunk id: 0192f3a0-5c1e-7000-8000-9a4be1d7c3"
    mapped = {"resolved": True, "resolve_failure": None}
    assert has("web", line=0, **mapped)
    assert has("web", column=0, **mapped)
    assert has("web", source="/assets/widget-71c2.js", resolve_failure=f"{no_map}f7", resolved=False)
    assert has("posthog-node", source="/app/dist/server.js", column=None, **mapped)
    assert has("posthog-node", source=None, resolve_failure=f"{no_map}f7", resolved=True)
    assert has("posthog-react-native", source="src/App.tsx", line=29, column=12, **mapped)
    assert has("posthog-react-native", source="src/theme.ts", line=None, column=None, **mapped)
    assert has("posthog-react-native", resolve_failure=f"{no_map}e9", column=1183302)
    assert has("posthog-react-native", resolve_failure=f"No token for column 771204 on chunk {no_map[-34:]}e9")
    assert has("posthog-python", source="shop/tree.py", line=29, column=None, lang="python")
    assert any(len(links) > 1 and links[0] == links[1] != [] for _, links in stacks)
    assert max(len(link) for _, links in stacks for link in links) == 60
    kept = {event["properties"]["$exception_fingerprint"] for event in events}
    assert [one["issue_id"] for one in store.all("fingerprint", 1) if one["fingerprint"] not in kept] != []
    assert any(
        {"$exception_release"} == {"$exception_release", "$exception_releases"} & {*one["properties"]} for one in events
    )
    store.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"issues": [{}], "external_references": [{"issue": 0, "integration": 1, "title": "x"}]},
            "external_references[0].integration",
        ),
        ({"external_references": [{"issue": 0, "integration": 1, "title": "x"}]}, "external_references[0].issue"),
        ({"integrations": [{"id": 1, "kind": "jira", "project": 2}]}, "integrations[0].project: 2 does not exist"),
        ({"cohorts": [{"id": 1, "name": "x", "project": 2}]}, "cohorts[0].project: 2 does not exist"),
        ({"settings": [{"project": 2}]}, "settings[0].project: 2 does not exist"),
        ({"activity": [{"issue": 0, "activity": "updated"}]}, "activity[0].issue: 0 does not exist"),
        (
            {"issues": [{}], "activity": [{"issue": 0, "activity": "updated", "user": 9}]},
            "activity[0].user: 9 does not exist",
        ),
        (
            {
                "integrations": [{"id": 7, "kind": "github"}],
                "tracked_issues": [{"integration": 7, "title": "x", "number": 12}] * 2,
            },
            "tracked_issues[1].number: web has 12 already",
        ),
        ({"spikes": [{"issue": 3}]}, "spikes[0].issue: 3 does not exist"),
        ({"issues": [{"fingerprints": ["a"], "events": {"count": 1, "releases": ["9"]}}]}, "release 9 does not exist"),
        ({"issues": [{"events": {"count": 1}}]}, "issues[0].events"),
        ({"tracked_issues": [{"integration": 1, "title": "x"}]}, "tracked_issues[0].integration"),
        ({"events": [{"fingerprint": "a"}]}, "events[0].fingerprint: fingerprint a does not exist"),
        (
            {"issues": [{"fingerprints": ["a"]}], "events": [{"fingerprint": "a", "releases": ["9"]}]},
            "events[0].releases: release 9 does not exist",
        ),
        ({"events": [{"fingerprint": "a", "project": 2}]}, "events[0].project: 2 does not exist"),
    ],
)
def test_what_refers_to_nothing_is_named(tmp_path: Any, change: dict[str, Any], message: str) -> None:
    seed = read_seed(json.dumps({"projects": [{"id": 1}], **change}))
    store = Store()
    with pytest.raises(SeedError) as caught:
        plant(seed, store, Objects(tmp_path, "secret"))
    assert message in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"events": [{"timestamp": "-1d"}]}, "events[0].fingerprint: Field required"),
        (
            {"events": [{"fingerprint": "a", "timestamp": "yesterday"}]},
            "events[0].timestamp: should be a time in ISO 8601",
        ),
        ({"issues": [{"created_at": "-xd"}]}, "issues[0].created_at: should be a time in ISO 8601"),
        ({"events": [{"fingerprint": "a", "frames": []}]}, "events[0].frames: Extra inputs are not permitted"),
        (
            {"issues": [{"events": {"count": 1, "frames": [{"line": 0}]}}]},
            "issues[0].events.frames[0].line: Input should",
        ),
    ],
)
def test_mistakes_are_named(change: dict[str, Any], message: str) -> None:
    with pytest.raises(SeedError, match=r".") as caught:
        read_seed(json.dumps({"projects": [{"id": 1}], **change}))
    assert message in str(caught.value)


def test_a_reset_plants_again_only_after_a_change() -> None:
    with SandboxProcess({"projects": [{"id": 1}], "issues": [{"name": "E", "first_seen": "-1d"}]}) as sandbox:

        def after_reset() -> dict[str, Any]:
            sandbox.reset()
            (issue,) = sandbox.api("GET", "issues/").json()["results"]
            return issue

        planted = after_reset()
        assert after_reset() == planted
        sandbox.api("PATCH", f"issues/{planted['id']}/", {"name": "changed"}).raise_for_status()
        again = after_reset()

    assert again["name"] == "E"
    assert again["first_seen"] > planted["first_seen"]
