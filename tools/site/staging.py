"""The folder from which the site is built: all pages side by side, with links that hold there."""

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from tools.site.pages import GROUPS, ROOT, Page, llms_txt, pages

_LINK = re.compile(r"(?<=\])\((?P<target>[^()\s]+)\)")
_FENCE = re.compile(r"^(```.*?^```\s*$)", re.MULTILINE | re.DOTALL)
_CONFIGURATION = """\
[project]
site_name = "mcp_errortracking"
site_description = "MCP server for PostHog error tracking"
docs_dir = "docs"
site_dir = "site"
use_directory_urls = false
nav = [
{nav}
]

[project.theme]
font = false
features = ["navigation.sections", "navigation.top", "content.code.copy", "search.highlight"]

[project.plugins.search]
[project.plugins.offline]
"""
"""Neither fonts nor scripts of other hosts; search and links work from a folder, without a server."""


class LinkError(Exception):
    """A link leads to a file that does not exist, or out of the repository."""


def stage(folder: Path) -> None:
    """Write the pages, `llms.txt` and the configuration into a new folder.

    Raises:
        LinkError: a link of a page leads nowhere.
    """
    docs = folder / "docs"
    docs.mkdir(parents=True)
    found = pages()
    for page in found:
        (docs / page.name).write_text(with_links(page, found, docs), "utf-8")
    (docs / "llms.txt").write_text(llms_txt(), "utf-8")
    (folder / "zensical.toml").write_text(_CONFIGURATION.format(nav=_nav(found)), "utf-8")


def with_links(page: Page, found: list[Page], docs: Path) -> str:
    """Return the text of a page with links for the site. Linked files that are not pages are copied.

    Raises:
        LinkError: a link leads nowhere.
    """
    names = {one.file: one.name for one in found}

    def moved(link: re.Match[str]) -> str:
        target = link["target"]
        parts = urlsplit(target)
        if parts.scheme or not parts.path:
            return link[0]
        file = Path(os.path.normpath(page.file.parent / parts.path))
        if not file.is_file() or not file.is_relative_to(ROOT):
            raise LinkError(f"{page.file.relative_to(ROOT)} links to {target}, which is not a file here.")
        name = names.get(file)
        if name is None:
            name = (Path("source") / file.relative_to(ROOT)).as_posix()
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, docs / name)
        return f"({name}{f'#{parts.fragment}' if parts.fragment else ''})"

    return _outside_fences(page.text, lambda text: _LINK.sub(moved, text))


def _outside_fences(text: str, change: Callable[[str], str]) -> str:
    return "".join(part if part.startswith("```") else change(part) for part in _FENCE.split(text))


def _nav(found: list[Page]) -> str:
    rows = list[str]()
    for group in GROUPS:
        entries = ", ".join(f'{{ "{page.title}" = "{page.name}" }}' for page in found if page.group == group)
        rows.append(f'    {{ "{group}" = [{entries}] }},')
    return "\n".join(rows)
