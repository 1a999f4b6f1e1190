"""The pages at `/` of a real server, in a real browser: each button changes the state of PostHog's sandbox."""

from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from mcp_errortracking.server.apps.pages import TITLES
from tests.browser import Frame, Page, browser, keep_picture
from tests.sandbox_process import SandboxProcess
from tests.server.apps.mock_host import serious_problems
from tests.server.http.http_process import TOKEN, HttpServer, serving


@pytest.fixture(scope="module")
def sandbox() -> Generator[SandboxProcess]:
    with SandboxProcess() as running:
        yield running


@pytest.fixture(scope="module")
def server(sandbox: SandboxProcess, tmp_path_factory: pytest.TempPathFactory) -> Generator[HttpServer]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "dist").mkdir()
    (folder / "dist" / "app.js").write_text("void 0;\n", "utf-8")
    options = ("--toolsets", "all", "--journal", str(folder / "journal"), "--root", str(folder))
    with serving(sandbox.url, *options, MCP_SERVER_TOKEN=TOKEN) as running:
        yield running


@pytest.fixture
def page(sandbox: SandboxProcess, request: pytest.FixtureRequest) -> Generator[Page]:
    """An empty tab; at its end its console must be empty."""
    sandbox.reset()
    opened = browser().page()
    opened.size(1000)
    yield opened
    complaints = opened.complaints()
    keep_picture(opened, request.node.name)
    opened.close()
    assert complaints == []


def open_page(page: Page, server: HttpServer, name: str) -> Frame:
    """Open one of the pages with the token."""
    page.go(f"{server.url}/")
    page.run(f"sessionStorage.setItem('token', {TOKEN!r})")
    page.go(f"{server.url}/?{name}#{name}")
    frame = Frame(page, TITLES[name.partition("/")[0]])
    frame.wait("document.querySelectorAll('.row').length > 0")
    return frame


def issue_of(sandbox: SandboxProcess, identity: str) -> dict[str, Any]:
    return sandbox.api("GET", f"issues/{identity}/").json()


def listed(frame: Frame) -> list[str]:
    """The ids of the issues on the page."""
    return frame.run("[...document.querySelectorAll('.row')].map(row => row.id.slice(1))")


def click_in(frame: Frame, identity: str, label: str) -> None:
    """Click a button in the row of an issue."""
    row = f"document.getElementById('i{identity}')"
    frame.run(f"[...{row}.querySelectorAll('button')].find(one => one.textContent === '{label}').click()")


def order_of(sandbox: SandboxProcess, kind: str) -> list[str]:
    rules = sandbox.api("GET", f"{kind}_rules/").json()["results"]
    return [rule["id"] for rule in sorted(rules, key=lambda rule: rule["order_key"])]


def test_issues_are_resolved_suppressed_reopened_and_weighed(
    page: Page, server: HttpServer, sandbox: SandboxProcess
) -> None:
    frame = open_page(page, server, "issues")
    first, second, third = listed(frame)[:3]
    click_in(frame, first, "Resolve")
    assert frame.said().startswith("Resolved: ")
    click_in(frame, second, "Suppress")
    frame.wait("document.getElementById('said').textContent.startsWith('Suppressed: ')")
    frame.fill(f"#i{third} select", "low")
    click_in(frame, third, "Set")
    frame.wait("document.getElementById('said').textContent.startsWith('Severity set: ')")

    assert issue_of(sandbox, first)["status"] == "resolved"
    assert issue_of(sandbox, second)["status"] == "suppressed"
    assert issue_of(sandbox, third)["severity"] == "low"
    click_in(frame, first, "Reopen")
    frame.wait("document.getElementById('said').textContent.startsWith('Reopened: ')")
    assert issue_of(sandbox, first)["status"] == "active"


def test_an_issue_is_assigned_by_name(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    frame = open_page(page, server, "issues")
    first = listed(frame)[0]
    sandbox.empty_journal()
    click_in(frame, first, "Assign")
    frame.wait("Boolean(document.querySelector('dialog input'))")
    assert [entry for entry in sandbox.journal() if "members" in entry["path"]] == []
    frame.run("document.querySelector('dialog input').focus()")
    known = "[...document.querySelectorAll('dialog datalist option')].map(one => [one.value, one.textContent])"
    people = frame.wait(f"(known => known.length > 0 && known)({known})")
    assert ["grace@acme.example", "Grace Hopper"] in people
    frame.fill("dialog input", "grace@acme.example")
    frame.click("Assign")
    assert frame.said().startswith("Assigned to grace@acme.example: ")

    assert issue_of(sandbox, first)["assignee"] == {"type": "user", "id": 2}


def test_issues_are_filtered_by_assignee_release_and_url(
    page: Page, server: HttpServer, sandbox: SandboxProcess
) -> None:
    frame = open_page(page, server, "issues")
    first = listed(frame)[0]
    assert sandbox.api("PATCH", f"issues/{first}/assign/", {"assignee": {"id": 2, "type": "user"}}).is_success
    sandbox.empty_journal()
    frame.click("More filters")
    frame.fill("#filters [name=who]", "2")
    frame.fill("#filters [name=url]", "no such address")
    frame.click("Apply")
    frame.wait("document.getElementById('out').textContent.includes('No issue matches')")
    frame.fill("#filters [name=url]", "")
    frame.click("Apply")
    frame.wait("document.querySelectorAll('.row').length > 0")
    assert first in listed(frame)
    frame.fill("#filters [name=release]", "no such release")
    frame.click("Apply")
    frame.wait("document.getElementById('out').textContent.includes('No issue matches')")
    assert frame.run("document.querySelector('details.more').open") is True


def test_issues_are_merged_after_a_question(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    frame = open_page(page, server, "issues")
    into, gone = listed(frame)[:2]
    for one in (into, gone):
        frame.run(f"document.querySelector('#i{one} input[type=checkbox]').click()")
    frame.click("Merge 2 issues")
    frame.click("Cancel")
    assert issue_of(sandbox, gone)["id"] == gone
    frame.click("Merge 2 issues")
    frame.click("Merge")
    assert frame.said().startswith("Merged 1 into ")

    assert sandbox.api("GET", f"issues/{gone}/").status_code in (308, 404)
    frame.wait(f"document.getElementById('i{into}') && !document.getElementById('i{gone}')")


def test_issues_are_searched_filtered_and_paged(page: Page, server: HttpServer) -> None:
    frame = open_page(page, server, "issues")
    assert frame.run("document.querySelectorAll('.row svg').length") == len(listed(frame))
    frame.fill("[name=searchQuery]", "QueuePool")
    frame.run("document.querySelector('[name=searchQuery]').focus()")
    page.press("Enter")
    frame.wait("document.querySelectorAll('.row').length === 1 && $('out').textContent.includes('QueuePool limit')")
    frame.fill("[name=searchQuery]", "")
    frame.fill("[name=status]", "all")
    frame.fill("[name=range]", "-90d")
    frame.click("Apply")
    frame.click("Next page")
    frame.click("Previous page")
    frame.wait("document.querySelectorAll('.row').length === 25")


def test_one_issue_is_shown_and_changed(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    frame = open_page(page, server, "issues")
    first = listed(frame)[0]
    frame.run(f"document.querySelector('#i{first} button.name').click()")
    issue = Frame(page, "Issue")
    issue.wait("document.querySelectorAll('#event .row').length && document.querySelectorAll('#summary h3').length")
    assert page.run("location.hash") == f"#issue/{first}"
    assert issue.run("document.querySelector('#event .name').textContent") == "applyOffer"
    assert issue.run("document.querySelectorAll('#summary svg').length") == 1
    time = "document.querySelector('#event time').title"
    newest = issue.run(time)
    issue.click("Older event")
    issue.wait(f"document.querySelector('#event time') && {time} < {newest!r}")
    issue.click("Newer event")
    issue.wait(f"document.querySelector('#event time') && {time} === {newest!r}")
    issue.click("Show source lines")
    issue.wait("document.querySelector('#source pre')?.textContent")
    issue.click("List the latest 10 events and their releases")
    issue.wait("document.querySelectorAll('[aria-label=\"The latest events\"] .row').length > 1")
    assert "Releases: " in issue.run("document.querySelector('details').textContent")
    issue.click("Show event 2")
    issue.wait(f"document.querySelector('#event time') && {time} < {newest!r}")
    assert issue.run(f"{time} === document.querySelectorAll('details time')[1].title")

    issue.fill("#actions select", "medium")
    issue.click("Set severity")
    assert issue.said().startswith("Severity set")
    issue.fill("#actions input", "2")
    issue.click("Assign")
    issue.wait("document.getElementById('said').textContent.startsWith('Assigned')")
    issue.click("Suppress")
    issue.wait("document.getElementById('said').textContent.startsWith('Suppressed')")
    held = issue_of(sandbox, first)
    assert (held["status"], held["severity"], held["assignee"]) == ("suppressed", "medium", {"type": "user", "id": 2})


def test_a_frame_that_is_not_readable_says_why(page: Page, server: HttpServer) -> None:
    frame = open_page(page, server, "issue/0193f2a0-98a4-7caf-a2c8-83c7918e24a4")
    frame.wait("document.querySelectorAll('#event .row').length > 0")

    assert "No sourcemap uploaded for chunk id" in frame.run("document.getElementById('event').textContent")
    frame.click("All 4 frames, nearest first")
    frame.wait("document.querySelectorAll('#event details .row').length === 4")


def test_a_change_is_undone_after_its_plan_is_shown(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    frame = open_page(page, server, "issues")
    first = listed(frame)[0]
    click_in(frame, first, "Resolve")
    frame.said()
    page.run("location.hash = 'changes'")
    changes = Frame(page, "Changes")
    changes.wait("document.querySelectorAll('.row').length > 0")
    number = changes.run("document.querySelector('.name').textContent").partition(".")[0]
    changes.click(f"Undo change {number}")
    assert '"status":"active"' in changes.wait("document.querySelector('dialog')?.textContent")
    assert issue_of(sandbox, first)["status"] == "resolved"
    changes.wait(
        "(box => box.top >= 0 && box.bottom <= innerHeight)(document.querySelector('dialog').getBoundingClientRect())"
    )
    changes.click("Undo now")
    assert changes.said().startswith(f"Change {number} was undone.")

    assert issue_of(sandbox, first)["status"] == "active"
    changes.wait(f"document.getElementById('out').textContent.includes('undoes {number}')")


def test_rules_are_reordered_by_keyboard_and_put_back(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    before = order_of(sandbox, "assignment")
    frame = open_page(page, server, "rules")
    frame.wait("document.querySelectorAll('#k-assignment .row').length === 4")
    frame.run("document.querySelector('#k-assignment [data-move=down]').focus()")
    page.press("Enter")
    page.press("Enter")
    assert frame.run("document.activeElement.getAttribute('aria-label')").startswith("Move down rule 3, ")
    assert order_of(sandbox, "assignment") == before
    frame.click("Save the order of the assignment rules")
    shown = frame.run("[...document.querySelectorAll('dialog ol')].map(one => one.children.length)")
    assert shown == [4, 4]
    frame.click("Save this order")
    assert frame.said().startswith("The order of the assignment rules was saved.")
    moved = [before[1], before[2], before[0], before[3]]
    assert order_of(sandbox, "assignment") == moved

    frame.click("Undo the new order")
    frame.wait(
        "document.getElementById('said').textContent.startsWith('The order of the assignment rules is as it was.')"
    )
    assert order_of(sandbox, "assignment") == before


def test_rules_are_reordered_by_drag(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    before = order_of(sandbox, "grouping")
    frame = open_page(page, server, "rules")
    frame.wait("document.querySelectorAll('#k-grouping .row').length === 2")
    frame.run(
        """(([from, to], data) => {
        for (const [type, row] of [["dragstart", from], ["dragover", to], ["drop", to], ["dragend", from]])
          row.dispatchEvent(new DragEvent(type, {bubbles: true, cancelable: true, dataTransfer: data}));
        })(document.querySelectorAll('#k-grouping .row'), new DataTransfer())"""
    )
    frame.click("Save the order of the grouping rules")
    frame.click("Save this order")
    frame.said()

    assert order_of(sandbox, "grouping") == before[::-1]


def test_a_rule_is_simulated_and_all_are_checked(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    frame = open_page(page, server, "rules")
    frame.wait("document.querySelectorAll('#k-suppression .row').length")
    assert "Disabled by PostHog: Error executing bytecode" in frame.run("document.getElementById('out').textContent")
    sandbox.empty_journal()
    frame.run("[...document.querySelectorAll('#k-suppression button')].at(-1).click()")
    frame.wait(
        "/Matches [\\d,]+ of [\\d,]+ \\(.*\\) exceptions of/.test(document.getElementById('k-suppression').textContent)"
    )
    frame.click("Simulate all grouping rules")
    frame.wait("document.getElementById('said').textContent === 'Counted 2 grouping rules.'")
    numbers = "[...document.querySelectorAll('#k-grouping [role=status]')].map(one => one.textContent)"
    counted = frame.run(numbers)
    assert [one.startswith("Matches ") for one in counted] == [True, True]
    frame.run("document.querySelector('#k-grouping [data-move=down]').click()")
    assert frame.run(numbers) == counted[::-1]
    # The pattern of this rule is wrong, so that PostHog evaluates it as little as the simulator does.
    frame.run("document.querySelectorAll('#k-assignment [aria-label^=Simulate]')[2].click()")
    said = frame.wait("document.querySelectorAll('#k-assignment [role=status]')[2].textContent.match(/.*PostHog .*/)")[
        0
    ]
    assert said.endswith("Nothing was counted: PostHog does not evaluate such a rule.")
    assert "window:" not in said
    frame.click("Check all rules")
    frame.wait("document.querySelectorAll('#findings .row').length > 0")

    assert {entry["method"] for entry in sandbox.journal()} <= {"GET", "POST"}
    assert [
        entry["path"] for entry in sandbox.journal() if entry["method"] == "POST" and "query" not in entry["path"]
    ] == []


def test_symbol_sets_are_searched_checked_and_deleted(page: Page, server: HttpServer, sandbox: SandboxProcess) -> None:
    frame = open_page(page, server, "symbol-sets")
    assert frame.run("document.querySelector('.row .tag').textContent") == "missing"
    frame.fill("[name=search]", "com.acme.shop")
    frame.click("Apply")
    frame.wait("document.querySelectorAll('.row').length === 1")
    frame.click("Delete com.acme.shop@5.2.0+302")
    frame.click("Delete")
    assert frame.said().startswith("Deleted com.acme.shop@5.2.0+302.")
    found = sandbox.api("GET", "symbol_sets/?search=com.acme.shop").json()
    assert found["results"] == []

    frame.fill("[name=folder]", "dist")
    frame.click("Check")
    frame.wait("document.querySelector('#build pre')?.textContent")


def test_missing_symbol_sets_are_ordered_by_the_exceptions_that_they_spoil(page: Page, server: HttpServer) -> None:
    frame = open_page(page, server, "symbol-sets")
    frame.click("Count the exceptions that each leaves minified")
    assert frame.said().startswith("Counted in the last 7 days, by the newest event of ")

    rows = frame.run("[...document.querySelectorAll('.row')].map(row => row.textContent)")
    counts = [row.partition("Leaves ")[2].partition(" exceptions")[0] for row in rows]
    assert "0192f3a0-5c1e-7000-8000-9a4be1d7c3e9" in rows[0]
    assert int(counts[0]) > 100
    assert counts.count("") == 3  # the sets that lack nothing


def test_the_token_is_asked_for_once(page: Page, server: HttpServer) -> None:
    page.go(f"{server.url}/#issues")
    page.wait("!document.getElementById('access').hidden")
    page.run("document.querySelector('[name=token]').value = 'wrong-token-of-this-length'")
    page.run("document.querySelector('#access button').click()")
    page.wait("document.getElementById('problem').textContent.includes('does not accept this token')")
    page.run(f"document.querySelector('[name=token]').value = {TOKEN!r}")
    page.run("document.querySelector('#access button').click()")
    page.wait("document.querySelectorAll('.row').length > 0", "Issues")
    page.run("document.getElementById('tab-rules').click()")
    page.wait("document.querySelectorAll('.row').length > 0", "Rules")
    assert TOKEN not in page.run("document.documentElement.outerHTML")
    complaints = [one for one in page.complaints() if "401" not in one]
    browser().events.clear()
    assert complaints == []


def test_without_a_token_nobody_is_asked_and_missing_tools_have_no_tab(page: Page, sandbox: SandboxProcess) -> None:
    with serving(sandbox.url, "--read-only") as server:
        page.go(f"{server.url}/#issues")
        page.wait("document.querySelectorAll('.row').length > 0", "Issues")
        tabs = page.run(
            "[...document.querySelectorAll('[role=tab]')].filter(tab => !tab.hidden).map(tab => tab.textContent)"
        )
        buttons = page.run("[...document.querySelectorAll('button')].map(one => one.textContent)", "Issues")

    assert tabs == ["Issues", "Rules", "Symbol sets", "Status and clients"]
    assert not {"Resolve", "Suppress", "Assign", "Set"} & set(buttons)


def test_callers_with_keys_of_their_own_are_asked_for_theirs(page: Page, sandbox: SandboxProcess) -> None:
    keyless = {"POSTHOG_PERSONAL_API_KEY": None, "MCP_CALLER_KEYS": "1"}
    with serving(sandbox.url, **keyless) as server:
        page.go(f"{server.url}/#symbol-sets")
        page.wait("!document.getElementById('access').hidden")
        page.run(f"document.querySelector('[name=key]').value = {sandbox.key!r}")
        page.run("document.querySelector('#access button').click()")
        page.wait("document.querySelectorAll('.row').length > 0", "Symbol sets")
        stored = page.run("JSON.stringify([sessionStorage, localStorage, document.cookie])")

    assert sandbox.key not in stored


def test_a_server_that_is_gone_is_reported_on_the_page(page: Page, sandbox: SandboxProcess) -> None:
    with serving(sandbox.url) as server:
        page.go(f"{server.url}/#symbol-sets")
        page.wait("document.querySelectorAll('.row').length > 0", "Symbol sets")
    Frame(page, "Symbol sets").click("Apply")
    said = Frame(page, "Symbol sets").said()
    browser().events.clear()

    assert said == "This server does not answer. Check that it runs, then try again."


def test_the_page_cannot_reach_the_network_nor_its_host(page: Page, server: HttpServer) -> None:
    frame = open_page(page, server, "issues")
    blocked = "then(() => 'reached', () => 'blocked')"
    assert frame.run(f"fetch({server.url + '/healthz'!r}).{blocked}") == "blocked"
    assert frame.run("(() => { try { return parent.document.title } catch { return 'blocked' } })()") == "blocked"
    assert frame.run("(() => { try { return sessionStorage.length } catch { return 'blocked' } })()") == "blocked"
    for tag, props in (
        ("link", f"rel: 'prefetch', href: {server.url + '/healthz'!r}"),
        ("img", f"src: {server.url + '/healthz'!r}"),
    ):
        loaded = frame.run(
            f"""new Promise(resolve => document.head.append(Object.assign(document.createElement('{tag}'), {{{props},
            onload: () => resolve('reached'), onerror: () => resolve('blocked')}})))"""
        )
        assert loaded == "blocked", tag
    frame.run("(s => { s.textContent = 'window.ran = 1'; document.body.append(s); })(document.createElement('script'))")
    assert frame.run("window.ran ?? null") is None
    browser().events.clear()


def test_each_write_of_a_server_that_confirms_shows_its_question(
    page: Page, sandbox: SandboxProcess, tmp_path: Path
) -> None:
    journal = ("--toolsets", "all", "--journal", str(tmp_path / "journal"))
    with serving(sandbox.url, "--confirm", "writes", *journal) as server:
        page.go(f"{server.url}/#issues")
        frame = Frame(page, "Issues")
        frame.wait("document.querySelectorAll('.row').length > 0")
        first, second, third = listed(frame)[:3]
        sandbox.empty_journal()
        click_in(frame, first, "Resolve")
        confirm(frame, sandbox, 'Allow "Update issue"')
        assert frame.said().startswith("Resolved: ")
        for one in (second, third):
            frame.run(f"document.querySelector('#i{one} input[type=checkbox]').click()")
        sandbox.empty_journal()
        frame.click("Merge 2 issues")
        frame.click("Merge")
        confirm(frame, sandbox, 'Allow "Merge issues"')
        frame.wait("document.getElementById('said').textContent.startsWith('Merged 1 into ')")

        page.run("location.hash = 'rules'")
        frame = Frame(page, "Rules")
        frame.wait("document.querySelectorAll('#k-assignment .row').length === 4")
        frame.run("document.querySelector('#k-assignment [data-move=down]').click()")
        sandbox.empty_journal()
        frame.click("Save the order of the assignment rules")
        frame.click("Save this order")
        confirm(frame, sandbox, "assignment rules")
        assert frame.said().startswith("The order of the assignment rules was saved.")

        page.run("location.hash = 'symbol-sets'")
        frame = Frame(page, "Symbol sets")
        sandbox.empty_journal()
        frame.click("Delete com.acme.shop@5.2.0+302")
        frame.click("Delete")
        confirm(frame, sandbox, "com.acme.shop")
        assert frame.said().startswith("Deleted com.acme.shop@5.2.0+302.")

        page.run("location.hash = 'changes'")
        frame = Frame(page, "Changes")
        frame.click("Undo change 1")
        sandbox.empty_journal()
        frame.click("Undo now")
        confirm(frame, sandbox, "Allow")
        assert frame.said().startswith("Change 1 was undone.")
        frame.wait("document.getElementById('out').textContent.includes('undoes 1')")

    assert issue_of(sandbox, first)["status"] == "active"


def confirm(frame: Frame, sandbox: SandboxProcess, question: str) -> None:
    """Read the question, with nothing written yet, and allow the write."""
    shown = frame.wait("document.querySelector('dialog pre')?.textContent")
    assert question in shown
    assert [one for one in sandbox.journal() if one["method"] != "GET" and "query" not in one["path"]] == []
    frame.click("Confirm")


def test_a_token_that_expires_is_asked_for_again(page: Page, sandbox: SandboxProcess) -> None:
    other = "another-token-of-more-than-sixteen-characters"
    with serving(sandbox.url, MCP_SERVER_TOKEN=TOKEN) as server:
        frame = open_page(page, server, "symbol-sets")
        port = server.url.rpartition(":")[2]
    with serving(sandbox.url, "--port", port, MCP_SERVER_TOKEN=other):
        frame.click("Apply")
        page.wait("document.getElementById('problem').textContent.includes('has expired')")
        assert page.run("[document.querySelectorAll('iframe').length, sessionStorage.length]") == [0, 0]
        page.run(f"document.querySelector('[name=token]').value = {other!r}")
        page.run("document.querySelector('#access button').click()")
        frame.wait("document.querySelectorAll('.row').length > 0")
    browser().events.clear()


def test_a_page_that_is_left_while_it_is_read_does_not_come(page: Page, server: HttpServer) -> None:
    open_page(page, server, "issues")
    page.run(
        """(before => {
        window.fetch = async (...given) => {
          const isPage = given[1].body.includes("resources/read");
          if (isPage) await new Promise(resolve => { window.go = resolve; });
          const answer = await before(...given), text = await answer.text();
          if (isPage) setTimeout(() => setTimeout(() => { window.answered = true; }));
          return new Response(text, {status: answer.status});
        };
        })(fetch)"""
    )
    page.run("location.hash = 'rules'")
    page.wait("Boolean(window.go)")
    page.run("document.getElementById('tab-status').click()")
    page.wait("document.getElementById('app').hidden")
    page.run("window.go()")
    page.wait("window.answered")
    assert page.run("document.querySelectorAll('iframe').length") == 0


def test_a_page_of_a_newer_server_is_not_waited_for(page: Page, server: HttpServer) -> None:
    open_page(page, server, "issues")
    page.run(
        """((before, wait) => {
        window.fetch = async (...given) => {
          const answer = await before(...given), text = await answer.text();
          return new Response(text.replace("use strict", "use  strict"), {status: answer.status});
        };
        window.setTimeout = (run, milliseconds) => wait(run, milliseconds / 50);
        })(fetch, setTimeout)"""
    )
    page.run("location.hash = 'rules'")
    page.wait("document.getElementById('message').textContent === 'This page is older than its server. Reload it.'")
    assert page.run("document.querySelectorAll('iframe').length") == 0
    browser().events.clear()


class _OtherSite(BaseHTTPRequestHandler):
    """An empty page of another site. It sets no policy, as an attacker would not."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>other site</title>")

    def log_message(self, *args: Any, **more: Any) -> None: ...


_ATTACK = """
new Promise(resolve => {
  const load = tag => new Promise(done => {
    const part = document.createElement(tag);
    part.onload = part.onerror = () => done(tag);
    part.src = "%(url)s/?" + tag;
    document.body.append(part);
  });
  const silent = fetch("%(url)s/sse", {mode: "no-cors"}).catch(() => 0);
  Promise.all([...["img", "script", "iframe"].map(load), silent]).then(() => resolve(1));
})
"""


def test_another_site_can_neither_load_nor_frame_nor_hold_the_page(page: Page, server: HttpServer) -> None:
    with HTTPServer(("127.0.0.1", 0), _OtherSite) as other:
        Thread(target=other.serve_forever, daemon=True).start()
        page.go(f"http://localhost:{other.server_port}/")
        other.shutdown()
    page.send("Network.enable")
    page.run(_ATTACK % {"url": server.url})
    events = [(one["method"].removeprefix("Network."), one["params"]) for one in browser().events]
    urls = {one["requestId"]: one["request"]["url"] for kind, one in events if kind == "requestWillBeSent"}
    answered = [one for kind, one in events if kind == "responseReceivedExtraInfo"]
    loaded = {urls[one["requestId"]]: one["statusCode"] for one in answered}
    page.send(
        "Runtime.evaluate",
        expression=f"window.held = open('{server.url}/?held'); 0",
        userGesture=True,
        returnByValue=True,
    )
    page.wait("held.closed")
    targets = browser().send("Target.getTargets")["targetInfos"]
    (opened,) = [one for one in targets if one["url"] == f"{server.url}/?held"]
    browser().send("Target.closeTarget", targetId=opened["targetId"])
    browser().events.clear()

    assert loaded == {f"{server.url}/{path}": 403 for path in ("?img", "?script", "?iframe", "sse")}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_around_them_has_nothing_serious_either(scheme: str, page: Page, server: HttpServer) -> None:
    page.size(320, scheme=scheme)
    page.go(f"{server.url}/")
    on_status = serious_problems(page)
    page.run("location.hash = '#issues'")
    page.wait("!document.getElementById('access').hidden")

    assert (on_status, serious_problems(page)) == ([], [])
    assert page.run("document.documentElement.scrollWidth") <= 320


def test_the_tabs_are_reached_by_keyboard(page: Page, server: HttpServer) -> None:
    open_page(page, server, "issues")
    page.run("document.getElementById('tab-issues').focus()")
    for key in ("ArrowRight", "ArrowRight", "Enter"):
        page.press(key)
    page.wait("document.querySelectorAll('.row').length > 0", "Rules")

    assert page.run("document.activeElement.id") == "tab-rules"
    assert page.run("[...document.querySelectorAll('[role=tab][aria-selected=true]')].map(tab => tab.id)") == [
        "tab-rules"
    ]
