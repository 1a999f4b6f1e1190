"""Downloads of symbol sets."""

import tempfile
from dataclasses import dataclass
from typing import Any, BinaryIO, cast
from uuid import UUID

from anyio import to_thread

from mcp_errortracking.catalog.endpoint import uuid_of
from mcp_errortracking.catalog.symbol_sets import MAX_FILE
from mcp_errortracking.proxy.errors import NotFoundError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.source_maps.container import MAX_DECODED, SymbolData, decode
from mcp_errortracking.workflows.source_maps.remote.answers import unreadable
from mcp_errortracking.workflows.source_maps.remote.storage import Storage
from mcp_errortracking.workflows.source_maps.remote.storage_errors import NoRoomError
from mcp_errortracking.workflows.source_maps.remote.symbol_sets import SymbolSets

_IN_MEMORY = 4 * 1024 * 1024


class NoSymbolSetError(LookupError):
    """The project has no such symbol set."""


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A symbol set: PostHog's row, and the content of its file. `size` is that of the file as stored."""

    row: dict[str, Any]
    symbols: SymbolData
    size: int


async def download(
    sender: Sender,
    storage: Storage,
    *,
    symbol_set_id: str | None = None,
    ref: str | None = None,
    limit: int = MAX_FILE,
    decoded_limit: int = MAX_DECODED,
) -> Downloaded:
    """Fetch a symbol set by its id, or by its ref: a chunk id or a URL.

    Args:
        limit: largest size of the file, in bytes.
        decoded_limit: largest size of its content, in bytes.

    Raises:
        NoSymbolSetError: the project has no such set.
        PostHogError: PostHog does not hand it out; with `no_file` nothing was ever uploaded for it.
        StorageError: object storage does not return it; `ObjectMissingError`: its upload was never completed;
            `NoRoomError`: the file does not fit into the folder for temporary files.
        ContainerError: the file cannot be read.
        ValueError: not exactly one of id and ref was given, or the id is not a UUID.
    """
    if (symbol_set_id is None) == (ref is None):
        raise ValueError("give a symbol set's id or its ref, not both")
    symbol_sets = SymbolSets(sender)
    row = await symbol_sets.get(str(UUID(symbol_set_id))) if symbol_set_id else await symbol_sets.find(ref or "")
    if row is None:
        raise NoSymbolSetError(
            f"There is no symbol set {symbol_set_id}." if symbol_set_id else f"There is no symbol set for {ref}."
        )
    found_id = uuid_of(row.get("id"))
    if found_id is None:
        raise unreadable("names a symbol set without its id")
    try:
        url = await symbol_sets.download_url(found_id)
    except NotFoundError as error:
        if error.code == "not_found":
            raise NoSymbolSetError(f"The symbol set {found_id} was deleted meanwhile.") from None
        raise
    with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spooled:
        file = cast("BinaryIO", spooled)
        try:
            size = await storage.fetch(url, file, limit=limit)
            symbols = await to_thread.run_sync(_decoded, file, decoded_limit)
        except OSError as error:
            raise no_room(error) from None
    return Downloaded(row, symbols, size)


def no_room(error: OSError) -> NoRoomError:
    """Return the error for a temporary file that cannot be written or read."""
    what = f"The symbol set cannot be stored in {tempfile.gettempdir()}: {error.strerror or error}."
    return NoRoomError(what, "Make room there, or set TMPDIR to a folder that has some.", code="no_room")


def _decoded(file: BinaryIO, limit: int) -> SymbolData:
    file.seek(0)
    return decode(file.read(), limit=limit)
