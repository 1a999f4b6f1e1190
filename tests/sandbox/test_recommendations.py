"""Recommendations (contract 6.12)."""

from typing import Any

from tests.sandbox.answers import NO_READ, NO_WRITE, SERVER_ERROR, UNKNOWN, ask, not_found
from tests.sandbox_process import READ_ONLY, SandboxProcess

FIELDS = ["id", "type", "meta", "completed", "status", "computed_at", "dismissed_at", "created_at", "updated_at"]


def by_type(sandbox: SandboxProcess, query: str = "?poll=true") -> dict[str, dict[str, Any]]:
    return {one["type"]: one for one in sandbox.api("GET", f"recommendations/{query}").json()["results"]}


def test_list(running: SandboxProcess) -> None:
    page = running.api("GET", "recommendations/?poll=true&limit=2&offset=1").json()

    assert (page["count"], [one["type"] for one in page["results"]]) == (4, ["long_running_issues", "rate_limits"])
    assert list(page["results"][0]) == FIELDS
    assert by_type(running)["source_maps"]["meta"] == {"sample_size": 200, "unresolved_pct": 31.5, "threshold_pct": 20}


def test_a_list_starts_the_computing_unless_it_polls(fresh: SandboxProcess) -> None:
    assert by_type(fresh)["long_running_issues"]["status"] == "ready"
    assert by_type(fresh, "")["long_running_issues"]["status"] == "computing"
    by_type(fresh)
    done = by_type(fresh)["long_running_issues"]
    assert done["status"] == "ready"
    assert done["computed_at"] is not None


def test_the_first_list_creates_one_of_each_type() -> None:
    with SandboxProcess({"projects": [{"id": 1}]}) as sandbox:
        assert by_type(sandbox) == {}
        assert list(by_type(sandbox, "")) == [
            *("alerts", "long_running_issues", "quiet_issues", "rate_limits", "source_maps"),
        ]
        assert len(by_type(sandbox)) == 5


def test_refresh_dismiss_and_restore(fresh: SandboxProcess) -> None:
    before = by_type(fresh)["alerts"]
    path = f"POST recommendations/{before['id']}"

    status, dismissed = ask(fresh, f"{path}/dismiss/", {})
    assert status == 200
    assert before["updated_at"] < dismissed["dismissed_at"] <= dismissed["updated_at"]
    assert by_type(fresh)["alerts"] == dismissed
    status, restored = ask(fresh, f"{path}/restore/", {})
    assert (status, restored) == (200, before | {"updated_at": restored["updated_at"]})
    status, refreshed = ask(fresh, f"{path}/refresh/?force=true", {})
    assert (status, refreshed["status"]) == (200, "computing")
    done = by_type(fresh)["source_maps"]
    status, left_alone = ask(fresh, f"POST recommendations/{done['id']}/refresh/?force=false", {})
    assert (status, left_alone["status"], left_alone["computed_at"]) == (200, "ready", done["computed_at"])


def test_one_that_is_being_computed() -> None:
    seed = {"projects": [{"id": 1}], "recommendations": [{"type": "alerts", "status": "computing"}, {"type": "other"}]}
    with SandboxProcess(seed) as sandbox:
        first, then = by_type(sandbox), by_type(sandbox)

        assert [(one["status"], one["computed_at"]) for one in first.values()] == [("computing", None), ("ready", None)]
        assert (then["alerts"]["status"], then["alerts"]["computed_at"] is None) == ("ready", False)


def test_what_is_refused(running: SandboxProcess) -> None:
    for verb in ("refresh", "dismiss", "restore"):
        assert ask(running, f"POST recommendations/{UNKNOWN}/{verb}/", {}) == not_found()
        assert ask(running, f"POST recommendations/no-uuid/{verb}/", {}) == SERVER_ERROR
        assert ask(running, f"POST recommendations/{UNKNOWN}/{verb}/", {}, key=READ_ONLY) == NO_WRITE
    assert ask(running, "GET recommendations/", key="phx_sandbox_nothing_key") == NO_READ


def test_a_refresh_that_cannot_start() -> None:
    seed = {
        "projects": [{"id": 1}],
        "server": {"features": {"refresh_fails": True}},
        "recommendations": [{"type": "alerts"}, {"type": "from_the_future"}],
    }
    with SandboxProcess(seed) as sandbox:
        known, unknown = by_type(sandbox).values()
        busy = {"detail": "Couldn't start the refresh right now. Please try again in a moment."}
        assert ask(sandbox, f"POST recommendations/{known['id']}/refresh/", {}) == (503, busy)
        refused = ask(sandbox, f"POST recommendations/{unknown['id']}/refresh/", {})
        assert refused == (400, {"detail": "Unknown recommendation type."})
