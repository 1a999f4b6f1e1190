"""The records of the runs: an event of an SDK, its resolved frames, and the app's own bundle before the upload."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tools.frameworks.apps import APPS, App

FOLDER = Path(__file__).parents[2] / "tests/workflows/source_maps/fixtures/frameworks"
PAGE = Path(__file__).parents[2] / "docs" / "source-maps.md"
OUTPUT = "output"
ROOT = "/srv/shop"
"""The folder of an app, in what is kept."""
_BEGIN, _END = "<!-- frameworks -->", "<!-- end of frameworks -->"
_LARGEST = 60_000
"""Bytes of a bundle that is kept."""
_MOST_OF_OTHERS = 4_000
"""Characters of others' sources in a kept map: what bundlers add to each chunk."""

Record = dict[str, Any]


def records() -> Iterator[tuple[App, Path, Record]]:
    """Yield the records in the order of the apps, each with its folder."""
    for app in APPS:
        for folder in sorted(FOLDER.glob(f"{app.name}.*")):
            yield app, folder, json.loads((folder / "event.json").read_text("utf-8"))


def write_record(app: App, record: Record, before: Path, after: Path, sources: Path) -> None:
    """Write a record, with the bundle that threw if it holds hardly any code of others.

    Args:
        before: the build before the upload.
        after: the build after it.
        sources: the app's folder.
    """
    folder = FOLDER / f"{app.name}.{record['where'].lower()}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    record = {**record, "kept": False}
    own = {path.read_text("utf-8") for path in sources.rglob("*") if _is_source(path, sources)}
    if files := _own_files(record["event"], before, after, own):
        record["kept"] = True
        for file in files:
            target = folder / OUTPUT / file.relative_to(before)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            if len(files) == 1:  # of Hermes: its id is in the map, and not made of the content
                text = json.dumps(_without_others(json.loads(file.read_text("utf-8")), own))
                target.write_text(text.replace(str(sources), ROOT), "utf-8")
    text = json.dumps(record, indent=2, ensure_ascii=False)
    (folder / "event.json").write_text(text + "\n", "utf-8")


def _own_files(event: Record, before: Path, after: Path, own: set[str]) -> list[Path]:
    """Return the bundle of the innermost frame, and its map, as they were before the upload."""
    chunk_id = event["$exception_list"][0]["stacktrace"]["frames"][-1].get("chunk_id")
    mark = re.compile(rf"\b(?:chunkId=|chunk_?[iI]d\"\s*:\s*\"){re.escape(str(chunk_id))}\b")
    names = [path for path in sorted(after.rglob("*.*")) if path.is_file() and _is_marked(path, mark)]
    files = [before / path.relative_to(after) for path in names]
    maps = [file for file in files if file.suffix == ".map"]
    if len(maps) != 1 or any(file.stat().st_size > _LARGEST for file in files):
        return []
    if len(files) == 1:
        return files
    others = sum(len(text or "") for part in _parts(maps[0]) for text in _texts(part) if text not in own)
    return files if others <= _MOST_OF_OTHERS else []


def _parts(file: Path) -> list[Record]:
    fields = json.loads(file.read_text("utf-8"))
    return [section["map"] for section in fields["sections"]] if "sections" in fields else [fields]


def _texts(fields: Record) -> list[str | None]:
    return fields.get("sourcesContent") or [None] * len(fields["sources"])


def _without_others(fields: Record, own: set[str]) -> Record:
    return {**fields, "sourcesContent": [text if text in own else None for text in _texts(fields)]}


def _is_marked(path: Path, mark: re.Pattern[str]) -> bool:
    return path.suffix in (".js", ".mjs", ".cjs", ".map") and bool(mark.search(path.read_text("utf-8", "replace")))


def _is_source(path: Path, sources: Path) -> bool:
    return (
        path.is_file()
        and "node_modules" not in path.parts
        and path.suffix in (".ts", ".tsx", ".vue", ".svelte", ".astro")
    )


def table() -> str:
    """Return the table of the frameworks."""
    lines = [
        "| framework | version | setting for maps | build, and the folder to upload | ran in | resolved | in tests |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for app, _, record in records():
        frames = [f"`{frame['function']}` in {frame['source']}:{frame['line']}" for frame in record["resolved"]]
        cells = [
            app.label,
            record["version"],
            app.setting,
            f"`{app.command or app.build}`, `{app.output}`",
            record["where"],
            "<br>".join(frames),
            "yes" if record["kept"] else "no",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def with_table(page: str) -> str:
    """Return the page with the current table."""
    head, _, rest = page.partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    return f"{head}{_BEGIN}\n{table()}\n{_END}{tail}"
