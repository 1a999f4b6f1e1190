"""Builds the site: the generator's strict run, then what it needs to load nothing from other hosts."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from tools.site.pages import ROOT
from tools.site.staging import stage

HOME = ROOT / ".venv" / "site"
"""The generator and the shim, as `.ci/site` installs them."""
GENERATOR = HOME / "python" / "bin" / "zensical"
_SHIM = HOME / "node_modules" / "iframe-worker" / "shim" / "index.js"
_REMOTE_SHIM = re.compile(r"https://[\w.-]+/iframe-worker/shim")
"""The generator's address of the script that lets search run in a page without a server."""
_LOCAL_SHIM = "assets/javascripts/iframe-worker.js"
_LOADED = re.compile(r"<(?:script|link|img|iframe|source)\b[^>]*?(?:src|href)=[\"']?(?P<url>(?:https?:)?//[^\"'> ]+)")


class BuildError(Exception):
    """The generator found a problem, or a page would load something from another host."""


def build(target: Path) -> None:
    """Build the site into a folder, which is replaced. Beside each page lies its Markdown, for `llms.txt`.

    Raises:
        BuildError, LinkError: the site has a problem; the old one is left as it was.
    """
    with tempfile.TemporaryDirectory(prefix="mcp-errortracking-site-") as folder:
        source = Path(folder, "source")
        stage(source)
        done = subprocess.run([GENERATOR, "build", "--strict"], cwd=source, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BuildError(re.sub(r"\x1b\[[\d;]*m", "", done.stdout + done.stderr))
        built = source / "site"
        shutil.copyfile(_SHIM, built / _LOCAL_SHIM)
        for page in built.rglob("*.html"):
            text = _REMOTE_SHIM.sub(_LOCAL_SHIM, page.read_text("utf-8"))
            page.write_text(text, "utf-8")
            if found := loaded_from_elsewhere(text):
                raise BuildError(f"{page.name} loads {', '.join(found)}")
        for page in (source / "docs").glob("*.md"):
            shutil.copyfile(page, built / page.name)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(built, target)


def loaded_from_elsewhere(html: str) -> list[str]:
    """Return the addresses of other hosts from which a browser would load parts of a page."""
    return [found["url"] for found in _LOADED.finditer(html)]
