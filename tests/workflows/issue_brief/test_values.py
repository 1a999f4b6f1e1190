"""The values of a brief, each worked out from events that the seed lists one by one, and the commits from git."""

from collections import Counter
from collections.abc import Generator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.issue_brief.repositories import History
from tests.workflows.issue_brief.test_brief import CART, ISSUE, ORDERS, brief, python_seed
from tests.workflows.issue_brief.test_sections import lines_of

pytestmark = pytest.mark.anyio

NOW = datetime.now(UTC)
RANGE = {"date_from": (NOW - timedelta(days=24)).isoformat(), "date_to": NOW.isoformat()}
RELEASES = {"1.0": 22, "1.1": 15, "1.2": 3}
"""Versions, and the days since they were created."""
FRAMES = [
    ("gunicorn/wsgi.py", 9, "handle", False),
    ("shop/orders.py", 7, "place", True),
    ("shop/cart.py", 2, "total", True),
]
"""Outermost first, as PostHog stores them."""
EVENTS = [
    (days, user, session, version)
    for days, user, session, version in [
        *((10.5 - number, "ada", f"s{number}", "1.1") for number in range(4)),
        *((2.4 - number / 4, "bob", "t", "1.2") for number in range(6)),
        *((1.5 - number / 8, "eve", f"u{number % 2}", "1.2") for number in range(5)),
        (13.0, "dan", "v", "1.1"),
    ]
]
"""Days ago, user, session and release of each."""


def at(days: float) -> str:
    return (NOW - timedelta(days=days)).isoformat()


def seed() -> dict[str, Any]:
    raw = [
        {"source": source, "line": line, "resolved_name": name, "in_app": own, "resolved": True, "lang": "python"}
        for source, line, name, own in FRAMES
    ]
    failure = {"type": "KeyError", "value": "'customer'", "stacktrace": {"type": "resolved", "frames": raw}}
    return {
        "projects": [{"id": 1}],
        "keys": [{"value": FULL}],
        "releases": [
            {"version": version, "product": "shop", "created_at": at(days)} for version, days in RELEASES.items()
        ],
        "issues": [
            {
                "id": ISSUE,
                "name": "KeyError",
                "description": "'customer'",
                "severity": "high",
                "first_seen": at(13.0),
                "fingerprints": ["print"],
            }
        ],
        "events": [
            {
                "fingerprint": "print",
                "timestamp": at(days),
                "distinct_id": user,
                "session": session,
                "releases": [version],
                "exceptions": [failure],
            }
            for days, user, session, version in EVENTS
        ],
    }


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess(seed()) as running:
        yield running


async def test_what_it_is(sandbox: SandboxProcess) -> None:
    assert await lines_of(sandbox, "what") == ["KeyError: 'customer'", "active, severity high, assigned to nobody"]


async def test_impact_counts_events_users_and_sessions(sandbox: SandboxProcess) -> None:
    users, sessions = {user for _, user, _, _ in EVENTS}, {session for _, _, session, _ in EVENTS}

    (line,) = await lines_of(sandbox, "impact", dateRange=RANGE)
    (latest,) = await lines_of(sandbox, "impact", dateRange={"date_from": at(2.0), "date_to": NOW.isoformat()})

    assert line == f"{len(EVENTS)} occurrences, {len(users)} users, {len(sessions)} sessions"
    inside = [one for one in EVENTS if one[0] <= 2.0]
    counted = len({user for _, user, _, _ in inside}), len({session for _, _, session, _ in inside})
    assert latest == f"{len(inside)} occurrences, {counted[0]} users, {counted[1]} sessions"


async def test_trend_has_the_events_of_each_twelfth(sandbox: SandboxProcess) -> None:
    times, counts, drawn = await lines_of(sandbox, "trend", dateRange=RANGE)

    parts = Counter(int((24 - days) // 2) for days, *_ in EVENTS)
    oldest, newest = (at(pick(days for days, *_ in EVENTS))[:16] for pick in (max, min))
    assert times == f"first seen {oldest}, last seen {newest}"
    assert counts == f"events over the range in equal parts: {' '.join(str(parts[part]) for part in range(12))}"
    bars = drawn.partition(",")[0]
    assert len(bars) == 12
    assert [bar == "▁" for bar in bars] == [parts[part] == 0 for part in range(12)]
    assert bars.index("█") == max(parts, key=lambda part: parts[part])


async def test_who_and_recordings_are_those_of_the_events(sandbox: SandboxProcess) -> None:
    (who,) = await lines_of(sandbox, "who", dateRange=RANGE)
    recordings = await lines_of(sandbox, "recordings", dateRange=RANGE)

    counts = Counter(user for _, user, _, _ in EVENTS).most_common()
    assert who == f"in the newest {len(EVENTS)} events (a sample): {', '.join(f'{user} {n}' for user, n in counts)}"
    newest = list(dict.fromkeys(session for _, _, session, _ in sorted(EVENTS)))
    assert [line.rpartition("/")[2] for line in recordings[:2]] == newest[:2]


async def test_releases_are_those_of_the_events_and_of_the_first_one(sandbox: SandboxProcess) -> None:
    events, span = await lines_of(sandbox, "releases", dateRange=RANGE)

    counts = Counter(version for *_, version in EVENTS).most_common()
    assert events == f"in the newest {len(EVENTS)} events: {', '.join(f'{version} {n}' for version, n in counts)}"
    first = max(days for days, *_ in EVENTS)
    before = sorted((days, version) for version, days in RELEASES.items() if days >= first)
    made = [f"shop {version} (no commit, {at(days)[:10]})" for days, version in before]
    assert span == f"in use when first seen: {made[0]}; the one before: {made[1]}"


async def test_the_stack_is_that_of_the_newest_event(sandbox: SandboxProcess) -> None:
    head, kind, *frames = await lines_of(sandbox, "stack", dateRange=RANGE)

    assert head.endswith(at(min(days for days, *_ in EVENTS))[:16])
    assert kind.startswith("KeyError: 'customer'")
    shown = [f"{'*' if own else ' '} {name} ({source}:{line})" for source, line, name, own in reversed(FRAMES)]
    assert [line.strip() for line in frames[: len(shown)]] == [line.strip() for line in shown]


async def test_suspects_and_owners_are_those_of_git(tmp_path: Path) -> None:
    history = History(tmp_path / "shop")
    owners = {"shop/orders.py": "@orders", "shop/cart.py": "@carts"}
    rules = "".join(f"/{path} {owner}\n" for path, owner in owners.items())
    old = history.commit("Begin", {"shop/orders.py": ORDERS, "shop/cart.py": CART, "CODEOWNERS": f"* @all\n{rules}"})
    for number, path in enumerate(("README.md", "shop/cart.py", "shop/orders.py", "shop/cart.py")):
        text = (history.folder / path).read_text("utf-8") if number else ""
        history.commit(f"Change {number}", {path: f"{text}# {number}\n"}, author=("Ada", "Grace")[number % 2])
    new = history.git("rev-parse", "HEAD")
    with SandboxProcess(python_seed(new, old)) as running:
        reply = await brief(running, history.folder, sections=["source", "suspects"])

    lines = reply.structured["sections"]["suspects"]
    touching = history.git("log", "--format=%h %an <%ae>: %s", "--abbrev=10", f"{old}..{new}", "--", *owners).split(
        "\n"
    )
    named = [line.split(". ", 1)[1] for line in lines if line[0].isdigit()]
    assert {f"{line[:10]}{line[21:].partition(': touches')[0].partition(', ')[0]}" for line in named} == set(touching)
    assert {line for line in lines if line.startswith("owner")} == {
        f"owner by CODEOWNERS: {owner} ({path})" for path, owner in owners.items()
    }
    source = reply.structured["sections"]["source"]
    for path in owners:
        blamed = history.git("blame", "-l", "-s", "-L", "2,2", "--root", new, "--", path)[:10]
        place = next(index for index, line in enumerate(source) if f"({path}:2)" in line)
        last = next(line for line in source[place:] if "last changed" in line)
        assert last.split()[2] == blamed
