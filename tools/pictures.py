"""Write the pictures of the pages in docs/pictures: each page at `/` of a server over the sandbox, in a real browser.

python -m tools.pictures
"""

import tempfile
from collections.abc import Callable
from pathlib import Path

from mcp_errortracking.server.apps.pages import TITLES
from tests.browser import Frame, Page, browser
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import TOKEN, serving
from tools.png import with_palette

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
LARGEST = 60_000
"""Bytes of a picture."""
_WIDTH, _HEIGHT = 820, 560
_ROWS = "document.querySelectorAll('.row').length > 0"


def main() -> None:
    """Write all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, SandboxProcess() as sandbox:
        journal = ("--journal", str(Path(folder, "journal")))
        with serving(sandbox.url, "--toolsets", "all", *journal, MCP_SERVER_TOKEN=TOKEN) as server:
            page = browser().page()
            page.size(_WIDTH, _HEIGHT)
            page.go(f"{server.url}/")
            page.run(f"sessionStorage.setItem('token', {TOKEN!r})")
            page.go(f"{server.url}/?pictures#issues")
            for name, take in _PICTURES.items():
                take(page)
                frame = Frame(page, TITLES[name])
                frame.wait("document.documentElement.scrollHeight <= innerHeight")
                frame.run("document.activeElement.blur()")
                page.run("scrollTo(0, 0)")
                file = FOLDER / f"{name}.png"
                page.screenshot(file)
                file.write_bytes(with_palette(file.read_bytes()))
                size = file.stat().st_size
                print(f"{file.name}: {size} bytes")
                if size >= LARGEST:
                    raise SystemExit(f"{file.name} is too large: make the window smaller")


def _issues(page: Page) -> None:
    Frame(page, "Issues").wait(f"{_ROWS} && document.querySelectorAll('svg').length > 0")


def _issue(page: Page) -> None:
    page.run("location.hash = '#issue/0193f2a0-a971-75e7-9db9-4c257c0eba6e'")
    frame = Frame(page, "Issue")
    frame.wait("document.querySelectorAll('#event .row').length && document.querySelectorAll('#summary h3').length")


def _rules(page: Page) -> None:
    page.run("location.hash = '#rules'")
    frame = Frame(page, "Rules")
    frame.wait("document.querySelectorAll('#k-severity .row').length > 0")
    frame.run("document.querySelector('#k-assignment [aria-label^=Simulate]').click()")
    frame.wait("document.querySelector('main').textContent.includes('Matches ')")


def _symbol_sets(page: Page) -> None:
    page.run("location.hash = '#symbol-sets'")
    Frame(page, "Symbol sets").wait(_ROWS)


def _changes(page: Page) -> None:
    page.run("location.hash = '#issues'")
    issues = Frame(page, "Issues")
    for name in ("Resolve: TypeError", "Suppress: FetchError", "Reopen: TypeError"):
        issues.click(name)
        issues.wait(f"document.getElementById('said').textContent.startsWith({name.split(':')[0][:6]!r})")
    page.run("location.hash = '#rules'")
    rules = Frame(page, "Rules")
    rules.wait("document.querySelectorAll('#k-assignment .row').length === 4")
    rules.run("document.querySelector('#k-assignment [data-move=down]').click()")
    rules.click("Save the order of the assignment rules")
    rules.click("Save this order")
    rules.said()
    page.run("location.hash = '#changes'")
    changes = Frame(page, "Changes")
    changes.wait("document.querySelectorAll('.row').length === 4")
    changes.click("Undo change 2")
    changes.click("Undo now")
    changes.said()
    changes.wait("document.querySelectorAll('.row').length === 5")


_PICTURES: dict[str, Callable[[Page], None]] = {
    "issues": _issues,
    "issue": _issue,
    "rules": _rules,
    "symbol-sets": _symbol_sets,
    "changes": _changes,
}

if __name__ == "__main__":
    main()
