"""Readable paths for the names that bundlers give to original sources."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError

_BUNDLERS = re.compile(r"(?:webpack|webpack-internal|turbopack|rollup|parcel|app|ng|vite|metro|rspack):")
_MARKS = re.compile(r"^(?:\[[\w-]+\]/|\([\w-]+\)/|@fs/|\./)+")
_CODE = {
    *(".js", ".jsx", ".mjs", ".cjs", ".es6", ".ts", ".tsx", ".mts", ".cts", ".coffee", ".ls", ".vue", ".svelte"),
    *(".astro", ".marko", ".riot", ".mdx", ".html", ".htm", ".hbs", ".ejs", ".pug", ".graphql", ".gql"),
    *(".css", ".scss", ".sass", ".less", ".styl", ".glsl", ".vert", ".frag", ".wgsl"),
    *(".elm", ".re", ".res", ".ml", ".mli", ".purs", ".hx", ".dart", ".clj", ".cljs", ".cljc", ".fs", ".fsx", ".scala"),
    *(".kt", ".kts", ".java", ".groovy", ".cs", ".swift", ".m", ".mm", ".c", ".cc", ".cpp", ".h", ".hh", ".hpp"),
    *(".rs", ".go", ".zig", ".py", ".rb", ".php"),
}
"""Extensions of files whose lines may be shown. Only code: an untrusted map can name any file, even `../.env`."""

_GENERATED = {
    *(
        ".nuxt",
        ".next",
        ".output",
        ".svelte-kit",
        ".astro",
        ".angular",
        ".vite",
        ".vinxi",
        ".solid",
        ".quasar",
        ".wasp",
    ),
    *(".docusaurus", ".expo", ".vercel", ".netlify", ".parcel-cache", ".turbo", ".pnpm", ".yarn", ".storybook"),
}
"""Hidden folders of which lines may be shown: bundlers, frameworks and package managers keep code there."""
_LONGEST_NAME = 4096
"""Characters of the name of a source that is read as a path; no file has a longer one."""


def readable_path(source: str) -> str:
    """Return a readable path for the name of a source.

    `webpack://shop/./src/cart.js?1a2b` and `../../src/cart.js` become `src/cart.js`.
    `file:///a/b.js` becomes `/a/b.js`.
    """
    if len(source) > _LONGEST_NAME:
        return source
    text = source.replace("\\", "/")
    try:
        parts = urlsplit(text)
    except ValueError:
        return source
    if parts.scheme == "file":
        return re.sub(r"^/([A-Za-z]:)", r"\1", unquote(parts.path))
    if _BUNDLERS.match(text):
        text = parts.path.lstrip("/")
    elif parts.scheme in ("http", "https"):
        text = unquote(parts.path).lstrip("/")
    else:
        text = re.sub(r"\?[^/]*$", "", text).removeprefix("\0")
    text = _MARKS.sub("", text)
    kept: list[str] = []
    for part in text.split("/"):
        if part == ".." and kept and kept[-1]:
            kept.pop()
        elif part not in (".", "..") and (part or not kept):
            kept.append(part)
    return "/".join(kept) or source


def find_on_disk(roots: Roots, source: str, map_path: Path | None) -> Path | None:
    """Return the code file below the roots that a source's name means; None if it does not exist.

    Hidden files and files without an extension of code never count, even through a symlink, nor do files in hidden
    folders other than those of bundlers. A relative name starts at the map. Otherwise the readable path is searched in
    the folders from the map's up to its root, and in the roots.
    """
    if len(source) > _LONGEST_NAME:
        return None
    path = readable_path(source)
    starts = list(roots.folders)
    places: list[Path] = []
    if map_path:
        if not _has_scheme(source):
            places.append(map_path.parent / source)
        starts = [folder for folder in map_path.parents if roots.holds(folder)] + starts
    if path.startswith("/"):
        places.append(Path(path))
    places += [folder / path.lstrip("/") for folder in starts]
    for place in places:
        try:
            found = roots.file(place)
            if found and is_code(found) and not _is_in_hidden(found, roots):
                return found
        except (WorkflowError, ValueError):
            continue
    return None


def is_code(path: Path) -> bool:
    """True if a file is not hidden and has an extension of code."""
    return path.suffix.lower() in _CODE and not path.name.startswith(".")


def _is_in_hidden(path: Path, roots: Roots) -> bool:
    """True if a folder between a file and its root is hidden, such as `.git`, and not one of a bundler."""
    for folder in path.parents:
        if folder in roots.folders or not roots.holds(folder):
            return False
        if folder.name.startswith(".") and folder.name.lower() not in _GENERATED:
            return True
    return False


def _has_scheme(source: str) -> bool:
    try:
        return bool(urlsplit(source).scheme)
    except ValueError:  # a broken URL, but a URL
        return True
