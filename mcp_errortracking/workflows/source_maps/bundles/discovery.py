"""Contents of a build folder: bundles with their source maps, maps of other kinds, and problems with the rest."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mcp_errortracking.catalog.symbol_sets import MAX_FILE
from mcp_errortracking.explanation import Explanation
from mcp_errortracking.workflows.files.roots import LEFTOVER, Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError, printable
from mcp_errortracking.workflows.source_maps.bundles.globs import Globs
from mcp_errortracking.workflows.source_maps.chunk import ReleaseMark
from mcp_errortracking.workflows.source_maps.debug_files.dsym import bundle_of, is_debug_file
from mcp_errortracking.workflows.source_maps.debug_files.native import is_native, is_split
from mcp_errortracking.workflows.source_maps.maps.registration import registered_ids
from mcp_errortracking.workflows.source_maps.maps.script import comment, is_inline, map_url

LIMIT = MAX_FILE
"""Bytes of one file: PostHog's limit for a symbol set (contract 5.4)."""
EXCLUDED = ("node_modules/", ".git/", ".hg/", ".svn/", ".venv/", ".cache/", ".next/cache/")
"""Folders that are excluded by default; a pattern that begins with ! includes them again."""
_SCRIPTS = (".js", ".mjs", ".cjs")
_NAMED = 5  # bundles that a message names, of those that share a map
_TAIL = 64 * 1024
_HERMES_MARK = b'"x_hermes_function_offsets"'
_NATIVE = (".bundle", ".jsbundle")
_KINDS = {"CSS map(s)": (".css.map",), "map(s) of TypeScript declarations": (".d.ts.map", ".d.mts.map", ".d.cts.map")}
_PROGUARD_LINE = re.compile(rb"^(?:# compiler: |# pg_map_id: |[\w.$]+ -> [\w.$]+:\s*$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class BundleAndMap:
    """A bundle and its map, as real paths. `map`: None if the bundle holds it as a data URL."""

    bundle: Path
    map: Path | None


@dataclass(frozen=True, slots=True)
class DeployedBundle:
    """A bundle with a chunk id whose map is gone: the state after an upload, when maps are deleted.

    `label`: its path in the folder. `release`: the release id in it, once the whole bundle was read.
    """

    bundle: Path
    label: str
    chunk_id: str
    release: ReleaseMark | None = None


@dataclass(frozen=True, slots=True)
class Build:
    """The contents of a build folder, sorted by name. `leftovers`: temporary files of a run that was killed."""

    folder: Path
    pairs: tuple[BundleAndMap, ...]
    hermes: tuple[Path, ...]
    proguard: tuple[Path, ...]
    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    leftovers: tuple[Path, ...] = ()
    mapless: tuple[str, ...] = ()
    """Names of the scripts without a map: often polyfills and the like, which never had one."""
    empty: tuple[str, ...] = ()
    """Names of the scripts of 0 bytes without a map."""
    orphans: tuple[str, ...] = ()
    """Names of the maps that no bundle names or lies beside: some frameworks leave such maps in every build."""
    deployed: tuple[DeployedBundle, ...] = ()
    shared: tuple[Path, ...] = ()
    """Maps that more than one bundle names."""
    debug_files: tuple[Path, ...] = ()
    """The debug files in dSYM bundles."""
    natives: tuple[Path, ...] = ()
    """Native programs and libraries outside of dSYM bundles."""

    def name(self, path: Path) -> str:
        """Return a file's path below the folder."""
        return printable(path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path))


def find(roots: Roots, folder: str | Path, *, include: Sequence[str] = (), exclude: Sequence[str] = ()) -> Build:
    """Search a folder. Nothing is changed, and of bundles only the end is read.

    Args:
        include: globs as in `.gitignore`; only files that match one are included.
        exclude: globs of files and folders to exclude, in addition to `EXCLUDED`.

    Raises:
        WorkflowError: it is not a folder, lies outside the roots, or a pattern is invalid.
    """
    real = roots.folder(folder)
    wanted, unwanted = Globs(include or ["*"]), Globs([*EXCLUDED, *exclude])
    search = _Search(roots, real, wanted)
    for path in search.walk(unwanted):
        search.sort_in(path)
    second_names = search.second_names()
    for bundle in search.bundles:
        if bundle not in second_names:
            search.pair(bundle)
    return search.build()


@dataclass
class _Search:
    roots: Roots
    folder: Path
    wanted: Globs
    bundles: list[Path] = field(default_factory=list[Path])
    maps: list[Path] = field(default_factory=list[Path])
    texts: list[Path] = field(default_factory=list[Path])
    leftovers: list[Path] = field(default_factory=list[Path])
    problems: list[Problem] = field(default_factory=list[Problem])
    claims: dict[Path, list[Path]] = field(default_factory=lambda: defaultdict[Path, list[Path]](list))
    inline: list[Path] = field(default_factory=list[Path])
    mapless: list[str] = field(default_factory=list[str])
    empty: list[str] = field(default_factory=list[str])
    orphans: list[str] = field(default_factory=list[str])
    deployed: list[DeployedBundle] = field(default_factory=list[DeployedBundle])
    disputed: set[Path] = field(default_factory=set[Path])
    dsyms: dict[Path, list[Path]] = field(default_factory=lambda: defaultdict[Path, list[Path]](list))
    """The debug files of each dSYM bundle."""
    natives: list[Path] = field(default_factory=list[Path])
    split: list[str] = field(default_factory=list[str])
    """Names of files of split debug information."""

    def walk(self, unwanted: Globs) -> Iterator[Path]:
        """Yield the files that no pattern excludes, by name. Symlinks to folders are not followed."""

        def failed(folder: Path, error: WorkflowError) -> None:
            self.problems.append(Problem(self.name(folder), error.explanation))

        for at, folders, files in self.roots.walk(self.folder, failed):
            prefix = "" if at == self.folder else f"{self.name(at)}/"
            folders[:] = sorted(name for name in folders if not unwanted.match(f"{prefix}{name}/"))
            for name in sorted(files):
                if not unwanted.match(prefix + name):
                    yield at / name

    def sort_in(self, path: Path) -> None:
        """Sort a file by the kind that its name shows."""
        name = path.name.lower()
        if bundle := bundle_of(path):
            self.dsyms[bundle] += [path] if is_debug_file(path) else []
        elif name.endswith(".dsym.zip"):
            if self.is_wanted(path):
                self.report(path, "zipped_dsym", "It is a dSYM bundle in a ZIP, which is not opened.", "Unpack it.")
        elif name.endswith(_SCRIPTS):
            if self.is_wanted(path):
                self.bundles.append(path)
        elif name.endswith(".map"):
            self.maps.append(path)
        elif name.endswith(".txt") and "mapping" in name:
            self.texts.append(path)
        elif name.endswith(LEFTOVER):
            self.leftovers.append(path)
        elif is_split(path):
            self.split += [self.name(path)] if self.is_wanted(path) else []
        elif is_native(self.roots, path) and self.is_wanted(path):
            self.natives.append(path)

    def second_names(self) -> set[Path]:
        """Return the bundles that are symlinks to other bundles of the folder, which are included by name."""
        own, found = set(self.bundles), set[Path]()
        for bundle in self.bundles:
            with suppress(WorkflowError):  # `pair` reports it
                real = self.roots.resolve(bundle)
                if real != bundle and real in own:
                    found.add(bundle)
        return found

    def pair(self, bundle: Path) -> None:
        """Find the map of a bundle, or report why it has none."""
        try:
            script = self.tail(bundle)
        except WorkflowError as error:
            self.problems.append(Problem(self.name(bundle), error.explanation))
            return
        if not script:
            self.sort_in_empty(bundle)
            return
        url = map_url(script)
        if url and is_inline(url):
            self.inline.append(bundle)
            return
        beside = bundle.with_name(f"{bundle.name}.map")
        try:
            named = self.named(bundle, url) if url else None
            by_name = self.roots.file(beside)
        except WorkflowError as error:
            self.problems.append(Problem(self.name(bundle), error.explanation))
            return
        if named and by_name and named != by_name:
            self.disputed |= {named, by_name}
            message = f"It has two maps: its comment names {self.name(named)}, but {beside.name} lies beside it."
            self.report(bundle, "two_maps", message, "Delete the map that is not of this build, or build again.")
        elif found := named or by_name:
            self.claims[found].append(bundle)
        elif chunk_id := comment(script, "chunkId") or self.registered_id(bundle):
            self.deployed.append(DeployedBundle(bundle, self.name(bundle), chunk_id))
        elif url:
            message = f"Its comment names the map {url[:200]}, which does not exist."
            self.report(bundle, "map_missing", message, "Keep maps in the build folder until they are uploaded.")
        else:
            self.mapless.append(self.name(bundle))

    def sort_in_empty(self, bundle: Path) -> None:
        """Bundlers write an empty script, and no map, for a module of which nothing runs in the browser."""
        if self.is_file(bundle.with_name(f"{bundle.name}.map")):
            self.report(bundle, "empty", "The file is empty (0 bytes).", "Was the build interrupted? Build again.")
        else:
            self.empty.append(self.name(bundle))

    def registered_id(self, bundle: Path) -> str | None:
        """Return the chunk id that the beginning of a bundle registers; minifiers remove the comment with it."""
        return next(iter(registered_ids(self.roots.read_part(bundle, _TAIL))), None)

    def tail(self, bundle: Path) -> bytes:
        """Return the end of a bundle, with its comment; the whole bundle if its end has none."""
        end = self.roots.read_part(bundle, _TAIL, from_end=True)
        return end if len(end) < _TAIL or map_url(end) else self.roots.read(bundle, LIMIT)

    def named(self, bundle: Path, url: str) -> Path | None:
        """Return the file that a bundle's comment names.

        Raises:
            WorkflowError: it may not be accessed.
        """
        try:
            return self.target(bundle, url)
        except WorkflowError as error:
            what = f"Its comment names the map {url[:200]}, which may not be accessed."
            raise WorkflowError(error.code, what, error.why, error.next_step) from error

    def target(self, bundle: Path, url: str) -> Path | None:
        """Return the file of a `sourceMappingURL`, if it exists: relative to the bundle or below the folder."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return None
        path = unquote(parts.path).replace("\\", "/")
        if parts.scheme or parts.netloc or path.startswith("/"):
            places = [self.folder / path.lstrip("/"), bundle.parent / path.rsplit("/", 1)[-1]]
        else:
            places = [bundle.parent / path]
        return next(filter(None, map(self.roots.file, places)), None)

    def build(self) -> Build:
        """Return the build, after all bundles were paired."""
        pairs = [BundleAndMap(bundle, None) for bundle in self.inline]
        for map_path, bundles in self.claims.items():
            if len(bundles) == 1:
                pairs.append(BundleAndMap(bundles[0], map_path))
                continue
            own = [bundle for bundle in bundles if map_path == bundle.with_name(f"{bundle.name}.map")]
            pairs += [BundleAndMap(bundle, map_path) for bundle in own]
            for bundle in bundles:
                if bundle in own:
                    continue
                others = ", ".join(map(self.name, islice((other for other in bundles if other != bundle), _NAMED)))
                if len(bundles) - 1 > _NAMED:
                    others += f" and {len(bundles) - 1 - _NAMED} more"
                message = (
                    f"Its map {self.name(map_path)} is also named by {others}, but can be right for one bundle only."
                )
                next_step = "Exclude this bundle if it is a copy, or let the bundler write a map for each bundle."
                self.report(bundle, "shared_map", message, next_step)
        hermes, notes = self.other_maps()
        proguard = [path for path in self.texts if self.is_wanted(path) and self.is_proguard(path)]
        debug_files = [path for files in self.dsyms.values() for path in files if self.is_wanted(path)]
        for bundle, files in self.dsyms.items():
            if not files and self.is_wanted(bundle):
                message = "The dSYM bundle has no debug file in Contents/Resources/DWARF."
                self.report(bundle, "no_debug_file", message, "Build again, or exclude it.")
        return Build(
            self.folder,
            tuple(sorted(pairs, key=lambda pair: pair.bundle)),
            tuple(sorted(hermes)),
            tuple(sorted(proguard)),
            tuple(sorted(self.problems, key=lambda problem: problem.path)),
            tuple(notes),
            leftovers=tuple(self.leftovers),
            mapless=tuple(self.mapless),
            empty=tuple(self.empty),
            orphans=tuple(self.orphans),
            deployed=tuple(self.deployed),
            shared=tuple(path for path, bundles in self.claims.items() if len(bundles) > 1),
            debug_files=tuple(sorted(debug_files)),
            natives=tuple(sorted(self.natives)),
        )

    def other_maps(self) -> tuple[list[Path], list[str]]:
        """Return the Hermes maps among the maps that no bundle claims, and notes on those that are skipped."""
        hermes: list[Path] = []
        passed = dict.fromkeys(_KINDS, 0)
        for path in self.maps:
            kind = next((kind for kind, endings in _KINDS.items() if path.name.lower().endswith(endings)), None)
            if kind:
                passed[kind] += 1
                continue
            if not self.is_wanted(path) or self.is_beside(path):
                continue
            try:
                real = self.roots.resolve(path)
                if real in self.claims or real in self.disputed:
                    continue
                content = self.roots.read(path, LIMIT)
            except WorkflowError as error:
                self.problems.append(Problem(self.name(path), error.explanation))
                continue
            if _HERMES_MARK in content:
                hermes.append(path)
            elif not content:
                self.report(path, "empty", "The file is empty (0 bytes).", "Was the build interrupted? Build again.")
            elif (bundle := _of_map(path)).name.endswith(_NATIVE) and self.is_file(bundle):
                message = "It maps a React Native bundle that Hermes did not compile, which cannot be given a chunk id."
                self.report(path, "not_hermes", message, "Build the app with Hermes, or exclude this file.")
            else:
                self.orphans.append(self.name(path))
        notes = [
            f"{count} {kind} skipped: PostHog does not use {'it' if count == 1 else 'them'}."
            for kind, count in passed.items()
            if count
        ]
        if self.split:
            more = f" and {len(self.split) - 1} more" if self.split[1:] else ""
            notes.append(
                f"Split debug information, which PostHog does not read: {self.split[0]}{more}. Build without "
                "-gsplit-dwarf, so that the binary holds it."
            )
        return hermes, notes

    def is_beside(self, path: Path) -> bool:
        """True if a map lies beside its bundle: it is included, excluded or reported together with the bundle."""
        bundle = _of_map(path)
        return bundle.name.lower().endswith(_SCRIPTS) and self.is_file(bundle) and bundle not in self.inline

    def is_proguard(self, path: Path) -> bool:
        """True if a text file is a mapping of R8 or ProGuard, by its first lines."""
        try:
            return bool(_PROGUARD_LINE.search(self.roots.read_part(path, _TAIL)))
        except WorkflowError:
            return False

    def is_file(self, path: Path) -> bool:
        with suppress(WorkflowError):
            return self.roots.file(path) is not None
        return False

    def is_wanted(self, path: Path) -> bool:
        return self.wanted.match(self.name(path))

    def name(self, path: Path) -> str:
        return printable(path.relative_to(self.folder).as_posix() if path.is_relative_to(self.folder) else str(path))

    def report(self, path: Path, code: str, message: str, next_step: str) -> None:
        self.problems.append(Problem(self.name(path), Explanation(code, message, next_step=next_step)))


def _of_map(path: Path) -> Path:
    """Return the path of the bundle that belongs to a map of this name."""
    return path.with_name(path.name[: -len(".map")])
