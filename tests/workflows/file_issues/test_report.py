"""The issues in files: which are found, and their lines today, in checkouts that git made."""

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mcp_errortracking.proxy import Proxy
from mcp_errortracking.server.calls import Reply
from mcp_errortracking.server.token_estimate import upper_bound
from mcp_errortracking.workflows.base import Environment
from mcp_errortracking.workflows.file_issues.asked import named_files
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.repository.budget import Budget
from tests import command
from tests.calls import call_tool
from tests.sandbox_process import FULL, SandboxProcess
from tests.workflows.issue_brief.repositories import History

pytestmark = pytest.mark.anyio

ORDERS = "def place(order):\n    order.check()\n    return order.total\n"
CART = "def total(items):\n    return sum(items)\n\n\ndef empty():\n    return []\n"


def frame(source: str, line: int, function: str = "run", **more: Any) -> dict[str, Any]:
    return {"source": source, "line": line, "function": function, **more}


def issue(number: int, *frames: dict[str, Any], release: str = "1.1", count: int = 3, **more: Any) -> dict[str, Any]:
    events = {"count": count, "since": 1, "lib": "posthog-python", "lang": "python", "frames": list(frames)}
    return {
        "id": identity(number),
        "name": f"Error{number}",
        "created_at": "-1d",
        "fingerprints": [f"f{number}"],
        "events": {**events, "releases": [release] if release else [], **more.pop("events", {})},
        **more,
    }


def identity(number: int) -> str:
    return f"01936f2e-7a51-7000-8000-{number:012d}"


def project(commits: dict[str, str | None], *issues: dict[str, Any]) -> dict[str, Any]:
    """A project with a release for each version; the first is the newest."""
    releases = [
        {
            "id": f"01936f2e-7a51-7000-8000-0000000000c{index}",
            "version": version,
            "product": "shop",
            "created_at": f"-{2 + index}d",
            "metadata": {"git": {"commit_id": commit}} if commit else {},
        }
        for index, (version, commit) in enumerate(commits.items())
    ]
    return {"projects": [{"id": 1}], "keys": [{"value": FULL}], "releases": releases, "issues": list(issues)}


async def ask(sandbox: SandboxProcess, *roots: Path, **arguments: Any) -> Reply:
    async with Proxy(host=sandbox.url, key=SecretStr(FULL), project="1") as proxy:
        environment = Environment(tuple(roots), sandbox.url)
        name = "error-tracking-issues-in-file"
        return await call_tool(proxy, name, arguments, time_limit=30, environment=environment)


def places(reply: Reply) -> list[tuple[str, int | None, str]]:
    return [(row["file"], row["line"], row["line_note"]) for row in reply.structured["issues"]]


@pytest.fixture
def shop(tmp_path: Path) -> History:
    """A checkout whose newest release, `new`, came before two more commits: lines added above, and a renamed file."""
    history = History(tmp_path / "shop")
    history.commit("Begin", {"shop/orders.py": ORDERS, "shop/cart.py": CART, "lib/other/orders.py": "1\n2\n"})
    history.git("tag", "new")
    history.commit("Import", {"shop/orders.py": f"import os\n\n{ORDERS}"})
    history.git("mv", "shop/cart.py", "shop/basket.py")
    history.commit("Rename", {"shop/basket.py": CART.replace("return []", "return list()")})
    return history


def commit(history: History, name: str) -> str:
    return history.git("rev-parse", f"{name}^{{commit}}")


async def test_lines_are_those_of_today(shop: History) -> None:
    stack = frame("/srv/app/shop/cart.py", 2, "total"), frame("/srv/app/shop/orders.py", 2, "place")
    new = commit(shop, "new")
    with SandboxProcess(project({"1.1": new}, issue(1, *stack, count=7), issue(2, frame("x/cart.py", 1)))) as sandbox:
        reply = await ask(sandbox, shop.folder, paths=["shop/orders.py"])
        sent = sandbox.journal()
        rows = sandbox.api("POST", "query/issues/", {"status": "all", "dateRange": {"date_from": "-30d"}}).json()

    blamed = shop.git("blame", "-s", "-L", "4,4", "HEAD", "--", "shop/orders.py")
    assert "4)     order.check()" in blamed
    counts = next(row["aggregations"] for row in rows["results"] if row["id"] == identity(1))
    (row,) = reply.structured["issues"]
    assert (row["file"], row["line"], row["line_note"]) == ("shop/orders.py", 4, "line 2 of the release")
    assert (row["id"], row["function"], row["release"]) == (identity(1), "place", "1.1")
    assert (row["occurrences"], row["users"]) == (counts["occurrences"], counts["users"]) == (7, counts["users"])
    paths = [one["path"].rpartition("error_tracking/")[2].partition("?")[0] for one in sent]
    assert paths == ["releases/", "query/issues/", "query/issue_events/"]
    assert reply.structured["requests"] == 3
    assert sent[1]["body"]["filterGroup"][0]["value"] == ["orders.py"]


async def test_a_renamed_file_has_the_issues_of_its_old_name(shop: History) -> None:
    with SandboxProcess(project({"1.1": commit(shop, "new")}, issue(1, frame("shop/cart.py", 6)))) as sandbox:
        by_new_name = await ask(sandbox, shop.folder, paths="shop/basket.py")
        names = sandbox.journal()[1]["body"]["filterGroup"][0]["value"]
        by_old_name = await ask(sandbox, shop.folder, paths=["shop/cart.py"])

    changed = [("shop/basket.py", 5, "line 6 of the release has changed since, this is nearest")]
    assert names == ["basket.py", "cart.py"]
    assert places(by_new_name) == places(by_old_name) == changed
    assert "shop/cart.py is called shop/basket.py today: that file is looked at." in by_old_name.text


async def test_rows_come_by_file_and_line_with_the_loudest_first(shop: History) -> None:
    issues = [
        issue(1, frame("shop/orders.py", 2), count=2),
        issue(2, frame("shop/orders.py", 2), count=9),
        issue(3, frame("shop/orders.py", 1), count=1),
        issue(4, frame("shop/orders.py", 1), count=30, status="resolved"),
    ]
    with SandboxProcess(project({"1.1": commit(shop, "new")}, *issues)) as sandbox:
        reply = await ask(sandbox, shop.folder, paths=["shop/orders.py"])

    found = [(row["line"], row["id"]) for row in reply.structured["issues"]]
    assert found == [(3, identity(3)), (4, identity(2)), (4, identity(1))]


async def test_a_deleted_file_and_one_that_never_was(shop: History) -> None:
    shop.git("rm", "--quiet", "shop/orders.py")
    shop.commit("Delete")
    issues = issue(1, frame("app/shop/orders.py", 2)), issue(2, frame("shop/never.py", 8))
    with SandboxProcess(project({"1.1": commit(shop, "new")}, *issues)) as sandbox:
        reply = await ask(sandbox, shop.folder, paths=["shop/orders.py", "shop/never.py"])

    assert places(reply) == [
        ("shop/never.py", None, "line 8 of the release, which lacks the file"),
        ("shop/orders.py", None, "line 2 of the release; the file is gone today"),
    ]
    assert f"shop/orders.py was deleted after the release's commit {commit(shop, 'new')[:10]}." in reply.text
    assert "There is no file shop/never.py today: frames are compared with its path alone." in reply.text


async def test_lines_that_cannot_be_moved_say_why(shop: History, tmp_path: Path) -> None:
    issues = (
        issue(1, frame("shop/orders.py", 1), release="9.9"),
        issue(2, frame("shop/orders.py", 2), release="0.1"),
        issue(3, frame("shop/orders.py", 3), release=""),
    )
    seed = project({"9.9": "a" * 40, "0.1": None}, *issues)
    plain = tmp_path / "plain" / "shop"
    plain.mkdir(parents=True)
    (plain / "orders.py").write_text(ORDERS, "utf-8")
    with SandboxProcess(seed) as sandbox:
        reply = await ask(sandbox, shop.folder, paths=["shop/orders.py"])
        sandbox.empty_journal()
        without_git = await ask(sandbox, tmp_path / "plain", paths=["shop/orders.py"])
        assert "releases" not in json.dumps([one["path"] for one in sandbox.journal()])

    assert [place[1:] for place in places(reply)] == [
        (1, "line of 9.9, whose commit is not in the checkout"),
        (2, "line as sent: the release 0.1 names no commit"),
        (3, "line as sent: the event names no release"),
    ]
    assert "fetch it, or the checkout is another project's." in reply.text
    assert places(without_git)[0] == (
        "shop/orders.py",
        1,
        "line of 9.9; no git repository below the roots to move it with",
    )


async def test_a_shallow_clone_says_so(shop: History, tmp_path: Path) -> None:
    shop.git("clone", "--quiet", "--depth", "1", f"file://{shop.folder}", str(tmp_path / "clone"))
    with SandboxProcess(project({"1.1": commit(shop, "new")}, issue(1, frame("shop/orders.py", 2)))) as sandbox:
        reply = await ask(sandbox, tmp_path / "clone", paths=["shop/orders.py"])
        changed = await ask(sandbox, tmp_path / "clone", base=commit(shop, "new"))

    assert places(reply) == [("shop/orders.py", 2, "line of 1.1, whose commit is not in the checkout")]
    assert "The clone clone is shallow: it may lack commits of releases." in reply.text
    assert changed.structured == {"error": {"code": "broken_repository"}}
    assert "an object is missing" in changed.text


async def test_the_files_of_a_branch(shop: History) -> None:
    new = commit(shop, "new")
    shop.git("branch", "trunk", "new")
    issues = issue(1, frame("shop/orders.py", 2)), issue(2, frame("lib/other/orders.py", 2))
    with SandboxProcess(project({"1.1": new}, *issues)) as sandbox:
        reply = await ask(sandbox, shop.folder, base="trunk")
        by_commit = await ask(sandbox, shop.folder, base=new)
        none = await ask(sandbox, shop.folder)
        head = await ask(sandbox, shop.folder, base="HEAD")
        unknown = await ask(sandbox, shop.folder, base="../../HEAD")

    judged = shop.git("diff", "--name-only", "--no-renames", "--diff-filter=AM", "trunk...HEAD").split("\n")
    assert reply.structured["files"] == by_commit.structured["files"] == judged == ["shop/basket.py", "shop/orders.py"]
    assert [row["id"] for row in reply.structured["issues"]] == [identity(1)]
    assert f'2 source files changed on "main" since {new[:10]}' in reply.text
    assert head.structured == none.structured == {"error": {"code": "no_change"}}  # HEAD is the main branch
    assert unknown.structured == {"error": {"code": "no_base"}}


async def test_frames_of_packages_and_of_resolved_bundles(shop: History) -> None:
    shop.commit("More", {"src/com/acme/Cart.java": "a\nb\n", "web/src/pay.ts": "a\nb\nc\n", "src/org/Cart.java": "a\n"})
    at = commit(shop, "HEAD")
    java = frame("Cart.java", 2, module="com.acme.Cart$Inner")
    script = frame("webpack:///./web/src/pay.ts", 2, "pay", mangled="n", mapped=True)
    web = {"lib": "web", "lang": "javascript"}
    with SandboxProcess(
        project({"1.1": at}, issue(1, java), issue(2, script, events=web), issue(3, frame("orders.py", 1)))
    ) as box:
        paths = ["src/com/acme/Cart.java", "web/src/pay.ts", "lib/other/orders.py"]
        reply = await ask(box, shop.folder, paths=paths)

    assert [(row["file"], row["line"]) for row in reply.structured["issues"]] == [
        ("lib/other/orders.py", 1),
        ("src/com/acme/Cart.java", 2),
        ("web/src/pay.ts", 2),
    ]
    assert places(reply)[0][2] == "ambiguous: lib/other/orders.py, shop/orders.py"


async def test_paths_that_may_not_be_read(shop: History, tmp_path: Path) -> None:
    secret = tmp_path / "secret.py"
    secret.write_text("x\n", "utf-8")
    (shop.folder / "link.py").symlink_to(secret)
    with SandboxProcess(project({"1.1": commit(shop, "new")}, issue(1, frame("secret.py", 1)))) as sandbox:
        codes = [
            (await ask(sandbox, shop.folder, paths=[path])).structured["error"]["code"]
            for path in (str(secret), "link.py", "shop", ".git/config", "\0", "../secret.py")
        ]
        assert sandbox.journal() == []
        both = await ask(sandbox, shop.folder, paths=["shop/orders.py"], base="main")
        some = await ask(sandbox, shop.folder, paths=["shop/orders.py", "../secret.py"])

    assert codes == ["outside_roots", "outside_roots", "no_file", "no_file", "no_path", "outside_roots"]
    assert "give paths or base, not both" in both.text
    assert some.structured["files"] == ["shop/orders.py"]
    assert "Left out: ../secret.py may not be used." in some.text


async def test_names_that_are_no_text_are_left_out(shop: History) -> None:
    with SandboxProcess(
        project({"1.1": shop.git("rev-parse", "new")}, issue(1, frame("shop/orders.py", 2)))
    ) as sandbox:
        (shop.folder / os.fsdecode(b"old\xff.py")).write_text(CART, "utf-8")
        shop.commit("Not UTF-8")
        shop.git("mv", os.fsdecode(b"old\xff.py"), "new.py")
        shop.git("checkout", "--quiet", "-b", "work")
        (shop.folder / os.fsdecode(b"\xff.py")).write_text("1\n", "utf-8")
        shop.commit("Change", {"shop/orders.py": "2\n"})
        of_branch = await ask(sandbox, shop.folder, base="new")
        (query,) = [entry["body"] for entry in sandbox.journal() if entry["path"].endswith("query/issues/")]

    assert not of_branch.is_error, of_branch.text
    assert [row["file"] for row in of_branch.structured["issues"]] == ["shop/orders.py"]
    assert query["filterGroup"][0]["value"] == ["basket.py", "cart.py", "new.py", "orders.py"]


def test_no_content_is_held_of_files_that_no_frame_names(tmp_path: Path) -> None:
    names = [f"{number}.py" for number in range(20)]
    for name in names:
        with (tmp_path / name).open("wb") as file:
            file.truncate(4 * 1024 * 1024)
    with (tmp_path / "large.py").open("wb") as file:
        file.truncate(11 * 1024 * 1024)

    tracemalloc.start()
    try:
        asked = named_files(Roots([tmp_path]), [*names, "large.py"], Budget())
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert [file.shown for file in asked.files] == names
    assert most < 4 * 1024 * 1024
    assert asked.notes == ["Left out: large.py cannot be read. large.py is too large."]


async def test_ten_requests_and_a_bounded_text(shop: History) -> None:
    names = [f"{'package/' * 12}module_{number}.py" for number in range(20)]
    shop.commit("Many", dict.fromkeys(names, "x\n" * 50))
    stack = [frame(name, 7, "f" * 100) for name in names]
    issues = [
        issue(number, *stack, name="注文エラー" * 30, description="x " * 200, release="1." * 20) for number in range(30)
    ]
    with SandboxProcess(project({"1." * 20: commit(shop, "HEAD")}, *issues)) as sandbox:
        reply = await ask(sandbox, shop.folder, paths=names)
        assert len(sandbox.journal()) == reply.structured["requests"] == 10

    assert upper_bound(reply.text) < 1200
    assert len(reply.structured["issues"]) == 8 * 20
    assert "22 other active issues have frames in files of these names" in reply.text


async def test_an_older_posthog_is_said(shop: History) -> None:
    with SandboxProcess(project({"1.1": commit(shop, "new")}), "--age", "2025") as sandbox:
        reply = await ask(sandbox, shop.folder, paths=["shop/orders.py"])

    assert reply.is_error
    assert "spring 2026" in reply.text


def test_the_command(shop: History) -> None:
    with SandboxProcess(project({"1.1": commit(shop, "new")}, issue(1, frame("shop/orders.py", 2)))) as sandbox:

        def run(*words: str) -> tuple[int, str, str]:
            settings = {"POSTHOG_HOST": sandbox.url, "POSTHOG_PERSONAL_API_KEY": FULL, "POSTHOG_PROJECT_ID": "1"}
            return command.run_here("issues-in-file", *words, folder=shop.folder, **settings)

        code, out, err = run("shop/orders.py", "--json")
        by_branch = run("--base", commit(shop, "new"))
        outside = run("/etc/passwd")

    assert (code, err) == (0, "")
    assert json.loads(out)["issues"][0]["line"] == 4
    assert (by_branch[0], identity(1) in by_branch[1]) == (0, True)
    assert (outside[0], outside[1]) == (1, "")
    assert "/etc/passwd may not be used." in outside[2]
