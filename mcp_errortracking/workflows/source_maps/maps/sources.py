"""The original sources of a source map: listing them, and writing them into a folder."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.source_maps.maps.map_json import Fields, text_of
from mcp_errortracking.workflows.source_maps.maps.source_map import below_root

_MOST_CHARACTERS = 64 * 1024 * 1024
"""Of all names of a map together: each contains the `sourceRoot`."""
_MOST_FILES = 50_000
MOST_SOURCES = 200_000
_NESTING = 8  # sections within sections
_MAX_PARTS = 40
_MAX_PART = 120  # characters of a file or folder name
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"|?*\\]+')
_SCHEME = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*:/*")
_RESERVED = re.compile(r"^(con|prn|aux|nul|(?:com|lpt)[\d\xb9\xb2\xb3]|con(?:in|out)\$)(\.|$)", re.IGNORECASE)
_SHORT_NAME = re.compile(r"~\d+$")  # Windows has a second name for a long one: git~1 is .git
_PACKAGES = ("node_modules", "site-packages", "dist-packages")
_MOST_FOLDERS = 10_000
"""Folders of all files that are written, with those above them: each is looked up from its root."""


class SourcesError(ValueError):
    """The map cannot be read, or its sources cannot be written. The text names the reason."""


@dataclass(frozen=True, slots=True)
class Source:
    """One original source as a map names it; `content` is None if the map does not hold it."""

    name: str
    content: str | None


def list_sources(source_map: Fields) -> list[Source]:
    """Return the sources of a map and of its sections, each name once.

    Raises:
        SourcesError: it is not a source map.
    """
    found = dict[str, Source]()
    characters = 0
    for number, source in enumerate(_walk(source_map, 0)):
        if number == MOST_SOURCES:
            raise SourcesError(f"The source map names more than {MOST_SOURCES:,} sources.")
        characters += len(source.name)
        if characters > _MOST_CHARACTERS:
            raise SourcesError(
                f"The names of the sources have more than {_MOST_CHARACTERS >> 20} Mi characters together."
            )
        known = found.get(source.name)
        if known is None or known.content is None:
            found[source.name] = source
    return list(found.values())


def write_sources(sources: Sequence[Source], folder: str | Path, roots: Roots) -> list[Path]:
    """Write the sources whose text the map holds into a folder below the roots, and return the paths of the files.

    Names become paths below the folder, see `source_path`. A file that already has this content is left alone; the
    others are written with `Roots.write`.

    Raises:
        SourcesError: the map holds no text, a file with other content exists, or other programs run files of a folder,
            see `_refuse_run_from`; nothing was written.
        WorkflowError: the folder or a file lies outside the roots, or may not be written.
    """
    texts = [(source.name, source.content) for source in sources if source.content is not None]
    if not texts:
        raise SourcesError("The source map holds no sources: it was built without sourcesContent.")
    if len(texts) > _MOST_FILES:
        raise SourcesError(f"The source map holds {len(texts):,} sources; at most {_MOST_FILES:,} are written.")
    base = roots.resolve(folder)
    targets, same = dict[Path, bytes](), set[Path]()
    for relative, text in _placed(texts):
        target = _place(base, relative, roots)
        content = targets[target] = text.encode("utf-8", "replace")
        if roots.stat(target) is not None:
            if roots.read_part(target, len(content) + 1) != content:
                raise SourcesError(f"{relative} already exists with other content. Choose another folder.")
            same.add(target)
    _refuse_run_from([base, *(target.parent for target in targets)], roots)
    changed = [(target, content) for target, content in targets.items() if target not in same]
    for folder in dict.fromkeys(target.parent for target, _ in changed):
        roots.make_folder(folder)
    roots.write(*changed)
    return list(targets)


def _placed(texts: Sequence[tuple[str, str]]) -> Iterator[tuple[Path, str]]:
    """Yield texts with paths that do not collide, also on file systems that ignore case."""
    folders = {_key(folder) for name, _ in texts for folder in source_path(name).parents}
    taken = set[str]()
    for name, text in texts:
        relative = plain = source_path(name)
        digest = name.encode("utf-8", "replace")
        while (
            _key(relative) in taken or _key(relative) in folders
        ):  # two names can become the same path, or a file and a folder
            digest = hashlib.sha256(digest).hexdigest()[:8].encode()
            relative = plain.with_name(f"{plain.stem}-{digest.decode()}{plain.suffix}")
        taken.add(_key(relative))
        yield relative, text


def _key(path: Path) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", str(path)).casefold())


def source_path(name: str) -> Path:
    """Return a safe relative path for a source's name: `webpack://shop/./src/a.ts` becomes `shop/src/a.ts`.

    Schemes, drive letters, `.` and `..` are dropped, and characters that are not seen, which some file systems ignore.
    Names with a meaning to a system or a tool get an underscore before them: those that Windows reserves, those that
    begin with a dot (`.git`), and folders of packages.
    """
    plain = _SCHEME.sub("", name.replace("\\", "/")).partition("?")[0]
    parts = list[str]()
    for part in plain.split("/"):
        safe = _plain(_UNSAFE.sub("_", part))
        if not safe:
            continue
        if _RESERVED.match(safe) or _SHORT_NAME.search(safe) or _is_run_by_name(safe):
            safe = f"_{safe}"
        if len(safe.encode("utf-8", "replace")) > _MAX_PART:
            digest = hashlib.sha256(safe.encode("utf-8", "replace")).hexdigest()[:8]
            safe = f"{digest}-{safe[-40:]}"
        parts.append(safe.encode("utf-8", "replace").decode())
    return Path(*(parts[-_MAX_PARTS:] or ["unnamed"]))


def _walk(data: Any, depth: int) -> Iterator[Source]:
    if not isinstance(data, dict) or depth > _NESTING:
        raise SourcesError("Not a source map: its JSON is not an object, or nested too deeply.")
    source_map = cast("dict[str, Any]", data)
    sections: Any = source_map.get("sections")
    if isinstance(sections, list):
        for section in cast("list[Any]", sections):
            inner = cast("dict[str, Any]", section).get("map") if isinstance(section, dict) else None
            if inner is not None:
                yield from _walk(inner, depth + 1)
        return
    names: Any = source_map.get("sources")
    if not isinstance(names, list):
        raise SourcesError("The source map names no sources.")
    contents: Any = source_map.get("sourcesContent")
    held = cast("list[Any]", contents) if isinstance(contents, list) else []
    root = text_of(source_map, "sourceRoot")
    for index, name in enumerate(cast("list[Any]", names)):
        content = held[index] if index < len(held) else None
        shown = below_root(root, name) if isinstance(name, str) else f"unnamed-{index}"
        yield Source(shown, content if isinstance(content, str) else None)


def _refuse_run_from(folders: Iterable[Path], roots: Roots) -> None:
    """Refuse folders below which other programs run files, such as `.git` or a Python environment.

    Raises:
        SourcesError: one of them is such a folder, or lies in one; or there are too many.
    """
    missing = set[Path]()
    for folder in _with_those_around(folders, roots):
        is_missing = folder.parent in missing or roots.stat(folder) is None
        if is_missing:
            missing.add(folder)
        if _is_run_by_name(folder.name) or (not is_missing and _is_run_from(folder, roots)):
            raise SourcesError(f"{folder} is a hidden folder, or holds installed packages. Choose another folder.")


def _with_those_around(folders: Iterable[Path], roots: Roots) -> list[Path]:
    """Return these folders and those around them, up to their roots, the outer ones first."""
    found = dict[Path, None]()
    for folder in folders:
        for around in (folder, *folder.parents):
            if around in found or around in roots.folders or not roots.holds(around):
                break
            found[around] = None
        if len(found) > _MOST_FOLDERS:
            raise SourcesError(f"The source map holds sources of more than {_MOST_FOLDERS:,} folders.")
    return sorted(found, key=lambda folder: len(folder.parts))


def _is_run_from(folder: Path, roots: Roots) -> bool:
    """True if it is a Python environment or a git folder."""
    if roots.file(folder / "pyvenv.cfg"):
        return True
    return roots.file(folder / "HEAD") is not None and roots.stat(folder / "objects") is not None


def _is_run_by_name(name: str) -> bool:
    plain = _plain(name)
    return plain.startswith(".") or plain.casefold() in _PACKAGES


def _plain(name: str) -> str:
    """Return a name without what some file systems leave out: invisible characters, blanks and dots at its end."""
    seen = "".join(letter for letter in name if unicodedata.category(letter) != "Cf")
    return seen.strip().rstrip(". ")


def _place(base: Path, relative: Path, roots: Roots) -> Path:
    """Return the file to write, symlinks followed.

    Raises:
        SourcesError: it lies outside the base.
        WorkflowError: it lies outside the roots.
    """
    target = roots.resolve(base / relative)
    if not target.parent.is_relative_to(base):
        raise SourcesError(f"{relative} leads out of the folder: a folder in its path is a symlink.")
    return target
