"""A symbol set, fetched and opened."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import as_object
from mcp_errortracking.workflows.base import Context
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError, printable, quoted
from mcp_errortracking.workflows.source_maps.container import ContainerError, DataType, TooMuchError
from mcp_errortracking.workflows.source_maps.maps.map_json import parse_map
from mcp_errortracking.workflows.source_maps.maps.script import comment
from mcp_errortracking.workflows.source_maps.maps.source_map import version_of
from mcp_errortracking.workflows.source_maps.maps.source_paths import readable_path
from mcp_errortracking.workflows.source_maps.maps.sources import Source, SourcesError, list_sources, write_sources
from mcp_errortracking.workflows.source_maps.remote.download import Downloaded, NoSymbolSetError, download
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import ObjectMissingError, StorageError

if TYPE_CHECKING:
    from mcp_errortracking.workflows.source_maps.tools import InspectSymbolSet

NEVER_FINISHED = "never_finished"
"""The error code for an upload that was started, but whose file never arrived."""
_SHOWN_SOURCES = 100
_MOST_SOURCES = 1000
"""Sources in the structured answer."""
_MOST_TEXT = 200_000
"""Characters of a source in the answer."""


async def run(call: "InspectSymbolSet", context: Context) -> Outcome:
    """Fetch the set, and describe its content."""
    fetched = await fetch(context, symbol_set_id=str(call.id) if call.id else None, ref=call.ref)
    return await to_thread.run_sync(partial(_describe, call, context, fetched))


async def fetch(context: Context, *, symbol_set_id: str | None = None, ref: str | None = None) -> Downloaded:
    """Fetch a symbol set with its content.

    Raises:
        WorkflowError: it does not exist, was never uploaded, or its content cannot be read.
    """
    async with Storage(context.environment.host, http_proxy=context.environment.http_proxy) as storage:
        try:
            return await download(context.sender, storage, symbol_set_id=symbol_set_id, ref=ref)
        except NoSymbolSetError as error:
            next_step = "List them with error-tracking-symbol-sets-list."
            raise WorkflowError("no_symbol_set", str(error), next_step=next_step) from None
        except ObjectMissingError as error:
            raise WorkflowError(NEVER_FINISHED, error.what, next_step=error.next_step) from None
        except StorageError as error:
            raise WorkflowError(error.code or "storage", error.what, next_step=error.next_step) from None
        except TooMuchError as error:
            next_step = "Resolve its frames with folder, a local build."
            raise WorkflowError("too_large", str(error), next_step=next_step) from None
        except ContainerError as error:
            next_step = "Upload the build again, with force."
            raise WorkflowError("broken_container", "The stored file cannot be read.", str(error), next_step) from None


def _describe(call: "InspectSymbolSet", context: Context, fetched: Downloaded) -> Outcome:
    symbols, row = fetched.symbols, fetched.row
    release = as_object(row.get("release"))
    data: dict[str, Any] = {
        **{name: row.get(name) for name in ("id", "ref", "created_at", "last_used", "failure_reason")},
        "release": release.get("version"),
        "kind": symbols.kind.name.lower(),
        "container_version": symbols.version,
        "bytes_stored": fetched.size,
        "bytes_of_map": len(symbols.data),
    }
    if symbols.source is not None:
        data |= {"bytes_of_bundle": len(symbols.source), "chunk_id_in_bundle": comment(symbols.source, "chunkId")}
    if symbols.kind not in (DataType.SOURCE_AND_MAP, DataType.HERMES_MAP):
        return Outcome(data)
    source_map = parse_map(symbols.data)
    data["version_of_map"] = version_of(source_map)
    try:
        sources = list_sources(source_map)
        text = _source_text(sources, call.source) if call.source else None
        written = _write(call.write_to, context, sources) if call.write_to else None
    except SourcesError as error:
        raise WorkflowError("no_sources", str(error)) from None
    data["sources"] = [
        {"source": one.name, "characters": None if one.content is None else len(one.content)}
        for one in sources[:_MOST_SOURCES]
    ]
    if written is not None:
        data["written"] = [printable(str(path)) for path in written[:_MOST_SOURCES]]
    shown, notes = dict(data), list[str]()
    if len(sources) > _SHOWN_SOURCES:
        shown["sources"] = data["sources"][:_SHOWN_SOURCES]
        notes.append(f"{len(sources) - _SHOWN_SOURCES} more sources are left out; write_to writes all of them.")
    if text is not None:
        data["text"], shown["text"] = text[:_MOST_TEXT], tuple(text[:_MOST_TEXT].splitlines())
        if len(text) > _MOST_TEXT:
            notes.append(f"Only the first {_MOST_TEXT:,} of {len(text):,} characters are here; write_to writes all.")
    if not all(one.content is not None for one in sources):
        notes.append("The map does not hold all of its sources: the bundler left their text out (sourcesContent).")
    return Outcome(data, notes, display=shown)


def _source_text(sources: list[Source], name: str) -> str:
    """Return the text of a source, by its name in the map, or by the path that resolved frames show if it is unique.

    Raises:
        WorkflowError: the map holds no text of this name.
    """
    texts = [one.content for one in sources if one.name == name]
    texts = texts or [one.content for one in sources if readable_path(one.name) == name]
    if len(texts) != 1 or texts[0] is None:
        what = f"The map holds no text of {quoted(name)}."
        raise WorkflowError("no_source", what, next_step="Use a listed name.")
    return texts[0]


def _write(folder: str, context: Context, sources: list[Source]) -> list[Path]:
    return write_sources(sources, folder, Roots(context.environment.roots))
