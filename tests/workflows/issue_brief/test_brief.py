"""The brief of an issue: its requests, its tokens, and the source, suspects and owners of a real checkout."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.token_estimate import upper_bound
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.issue_brief.tools import SECTIONS
from tests.calls import call_tool
from tests.proxy.fault_server import FaultServer, http
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.workflows.issue_brief.repositories import History
from tests.workflows.source_maps import test_resolve

pytestmark = pytest.mark.anyio

ISSUE = "01936f2e-7a51-7000-8000-000000000101"
CART = "def total(items):\n    return sum(items)\n"
ORDERS = "def place(order):\n    order.check()\n    return order.total\n"


def python_seed(first_with: str, last_without: str) -> dict[str, Any]:
    """A project with an issue of Python, first seen after the second of its two releases."""
    releases = [("1.1", first_with, "-2d"), ("1.0", last_without, "-9d")]
    frames = [
        {"source": "/srv/app/shop/orders.py", "line": 2, "function": "place"},
        {"source": "django/core/handlers/base.py", "line": 9, "function": "run", "in_app": False},
        {"source": "/srv/app/shop/cart.py", "line": 2, "function": "total"},
        {"source": "/opt/other/gone.py", "line": 5, "function": "main"},
    ]
    events = {"count": 40, "since": 1, "lib": "posthog-python", "lang": "python", "frames": frames, "releases": ["1.1"]}
    return {
        "organizations": [{"id": "0193f2a0-0000-7000-8000-0000000000aa"}],
        "projects": [{"id": 1}],
        "users": [{"id": 1, "first_name": "Grace", "last_name": "Hopper", "email": "grace@acme.example"}],
        "keys": [{"value": FULL}, {"value": READ_ONLY, "scopes": ["error_tracking:read"]}],
        "releases": [
            {
                "id": f"01936f2e-7a51-7000-8000-0000000000c{index}",
                "version": version,
                "product": "shop",
                "created_at": created,
                "metadata": {"git": {"commit_id": commit}},
            }
            for index, (version, commit, created) in enumerate(releases)
        ],
        "issues": [
            {
                "id": ISSUE,
                "name": "KeyError",
                "created_at": "-1d",
                "fingerprints": ["a"],
                "events": events,
            }
        ],
    }


@pytest.fixture
def shop(tmp_path: Path) -> History:
    """A checkout with three commits after the tag `old`; its CODEOWNERS name a team."""
    history = History(tmp_path / "shop")
    files = {"shop/orders.py": ORDERS, "shop/cart.py": CART, ".github/CODEOWNERS": "* @all\n/shop/orders.py @orders\n"}
    history.commit("Begin", files)
    history.git("tag", "old")
    history.commit("Check orders", {"shop/orders.py": ORDERS.replace("check()", "verify()")}, author="Grace")
    history.commit("Explain the cart", {"shop/cart.py": f"{CART}# of numbers\n"})
    history.commit("Document", {"README.md": "shop\n"})
    history.git("tag", "new")
    return history


def commit(history: History, name: str) -> str:
    return history.git("rev-parse", f"{name}^{{commit}}")


async def brief(sandbox: SandboxProcess, *roots: Path, key: str = FULL, **arguments: Any) -> Reply:
    async with Proxy(host=sandbox.url, key=SecretStr(key), project="1") as proxy:
        environment = Environment(tuple(roots), sandbox.url)
        call = {"id": ISSUE, **arguments}
        return await call_tool(proxy, "error-tracking-issue-brief", call, time_limit=30, environment=environment)


async def test_source_suspects_and_owners_of_the_release_s_commit(shop: History) -> None:
    old, new = commit(shop, "old"), commit(shop, "new")
    grace, ada = commit(shop, "new~2"), commit(shop, "new~1")
    (shop.folder / "shop/orders.py").write_text("another text\n", "utf-8")
    with SandboxProcess(python_seed(new, old)) as sandbox:
        reply = await brief(sandbox, shop.folder, sections=["source", "suspects"])

    lines = reply.structured["sections"]
    blamed = shop.git("blame", "-l", "-s", "-L", "2,2", "new", "--", "shop/orders.py").split()[0]
    assert blamed == grace
    assert lines["source"] == [
        f"Lines are those of the release's commit {new[:10]} in shop.",
        "place (shop/orders.py:2); owner @orders",
        "    1| def place(order):",
        "  > 2|     order.verify()",
        "    3|     return order.total",
        f"    last changed {grace[:10]} 2026-01-03 Grace <grace@acme.example>: Check orders",
        "total (shop/cart.py:2); owner @all",
        "    1| def total(items):",
        "  > 2|     return sum(items)",
        "    3| # of numbers",
        f"    last changed {old[:10]} 2026-01-02 Ada <ada@acme.example>: Begin",
        "main (/opt/other/gone.py:5); no such file in the checkout",
    ]
    assert lines["suspects"] == [
        f"from commits {old[:10]}..{new[:10]} that touch files of the frames",
        f"1. {grace[:10]} 2026-01-03 Grace <grace@acme.example>: Check orders, PostHog user 1 Grace Hopper: "
        "touches shop/orders.py; last changed shop/orders.py:2",
        f"2. {ada[:10]} 2026-01-04 Ada <ada@acme.example>: Explain the cart, not a member of the organization: "
        "touches shop/cart.py",
        "owner by CODEOWNERS: @all (shop/cart.py)",
        "owner by CODEOWNERS: @orders (shop/orders.py)",
    ]


async def test_a_commit_that_is_not_there_leaves_the_work_tree(shop: History) -> None:
    with SandboxProcess(python_seed("a" * 40, "b" * 40)) as sandbox:
        reply = await brief(sandbox, shop.folder, sections=["source", "suspects"])

    lines = reply.structured["sections"]
    assert lines["source"][0] == (
        "The release's commit aaaaaaaaaa is not in the checkout shop: fetch it, or the checkout is another project's."
    )
    assert lines["source"][1] == "Lines are those of the work tree of shop."
    assert "  > 2|     order.verify()" in lines["source"]
    assert lines["suspects"][0] == "from last commits of the frames' lines"
    assert "last changed shop/orders.py:2" in lines["suspects"][1]
    assert any("could not be searched" in line for line in lines["suspects"])


async def test_a_shallow_clone_says_that_history_is_missing(shop: History, tmp_path: Path) -> None:
    old, new = commit(shop, "old"), commit(shop, "new")
    shop.git("clone", "--quiet", "--depth", "2", f"file://{shop.folder}", str(tmp_path / "clone"))
    with SandboxProcess(python_seed(new, old)) as sandbox:
        reply = await brief(sandbox, tmp_path / "clone", sections=["source", "suspects"])

    assert "The clone is shallow: older commits are missing, and a last commit may be older." in reply.text
    assert f"The commits {old[:10]}..{new[:10]} could not be searched: the checkout lacks {old[:10]}." in reply.text


async def test_the_lines_of_a_renamed_file_have_the_commit_before(shop: History) -> None:
    old = commit(shop, "old")
    shop.git("mv", "shop/cart.py", "shop/basket.py")
    renamed = shop.commit("Rename")
    seed = python_seed(renamed, old)
    seed["issues"][0]["events"]["frames"] = [{"source": "shop/basket.py", "line": 2, "function": "t"}]
    with SandboxProcess(seed) as sandbox:
        reply = await brief(sandbox, shop.folder, sections=["source", "suspects"])

    judged = shop.git("blame", "-l", "-s", "-L", "2,2", renamed, "--", "shop/basket.py").split()[0].lstrip("^")
    assert old.startswith(judged)
    assert f"last changed {old[:10]} 2026-01-02 Ada <ada@acme.example>: Begin" in reply.text
    assert f"1. {renamed[:10]}" in reply.text


async def test_frames_outside_every_root_show_no_file(shop: History, tmp_path: Path) -> None:
    secret = tmp_path / "outside"
    secret.mkdir()
    (secret / "gone.py").write_text("1\n2\n3\n4\nsecret = 1\n", "utf-8")
    (shop.folder / "gone.py").symlink_to(secret / "gone.py")
    shop.commit("Link")
    with SandboxProcess(python_seed("a" * 40, "b" * 40)) as sandbox:
        reply = await brief(sandbox, shop.folder, sections=["source"])

    assert "main (/opt/other/gone.py:5); no such file in the checkout" in reply.text
    assert "secret" not in reply.text


async def test_a_folder_without_git_shows_its_files(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop/cart.py").write_text(CART, "utf-8")
    (tmp_path / "secret.txt").write_text("1\n2\n3\n4\nsecret\n", "utf-8")
    (tmp_path / "gone.py").symlink_to(tmp_path / "secret.txt")
    with SandboxProcess(python_seed("a" * 40, "b" * 40)) as sandbox:
        reply = await brief(sandbox, tmp_path, sections=["source"])

    assert "No git repository below the roots: lines are those of the work tree." in reply.text
    assert "  > 2|     return sum(items)" in reply.structured["sections"]["source"]
    assert "secret" not in reply.text


@pytest.fixture(scope="module")
def acme() -> Any:
    """The sandbox's default project."""
    with SandboxProcess() as sandbox:
        yield sandbox


def busiest(sandbox: SandboxProcess) -> dict[str, Any]:
    asked = {"status": "all", "orderBy": "occurrences", "dateRange": {"date_from": "-30d"}, "limit": 100}
    return sandbox.api("POST", "query/issues/", asked).json()["results"][0]


async def test_the_default_issue_is_on_one_page(acme: SandboxProcess, shop: History) -> None:
    issue = busiest(acme)
    acme.empty_journal()

    reply = await brief(acme, shop.folder, id=f"{acme.url}/project/1/error_tracking/{issue['id']}")

    assert not reply.is_error
    assert list(reply.structured["sections"]) == list(SECTIONS)
    assert reply.structured["left_out"] == {}
    assert upper_bound(reply.text) < 1500
    requests = acme.journal()
    assert len(requests) == reply.structured["requests"] <= 10
    assert {one["method"] for one in requests} <= {"GET", "POST"}
    assert reply.structured["sections"]["impact"] == ["900 occurrences, 289 users, 588 sessions"]


async def test_an_unusual_share_is_that_of_the_events(acme: SandboxProcess) -> None:
    issue = busiest(acme)
    reply = await brief(acme, id=issue["id"], sections=["shared"])

    def events(*conditions: dict[str, Any]) -> dict[str, float]:
        asked = {"status": "all", "dateRange": {"date_from": "-30d"}, "limit": 100, "filterGroup": list(conditions)}
        rows = acme.api("POST", "query/issues/", asked).json()["results"]
        return {row["id"]: row["aggregations"]["occurrences"] for row in rows if row["library"] == "web"}

    chrome = events({"type": "event", "key": "$browser", "operator": "exact", "value": ["Chrome"]})
    everything = events()
    share, base = chrome[issue["id"]] / everything[issue["id"]], sum(chrome.values()) / sum(everything.values())
    line = reply.structured["sections"]["shared"][0]
    unusual = share >= 1.3 * base
    assert line == (
        f"browser Chrome {share:.0%} (all exceptions of web: {base:.0%})" if unusual else "nothing unusual in browser"
    )


async def test_max_tokens_is_kept_and_what_was_left_out_is_said(acme: SandboxProcess) -> None:
    reply = await brief(acme, id=busiest(acme)["id"], max_tokens=400)

    assert upper_bound(reply.text) <= 400
    assert sum(reply.structured["left_out"].values()) > 0
    assert "Rows left out to stay within max_tokens: " in reply.text


async def test_only_the_wanted_sections_cost_requests(acme: SandboxProcess) -> None:
    issue = busiest(acme)
    acme.empty_journal()

    reply = await brief(acme, id=issue["id"], sections=["impact", "trend"])

    assert list(reply.structured["sections"]) == ["trend", "impact"]
    assert [one["path"].rpartition("error_tracking/")[2] for one in acme.journal()] == ["query/issue/"]


async def test_a_key_that_may_not_list_people_is_said(shop: History) -> None:
    with SandboxProcess(python_seed(commit(shop, "new"), commit(shop, "old"))) as sandbox:
        reply = await brief(sandbox, shop.folder, key=READ_ONLY, sections=["suspects"])

    assert not reply.is_error
    assert "users of PostHog by e-mail: not read: the key may not (403)" in reply.text
    assert "Check orders: touches shop/orders.py" in reply.text


async def test_an_older_posthog_has_no_breakdown() -> None:
    with SandboxProcess(None, "--age", "2026-06") as sandbox:
        reply = await brief(sandbox, id=busiest(sandbox)["id"], sections=["impact", "shared"])

    assert not reply.is_error
    assert reply.structured["sections"] == {
        "impact": ["900 occurrences, 289 users, 588 sessions"],
        "shared": ["no breakdown: no event in this range, or this PostHog is too old for it"],
    }


async def test_a_posthog_without_these_endpoints_is_said(shop: History) -> None:
    with SandboxProcess(python_seed("a" * 40, "b" * 40), "--age", "2025") as sandbox:
        reply = await brief(sandbox, shop.folder, sections=["impact", "trend", "what"])
        unknown = await brief(sandbox, id="01936f2e-7a51-7000-8000-00000000dead")

    assert reply.structured["sections"]["impact"] == ["not read: this PostHog does not have it (404)"]
    assert reply.structured["sections"]["what"][0] == "KeyError: "
    assert unknown.structured == {"error": {"code": "no_issue"}}


async def test_a_key_without_the_scope_is_not_an_unknown_issue() -> None:
    seed = python_seed("a" * 40, "b" * 40)
    seed["keys"].append({"value": "phx_of_other_scopes", "scopes": ["annotation:read"]})
    with SandboxProcess(seed) as sandbox:
        refused = await brief(sandbox, key="phx_of_other_scopes")
        unknown = await brief(sandbox, id="01936f2e-7a51-7000-8000-00000000dead")

    assert refused.structured["error"]["code"] != "no_issue"
    assert "The API key lacks the scope error_tracking:read." in refused.text
    assert "This project has none with this id" in unknown.text
    assert "403" not in unknown.text


async def test_a_part_that_is_refused_costs_its_sections_only() -> None:
    refused = http(403, {"type": "authentication_error", "code": "permission_denied", "detail": "No."})
    issue = http(200, {"id": ISSUE, "name": "E", "impact": {"occurrences": 3.0, "users": 2.0, "sessions": 1.0}})
    with FaultServer([issue, refused]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr("phx_a"), project="1") as proxy:
            call = {"id": ISSUE, "sections": ["impact", "who", "tickets", "duplicates", "rules"]}
            environment = Environment((), upstream.url)
            reply = await call_tool(proxy, "error-tracking-issue-brief", call, time_limit=30, environment=environment)

    assert not reply.is_error
    refusal = ["not read: the key may not (403)"]
    assert reply.structured["sections"] == {
        "impact": ["3 occurrences, 2 users, 1 sessions"],
        **dict.fromkeys(("who", "tickets", "duplicates", "rules"), refusal),
    }
    assert len(upstream.received) == 4


@pytest.mark.parametrize(
    "answer",
    [
        {
            "results": [{"properties": []}, 1, None],
            "sparkline": [1e300, -1, "x", 10**50],
            "impact": {"users": []},
        },
        {"results": [{"aggregations": {"occurrences": 10**400}, "name": 1, "created_at": 5}], "impact": []},
        {"results": [{"properties": {"$exception_list": [{"stacktrace": {"frames": [{"in_app": True}]}}]}}]},
        {"breakdown": {"occurrences": 30, "top_values": {"browser": [{"value": "a", "count": 30}]}}, "results": [{}]},
        {"results": {"a": 1}, "assignee": "x", "external_issues": 5, "breakdown": 7, "latest_release": []},
    ],
)
async def test_answers_of_any_shape_make_a_brief(answer: dict[str, Any], tmp_path: Path) -> None:
    with FaultServer([http(200, answer)]) as upstream:
        async with Proxy(host=upstream.url, key=SecretStr("phx_a"), project="1") as proxy:
            environment = Environment((tmp_path,), upstream.url)
            reply = await call_tool(
                proxy, "error-tracking-issue-brief", {"id": ISSUE}, time_limit=30, environment=environment
            )

    assert not reply.is_error, reply.text
    assert list(reply.structured["sections"]) == list(SECTIONS)
    assert len(upstream.received) <= 10


async def test_minified_frames_are_resolved_with_the_symbol_sets_that_posthog_has(tmp_path: Path) -> None:
    with SandboxProcess(test_resolve.SEED) as sandbox:
        reply = await brief(sandbox, tmp_path, id=test_resolve.FEW)
        without_roots = await brief(sandbox, id=test_resolve.FEW, sections=["stack"])

    stack = reply.structured["sections"]["stack"]
    resolved = [line for line in stack if line.startswith("resolved here: ")]
    assert resolved == ["resolved here: o (src/c0.ts:1) from https://shop.example/c0.js:1:14"]
    assert "2 frames of the app are not resolved: source-maps-resolve with issue" in reply.text
    assert "src/c0.ts:1" in reply.structured["sections"]["source"][1]
    assert reply.structured["requests"] <= 10
    assert "3 frames of the app are not resolved: source-maps-resolve, which needs --root" in without_roots.text


async def test_an_unknown_issue_is_an_error(acme: SandboxProcess) -> None:
    reply = await brief(acme, id="01936f2e-7a51-7000-8000-00000000dead")

    assert reply.structured == {"error": {"code": "no_issue"}}
    assert "query-error-tracking-issues-list" in reply.text
