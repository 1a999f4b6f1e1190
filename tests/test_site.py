"""The documentation as a site: every link holds, nothing is loaded from other hosts, and search finds pages offline."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.required import program
from tools.site import building, staging
from tools.site.pages import GROUPS, ROOT, Page, llms_txt, pages

_TYPE = """
<script>
function all(root, wanted) {
  return [...root.querySelectorAll(wanted), ...[...root.querySelectorAll("*")]
    .filter(one => one.shadowRoot).flatMap(one => all(one.shadowRoot, wanted))];
}
function later(seconds, act) { setTimeout(act, seconds * 1000); }
addEventListener("load", () => later(1, () => {
  document.querySelector(".md-search__button").click();
  later(2, () => {
    const input = all(document, "input").filter(one => !["radio", "checkbox"].includes(one.type)).pop();
    input.value = "CODEOWNERS";
    input.dispatchEvent(new Event("input", {bubbles: true, composed: true}));
    later(4, () => {
      const found = all(document, "a").map(one => one.getAttribute("href") || "").filter(one => one.includes("?h="));
      document.title = "found: " + found.join(" ");
    });
  });
}));
</script>
"""
"""Types into the search as a reader does. The seconds are those of the browser's virtual clock, which does not wait."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built site; skip without the generator, or fail in CI."""
    if not building.GENERATOR.exists():
        if os.environ.get("MCP_TEST_ALL"):
            pytest.fail("run .ci/site first")
        pytest.skip("needs .ci/site")
    folder = tmp_path_factory.mktemp("site") / "built"
    building.build(folder)
    return folder


def test_every_page_is_on_the_site_once_and_its_links_lead_to_files(tmp_path: Path) -> None:
    staging.stage(tmp_path / "site")

    docs = {page.name for page in (ROOT / "docs").rglob("*.md")}
    staged = [page.name for page in (tmp_path / "site" / "docs").glob("*.md")]
    assert sorted(staged) == sorted({*docs, "index.md", "SECURITY.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    assert (tmp_path / "site/docs/source/mcp_errortracking/sandbox/default_seed.json").exists()
    assert "](SECURITY.md" in (tmp_path / "site" / "docs" / "windows.md").read_text("utf-8")


@pytest.mark.parametrize("target", ["nothing.md", "../../outside.md", "../docs"])
def test_a_link_that_leads_nowhere_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    page = tmp_path / "root" / "docs" / "broken.md"
    page.parent.mkdir(parents=True)
    (tmp_path / "outside.md").touch()
    page.write_text(f"# Broken\n\n[link]({target})\n")
    monkeypatch.setattr(staging, "ROOT", tmp_path / "root")

    with pytest.raises(staging.LinkError, match=re.escape(f"docs/broken.md links to {target}")):
        staging.with_links(Page(page, "Start"), [], tmp_path)


def test_a_link_in_an_example_is_left_alone(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```md\n[link](nothing.md)\n```\n")

    assert staging.with_links(Page(page, "Start"), [], tmp_path) == page.read_text()


def test_every_page_says_what_it_is_about() -> None:
    text = llms_txt()
    entries = re.findall(r"^- \[.+\]\((.+)\)(?:: (.+))?$", text, re.MULTILINE)

    assert text.startswith("# mcp_errortracking\n\n> An MCP server for PostHog error tracking.\n")
    assert [name for name, _ in entries] == [page.name for page in pages()]
    assert [name for name, summary in entries if not summary] == ["SECURITY.md", "architecture.md"]


def test_every_page_of_docs_is_in_a_group_by_name() -> None:
    last = list(GROUPS)[-1]

    assert [page.name for page in pages() if page.group == last] == ["CONTRIBUTING.md", "CHANGELOG.md"]


def test_nothing_is_loaded_from_other_hosts(site: Path) -> None:
    built = list(site.glob("*.html"))

    assert len(built) == len(pages()) + 1  # and 404.html
    for page in built:
        assert building.loaded_from_elsewhere(page.read_text("utf-8")) == []
    assert "iframe-worker" in (site / "index.html").read_text("utf-8")


def test_what_a_browser_loads_is_found() -> None:
    html = (
        '<a href="https://a.example"></a><script src=//b.example/x.js></script><link rel=x href="https://c.example/y">'
    )

    assert building.loaded_from_elsewhere(html) == ["//b.example/x.js", "https://c.example/y"]


def test_the_pages_that_a_model_is_pointed_to_exist(site: Path) -> None:
    names = re.findall(r"\]\((.+?)\)", (site / "llms.txt").read_text("utf-8"))

    assert len(names) > 20
    assert [name for name in names if not (site / name).exists()] == []


def test_a_heading_that_is_gone_fails_the_build(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_outside_fences", lambda text, _: f"{text}\n[gone](#no-such-heading)\n")

    with pytest.raises(building.BuildError, match="anchor does not exist"):
        building.build(tmp_path / "site")

    assert not (tmp_path / "site").exists()


def test_search_finds_a_page_without_a_server(site: Path) -> None:
    page = site / "search-test.html"
    page.write_text((site / "index.html").read_text("utf-8") + _TYPE, "utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--host-resolver-rules=MAP * ~NOTFOUND")
    done = subprocess.run(
        [program("chromium"), *options, "--virtual-time-budget=20000", "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert re.search(r"<title>found: .*rules-as-code\.html\?h=", done.stdout), done.stderr[-2000:]
