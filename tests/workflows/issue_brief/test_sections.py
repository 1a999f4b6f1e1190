"""The values of a brief's sections, each worked out another way from the sandbox's state."""

from collections import Counter
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.workflows.issue_brief.repositories import History
from tests.workflows.issue_brief.test_brief import CART, ISSUE, ORDERS, brief, commit, python_seed

pytestmark = pytest.mark.anyio

ACME, OTHER = "0193f2a0-0000-7000-8000-0000000000aa", "0193f2a0-0000-7000-8000-0000000000bb"
TWIN, COUSIN, NEIGHBOUR = (f"01936f2e-7a51-7000-8000-00000000020{number}" for number in range(3))
RULES = [f"01936f2e-7a51-7000-8000-00000000030{number}" for number in range(4)]
MESSAGE = "total of the cart is missing for order 4711"


def condition(key: str, operator: str, value: Any) -> dict[str, Any]:
    return {"type": "AND", "values": [{"type": "event", "key": key, "operator": operator, "value": value}]}


def issue(identity: str, name: str, source: str, description: str) -> dict[str, Any]:
    frames = [{"source": source, "line": 2, "function": "total"}]
    events = {"count": 5, "since": 1, "lib": "posthog-python", "lang": "python", "frames": frames}
    return {
        "id": identity,
        "name": name,
        "description": description,
        "created_at": "-1d",
        "fingerprints": [identity],
        "events": events,
    }


def seed() -> dict[str, Any]:
    """A project of an organization that is not the one which the user of the key has open."""
    first = issue(ISSUE, "KeyError", "shop/cart.py", MESSAGE) | {"assignee": {"type": "user", "id": 2}}
    first["events"] |= {"count": 30, "users": 7}
    others = [
        issue(TWIN, "KeyError", "shop/cart.py", MESSAGE.replace("4711", "4712")),
        issue(COUSIN, "KeyError", "shop/cart.py", "x"),
        issue(NEIGHBOUR, "ValueError", "shop/orders.py", MESSAGE),
    ]
    rules = [
        (RULES[0], condition("$exception_types", "exact", ["ValueError"])),
        (RULES[1], condition("$feature", "exact", ["new cart"])),
        (RULES[2], condition("$exception_types", "exact", ["KeyError"])),
        (RULES[3], {"type": "AND", "values": []}),
    ]
    return {
        "organizations": [{"id": OTHER, "name": "Other"}, {"id": ACME, "name": "Acme"}],
        "projects": [{"id": 1, "organization": ACME}, {"id": 2, "organization": OTHER}],
        "users": [
            {"id": 1, "first_name": "Mallory", "email": "mallory@acme.example", "current_project": 2},
            {"id": 2, "first_name": "Grace", "last_name": "Hopper", "email": "grace@acme.example"},
        ],
        "keys": [{"value": FULL}, {"value": READ_ONLY, "scopes": ["error_tracking:read"]}],
        "issues": [first, *others],
        "assignment_rules": [
            {"id": one, "filters": filters, "order_key": place, "assignee": {"type": "user", "id": 2}}
            for place, (one, filters) in enumerate(rules)
        ],
        "grouping_rules": [{"id": "01936f2e-7a51-7000-8000-000000000400", "filters": rules[0][1]}],
        "integrations": [{"id": 7, "kind": "linear"}],
        "external_references": [{"issue": 0, "integration": 7, "title": "Fix the cart", "number": 12}],
    }


@pytest.fixture(scope="module")
def acme() -> Generator[SandboxProcess]:
    with SandboxProcess(seed()) as running:
        yield running


async def lines_of(sandbox: SandboxProcess, section: str, **arguments: Any) -> list[str]:
    reply = await brief(sandbox, sections=[section], **arguments)
    assert not reply.is_error, reply.text
    return reply.structured["sections"][section]


def newest_events(sandbox: SandboxProcess) -> list[dict[str, Any]]:
    asked = {"issueId": ISSUE, "dateRange": {"date_from": "-30d"}, "limit": 20, "include": ["correlation"]}
    return sandbox.api("POST", "query/issue_events/", asked).json()["results"]


async def test_who_counts_the_users_of_the_newest_events(acme: SandboxProcess) -> None:
    (line,) = await lines_of(acme, "who")

    counts = Counter(one["distinct_id"] for one in newest_events(acme))
    head, _, named = line.partition(": ")
    shown = dict(part.rsplit(" ", 1) for part in named.partition(" and ")[0].split(", "))
    assert head == "in the newest 20 events (a sample)"
    assert {name: int(count) for name, count in shown.items()}.items() <= counts.items()
    assert sorted(map(int, shown.values()), reverse=True) == sorted(counts.values(), reverse=True)[:5]
    assert line.endswith(f" and {len(counts) - 5} more")


async def test_recordings_are_pages_of_the_project(acme: SandboxProcess) -> None:
    lines = await lines_of(acme, "recordings")

    sessions = list(dict.fromkeys(one["properties"]["$session_id"] for one in newest_events(acme)))
    links = [f"{acme.url}/project/1/replay/{session}" for session in sessions[:2]]
    assert lines == [*links, "exist only if the session was recorded"]


async def test_tickets_are_the_linked_ones(acme: SandboxProcess) -> None:
    (linked,) = acme.api("GET", f"issues/{ISSUE}/").json()["external_issues"]

    assert await lines_of(acme, "tickets") == [f"linear {linked['external_url']}"]
    assert "12" in linked["external_url"]
    assert await lines_of(acme, "tickets", id=TWIN) == ["none linked"]


async def test_duplicates_have_a_like_type_file_and_message(acme: SandboxProcess) -> None:
    lines = await lines_of(acme, "duplicates")

    # Of two equal types and files; 42 of 43 characters of the message are the same: (2 + 42 / 43) / 3.
    assert [line.partition(":")[0] for line in lines] == [f"{TWIN} 99% alike", f"{COUSIN} 67% alike"]
    assert lines[0] == f"{TWIN} 99% alike: KeyError in shop/cart.py, active"
    assert await lines_of(acme, "duplicates", id=NEIGHBOUR) == ["none has a like type, file and message"]


async def test_the_first_rule_that_takes_the_event_is_named(acme: SandboxProcess) -> None:
    lines = await lines_of(acme, "rules")

    assert lines == [
        f"assignment: rule {RULES[2]} (order 2) takes the newest event, to user 2 unless an earlier one does: "
        f"rule {RULES[1]}: events show no $feature",
        "grouping: none of 1 rules takes the newest event",
    ]


async def test_people_are_those_of_the_organization_of_the_project(acme: SandboxProcess, tmp_path: Path) -> None:
    acme.empty_journal()
    state = await lines_of(acme, "what")
    first = [one["path"].partition("?")[0] for one in acme.journal()]
    acme.empty_journal()
    again = await lines_of(acme, "what")
    second = [one["path"].partition("?")[0] for one in acme.journal()]

    assert state[1] == again[1] == "active, assigned to user 2 Grace Hopper (grace@acme.example)"
    members = f"/api/organizations/{ACME}/members/"
    assert first[-2:] == ["/api/projects/1/", members]
    assert second[-1] == members
    assert "/api/projects/1/" not in second  # the organization of a project is remembered


async def test_authors_who_are_not_members_are_said_to_be_none(tmp_path: Path) -> None:
    history = History(tmp_path / "shop")
    old = history.commit("Begin", {"shop/orders.py": ORDERS, "shop/cart.py": CART})
    history.commit("Check", {"shop/orders.py": ORDERS.replace("check()", "verify()")}, author="Grace")
    history.commit("Explain", {"shop/cart.py": f"{CART}# of numbers\n"}, author="Ada")
    project = python_seed(commit(history, "HEAD"), old)
    project |= {name: seed()[name] for name in ("organizations", "projects", "users")}
    with SandboxProcess(project) as sandbox:
        suspects = await lines_of_checkout(sandbox, history.folder)
        without_scope = await brief(sandbox, history.folder, key=READ_ONLY, sections=["suspects"])

    assert "Check, PostHog user 2 Grace Hopper: touches shop/orders.py" in suspects[1]
    assert "Explain, not a member of the organization: touches shop/cart.py" in suspects[2]
    assert "not a member" not in without_scope.text
    assert "users of PostHog by e-mail: not read: the key may not (403)" in without_scope.text


async def lines_of_checkout(sandbox: SandboxProcess, folder: Path) -> list[str]:
    return (await brief(sandbox, folder, sections=["suspects"])).structured["sections"]["suspects"]
