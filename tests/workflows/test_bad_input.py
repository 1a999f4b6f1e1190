"""Names, checkouts, keys and servers that do not fit: what each tool says, and what it answers instead."""

from collections.abc import Generator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.toolbox import EVERY_TOOL
from mcp_errortracking.workflows.base import Environment
from tests.calls import call_tool
from tests.sandbox_process import FULL, READ_ONLY, SandboxProcess
from tests.workflows.issue_brief.repositories import History
from tests.workflows.issue_brief.test_brief import CART, ISSUE, ORDERS, python_seed

pytestmark = pytest.mark.anyio

REPORT, BRIEF, IN_FILE, WATCH, PROPERTIES, DIRECTORY, MATCHING = (
    f"error-tracking-{name}"
    for name in (
        "deploy-report",
        "issue-brief",
        "issues-in-file",
        "issue-watch",
        "properties-list",
        "directory-list",
        "issues-update-matching",
    )
)
SOURCE = {"id": ISSUE, "sections": ["source", "suspects"]}
FILES = {"paths": ["shop/orders.py", "shop/cart.py"]}
ADA = {"setAssignee": {"type": "user", "id": "mallory@acme.example"}, "status": "active"}
TOO_OLD = ("Added to PostHog in spring 2026. Upgrade PostHog",)


@dataclass(frozen=True)
class Case:
    """A call, and parts of its answer. `absent`: what it must not say."""

    name: str
    tool: str
    arguments: dict[str, Any]
    says: tuple[str, ...]
    absent: tuple[str, ...] = ()
    root: str = ""
    age: str = "new"
    key: str = FULL
    fails: bool = False


UNSHALLOW = "the clone is shallow; fetch its history (git fetch --unshallow)."
ELSEWHERE = "fetch it, or the checkout is another project's."
IN_SUBMODULE = "it is a submodule, and releases name commits of the project around it."
NEAREST = 'The nearest names are "1.1", "1.0".'
CASES = [
    Case("unknown release", REPORT, {"release": "1.2"}, ('branch "1.2"', NEAREST), fails=True),
    Case("unknown release", MATCHING, {"setStatus": "resolved", "release": "1.2"}, ("would_change: 0", NEAREST)),
    Case(
        "unknown property",
        MATCHING,
        {"setStatus": "resolved", "filterGroup": [{"key": "$browsr", "operator": "exact", "value": ["x"]}]},
        ("would_change: 0", 'has the property "$browsr". Nearest: "$browser"'),
    ),
    Case("unknown property", PROPERTIES, {"property": "browsr"}, ('property "browsr". Nearest: "$browser"',)),
    Case("commit not there", REPORT, {"release": "f" * 40}, ('The newest names are "1.1", "1.0".',), fails=True),
    Case(
        "another project's checkout",
        REPORT,
        {},
        ("verdict: ", "The checkout other lacks the commit {new} of this release: " + ELSEWHERE),
        root="other",
    ),
    Case(
        "another project's checkout",
        BRIEF,
        SOURCE,
        (
            "The release's commit {new} is not in the checkout other: " + ELSEWHERE,
            "The commits {old}..{new} could not be searched: the checkout lacks {old} and {new}.",
            "place (/srv/app/shop/orders.py:2); no such file in the checkout",
        ),
        root="other",
    ),
    Case(
        "another project's checkout",
        IN_FILE,
        FILES,
        ("There is no file shop/orders.py today", "line of 1.1, whose commit is not in the checkout", ELSEWHERE),
        root="other",
    ),
    Case("shallow clone", REPORT, {}, ("verdict: ", UNSHALLOW), ("another project",), root="shallow"),
    Case(
        "shallow clone",
        BRIEF,
        SOURCE,
        (UNSHALLOW, "> 2|     order.verify()", "The clone is shallow: older commits are missing"),
        ("another project",),
        root="shallow",
    ),
    Case(
        "shallow clone",
        BRIEF,
        {"id": ISSUE, "sections": ["suspects"]},
        ("The clone is shallow: older commits are missing, and a last commit may be older.",),
        root="shallow",
    ),
    Case("shallow clone", IN_FILE, FILES, (UNSHALLOW, "may lack commits"), ("another project",), root="shallow"),
    Case(
        "shallow clone",
        IN_FILE,
        {"base": "old"},
        ('no branch or commit "old"', "The clone is shallow, and may lack branches and tags.", "give paths"),
        root="shallow",
        fails=True,
    ),
    Case("submodule", REPORT, {}, ("verdict: ", IN_SUBMODULE), ("another project",), root="around/vendor/lib"),
    Case("submodule", BRIEF, SOURCE, (IN_SUBMODULE, "> 2|     return sum(items)"), root="around/vendor/lib"),
    Case("submodule", IN_FILE, FILES, (IN_SUBMODULE, "shop/cart.py"), root="around/vendor/lib"),
    Case("submodule", BRIEF, SOURCE, ("Submodules are not searched",), root="around"),
    Case("renamed file", IN_FILE, FILES, ("shop/cart.py is called shop/basket.py today",), root="shop"),
    Case("renamed file", BRIEF, SOURCE, ("> 2|     return sum(items)", "last changed {old}"), root="shop"),
    Case("frame outside", BRIEF, SOURCE, ("main (/opt/other/gone.py:5); no such file in the checkout",), root="shop"),
    Case("file outside", IN_FILE, {"paths": ["/etc/passwd"]}, ("outside",), root="shop", fails=True),
    Case(
        "former member",
        BRIEF,
        SOURCE,
        ("1. {new} 2026-01-03 Mallory <mallory@acme.example>: Check, not a member of the organization",),
        root="shop",
    ),
    Case("former member", DIRECTORY, {"search": "mallory@acme.example"}, ("Former members", "are not listed")),
    Case("former member", MATCHING, ADA, ("Former members cannot be assigned", "nothing was changed"), fails=True),
    Case(
        "key without people",
        BRIEF,
        SOURCE,
        (
            "Mallory <mallory@acme.example>: Check: touches",
            "users of PostHog by e-mail: not read: the key may not (403)",
        ),
        ("not a member",),
        root="shop",
        key=READ_ONLY,
    ),
    Case(
        "key without people",
        DIRECTORY,
        {"search": "grace"},
        ("people: it needs the scope organization_member:read", "Without search, those that issues are assigned to"),
        key=READ_ONLY,
        fails=True,
    ),
    Case("key without people", DIRECTORY, {}, ("organization_member:read", "0 rows"), key=READ_ONLY),
    Case(
        "key without people",
        MATCHING,
        ADA,
        ("organization_member:read", "nothing was changed", "Give the id (integer)"),
        key=READ_ONLY,
        fails=True,
    ),
    Case("key without SQL", PROPERTIES, {}, ("From 20 sampled events", "scope query:read"), key=READ_ONLY),
    Case("unknown issue", WATCH, {"id": ISSUE[:-1] + "9", "wait": 0}, ("Not found in project 1.",), fails=True),
    Case("older server", REPORT, {}, ("verdict: ", "Mallory: Check"), root="shop", age="2026-06"),
    Case(
        "older server",
        BRIEF,
        {"id": ISSUE},
        ("no breakdown: ", "* place (/srv/app/shop/orders.py:2)", "> 2|     order.verify()", "touches shop/orders.py"),
        root="shop",
        age="2026-06",
    ),
    Case("older server", IN_FILE, FILES, ("shop/orders.py", "KeyError"), root="shop", age="2026-06"),
    Case("older server", WATCH, {"id": ISSUE, "wait": 0}, ("cursor: ",), age="2026-06"),
    Case("older server", MATCHING, {"setStatus": "resolved", "status": "active"}, ("would_change: 1",), age="2026-06"),
    *(
        Case("oldest server", tool, {}, ("rows" if tool == PROPERTIES else "row",), age="2025")
        for tool in (PROPERTIES, DIRECTORY)
    ),
    Case("oldest server", REPORT, {}, TOO_OLD, age="2025", fails=True),
    Case("oldest server", WATCH, {"id": ISSUE, "wait": 0}, TOO_OLD, age="2025", fails=True),
    Case("oldest server", IN_FILE, FILES, TOO_OLD, root="shop", age="2025", fails=True),
    Case(
        "oldest server",
        MATCHING,
        {"setStatus": "resolved", "status": "active"},
        TOO_OLD,
        age="2025",
        fails=True,
    ),
    Case(
        "oldest server",
        BRIEF,
        {"id": ISSUE, "sections": ["what", "source", "suspects"]},
        ("KeyError", "source:\n  not read: this PostHog does not have it (404)", "suspects:\n  not read:"),
        ("no resolved frame", "no commit to suspect"),
        root="shop",
        age="2025",
    ),
]


@dataclass(frozen=True)
class World:
    """Checkouts in a folder, and servers of each age that know their releases."""

    folder: Path
    commits: dict[str, str]
    servers: dict[str, SandboxProcess]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    folder = tmp_path_factory.mktemp("bad-input")
    shop, other, lib, around = (History(folder / name) for name in ("shop", "other", "lib", "around"))
    shop.commit("Begin", {"shop/orders.py": ORDERS, "shop/cart.py": CART})
    shop.git("tag", "old")
    shop.commit("Check", {"shop/orders.py": ORDERS.replace("check", "verify")}, author="Mallory")
    shop.git("tag", "new")
    shop.git("mv", "shop/cart.py", "shop/basket.py")
    shop.commit("Rename")
    other.commit("Begin", {"main.go": "package main\n"})
    shop.git("clone", "--quiet", "--depth", "1", f"file://{shop.folder}", str(folder / "shallow"))
    lib.commit("Begin", {"shop/cart.py": CART})
    around.commit("Begin", {"README.md": "shop\n"})
    around.git("submodule", "--quiet", "add", f"file://{lib.folder}", "vendor/lib")
    around.commit("Add the library")
    commits = {tag: shop.git("rev-parse", f"{tag}^{{commit}}") for tag in ("old", "new")}
    seed = python_seed(commits["new"], commits["old"])
    with ExitStack() as stack:
        ages = dict.fromkeys(case.age for case in CASES)
        servers = {age: stack.enter_context(SandboxProcess(seed, "--age", age)) for age in ages}
        yield World(folder, commits, servers)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}, {case.tool.removeprefix('error-tracking-')}")
async def test_what_does_not_fit_is_said_with_what_was_possible(world: World, case: Case) -> None:
    server = world.servers[case.age]
    server.empty_journal()
    roots = (world.folder / case.root,) if case.root else ()
    if case.root.startswith("around/"):
        roots = (*roots, world.folder / "around/.git")
    how: dict[str, Any] = {"environment": Environment(roots, server.url), "toolbox": EVERY_TOOL}
    async with Proxy(host=server.url, key=SecretStr(case.key), project="1") as proxy:
        reply = await call_tool(proxy, case.tool, case.arguments, time_limit=30, **how)

    short = {name: commit[:10] for name, commit in world.commits.items()}
    for part in case.says:
        assert part.format(**short) in reply.text
    for part in case.absent:
        assert part not in reply.text
    assert reply.is_error == case.fails
    changing = [one["method"] for one in server.journal() if one["method"] in ("PATCH", "PUT", "DELETE")]
    assert changing == []
