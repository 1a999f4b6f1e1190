"""Lookup of symbols in a build folder: by chunk id, else by the name of the bundle."""

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError
from mcp_errortracking.workflows.source_maps.bundles.discovery import LIMIT, Build, BundleAndMap
from mcp_errortracking.workflows.source_maps.bundles.injection import map_in
from mcp_errortracking.workflows.source_maps.maps.registration import registered_ids
from mcp_errortracking.workflows.source_maps.maps.script import comment
from mcp_errortracking.workflows.source_maps.maps.strict import refusal_of
from mcp_errortracking.workflows.source_maps.maps.symbols import CACHE, SymbolCache, Symbols
from mcp_errortracking.workflows.source_maps.resolve.diagnosis import Facts
from mcp_errortracking.workflows.source_maps.resolve.frames import Frame

_TAIL = 64 * 1024


class LocalBuild:
    """The symbols of a build: of its bundles with maps, and of its Hermes maps."""

    def __init__(self, roots: Roots, build: Build, cache: SymbolCache = CACHE) -> None:
        self._roots = roots
        self._build = build
        self._cache = cache
        self._by_chunk_id: dict[str, BundleAndMap] | None = None
        self._named: dict[str, BundleAndMap | WorkflowError] = {}

    def symbols(self, frame: Frame) -> Symbols:
        """Return the symbols that resolve a frame.

        Raises:
            WorkflowError: no bundle matches, or several do, the bundle is of another build than the frame, or a file
                cannot be read.
        """
        pair = self.chunks().get(frame.chunk_id or "")
        if pair:
            return self._symbols(pair)
        pair = self._named_by(frame.file)
        if isinstance(pair, WorkflowError):
            raise pair
        symbols = self._symbols(pair)
        if frame.chunk_id:
            own = symbols.chunk_id if symbols.is_hermes else self.chunk_id(pair)
            if own is None and not symbols.is_hermes:
                raise WorkflowError(
                    "not_injected",
                    f"{self._build.name(pair.bundle)} has no chunk id, so it is not the file that sent the frame.",
                    "The injected line of the id shifts all other lines.",
                    "Resolve with the uploaded symbol set, or with the deployed files.",
                )
            if own not in (None, frame.chunk_id):
                raise WorkflowError(
                    "other_build",
                    f"{self._build.name(pair.bundle)} is of another build than the frame.",
                    f"Its chunk id is {own}, the frame's is {frame.chunk_id}.",
                    "Build the commit of the frame's release, or resolve with the uploaded symbol set.",
                )
        return symbols

    def facts(self, frame: Frame) -> Facts:
        """Return the facts of the local build for the diagnosis of a frame."""
        pair = self.pair(frame)
        known = self.chunks().get(frame.chunk_id) if frame.chunk_id else pair
        resolves = None
        if known and frame.column is not None:
            with suppress(WorkflowError):
                position = self._symbols(known).map.find(frame.line - 1, frame.column)
                resolves = position is not None and position.source is not None
        return Facts(
            chunk_id=frame.chunk_id,
            local_chunk_id=(self.chunk_id(pair) or "") if pair else None,
            has_local_map=known is not None,
            resolves_locally=resolves,
        )

    def chunks(self) -> dict[str, BundleAndMap]:
        """Return the bundles that have a chunk id, by chunk id."""
        if self._by_chunk_id is None:
            self._by_chunk_id = {}
            for pair in self._build.pairs:
                if chunk_id := self.chunk_id(pair):
                    self._by_chunk_id.setdefault(chunk_id, pair)
        return self._by_chunk_id

    def chunk_id(self, pair: BundleAndMap) -> str | None:
        """Return the chunk id in a bundle's last lines, or that its beginning registers."""
        try:
            own = comment(self._roots.read_part(pair.bundle, _TAIL, from_end=True), "chunkId")
            return own or next(iter(registered_ids(self._roots.read_part(pair.bundle, _TAIL))), None)
        except WorkflowError:
            return None

    def written_at(self, chunk_id: str) -> datetime | None:
        """Return the time of the last change of a chunk's bundle."""
        pair = self.chunks().get(chunk_id)
        state = None
        with suppress(WorkflowError):
            state = self._roots.stat(pair.bundle) if pair else None
        return datetime.fromtimestamp(state.st_mtime, UTC) if state else None

    def refusal(self, chunk_id: str) -> str | None:
        """Return the reason why PostHog's reader refuses a chunk's map; None if it reads it, or there is no map."""
        pair = self.chunks().get(chunk_id)
        with suppress(WorkflowError):
            return refusal_of(self._map_text(pair), is_stored=False) if pair else None
        return None

    def pair(self, frame: Frame) -> BundleAndMap | None:
        """Return the bundle that a frame's file names; None if none or several match."""
        named = self._named_by(frame.file)
        return named if isinstance(named, BundleAndMap) else None

    def has_moved(self, frame: Frame) -> bool:
        """True if a frame names no chunk but its bundle has a chunk id, which added a line at its start."""
        pair = None if frame.chunk_id else self.pair(frame)
        return pair is not None and self.chunk_id(pair) is not None

    def _named_by(self, file: str) -> BundleAndMap | WorkflowError:
        """Return the bundle that a frame's file names, or the error if none or several match. Cached by file."""
        if file not in self._named:
            try:
                self._named[file] = self._by_name(file)
            except WorkflowError as error:
                self._named[file] = error
        return self._named[file]

    def _by_name(self, file: str) -> BundleAndMap:
        wanted = _path_parts(file)
        candidates = [*self._build.pairs, *(BundleAndMap(path, path) for path in self._build.hermes)]
        scored = [(_common_suffix(wanted, self._parts_of(pair)), pair) for pair in candidates]
        best = max((score for score, _ in scored), default=0)
        found = [pair for score, pair in scored if score == best]
        if not best:
            raise WorkflowError(
                "no_bundle",
                f"No bundle with a map in {self._build.folder.name} is named {wanted[-1] if wanted else file}.",
                next_step="Name the folder of the deployed build, or build its commit again.",
            )
        if len(found) > 1:
            names = ", ".join(self._build.name(pair.bundle) for pair in found[:5])
            raise WorkflowError(
                "several_bundles",
                f"{file} could be any of {names}.",
                next_step="Name a folder that holds only one of them, or give the frame's chunk id.",
            )
        return found[0]

    def _symbols(self, pair: BundleAndMap) -> Symbols:
        return self._cache.get(self._key(pair), lambda: self._load(pair))

    def _parts_of(self, pair: BundleAndMap) -> tuple[str, ...]:
        name = self._build.name(pair.bundle)
        if pair.bundle == pair.map:  # a Hermes map: main.jsbundle.map, or main.hbc.map of main.jsbundle
            name = name.removesuffix(".map").removesuffix(".hbc")
        return PurePosixPath(name).parts

    def _key(self, pair: BundleAndMap) -> tuple[object, ...]:
        key: list[object] = []
        for path in (pair.bundle, pair.map):
            state = None
            with suppress(WorkflowError):
                state = self._roots.stat(path) if path else None
            key += [path, state and (state.st_mtime_ns, state.st_size, state.st_ino)]
        return tuple(key)

    def _map_text(self, pair: BundleAndMap) -> bytes:
        if pair.map is None:
            return map_in(self._roots.read(pair.bundle, LIMIT))
        return self._roots.read(pair.map, LIMIT)

    def _load(self, pair: BundleAndMap) -> Symbols:
        if pair.map is None:
            script = self._roots.read(pair.bundle, LIMIT)
            return Symbols(script, map_in(script), pair.bundle)
        map_text = self._roots.read(pair.map, LIMIT)
        script = None if pair.bundle == pair.map else self._roots.read(pair.bundle, LIMIT)
        return Symbols(script, map_text, Path(pair.map))


def _path_parts(file: str) -> tuple[str, ...]:
    """Return the parts of the path of a frame's URL."""
    try:
        path = unquote(urlsplit(file).path) or file
    except ValueError:
        path = file
    return tuple(part for part in path.replace("\\", "/").split("/") if part)


def _common_suffix(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    """Return the number of equal parts at the end of two paths."""
    count = 0
    for one, other in zip(reversed(left), reversed(right), strict=False):
        if one != other:
            break
        count += 1
    return count
