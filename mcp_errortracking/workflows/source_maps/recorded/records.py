"""The files of a build that depend on the bytes of other files of it, kept fitting while these change.

Build tools record sizes and hashes of the files that they wrote: in pages (`integrity`), service workers, manifests
and servers. A digest of a file's bytes in another file is such a record, whatever the tool; a size is one only in a
known manifest. The records are found before anything is written, and replaced in the same step as the file.
"""

import os
from collections import defaultdict, deque
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, islice
from pathlib import Path, PurePosixPath

from mcp_errortracking.catalog.symbol_sets import MAX_FILE
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import WorkflowError, printable, quoted
from mcp_errortracking.workflows.source_maps.recorded.compressed import ENDINGS, command_for, compress, hint, is_copy
from mcp_errortracking.workflows.source_maps.recorded.digests import (
    SURE,
    digests_of,
    find_digests,
    find_short_digests,
    short_digests_of,
)
from mcp_errortracking.workflows.source_maps.recorded.manifest import RecordedSize, find_sizes, with_size
from mcp_errortracking.workflows.source_maps.recorded.signatures import Signatures

_TEXTS = (
    *(".html", ".htm", ".xhtml", ".js", ".mjs", ".cjs", ".json", ".webmanifest", ".importmap", ".txt", ".xml"),
    *(".yml", ".yaml", ".toml", ".php", ".py", ".rb", ".cshtml", ".ejs", ".hbs", ".sha256", ".sha512", ""),
)
_ARCHIVES = (".asar",)
_SCRIPTS = (".js", ".mjs", ".cjs")
_SKIPPED = ("node_modules", ".git", ".hg", ".svn", ".venv", ".cache", "cache")
_MARKS = ("nitro.json", "BUILD_ID")
"""Files in the folder above the public files of Nitro and Next, where their servers keep records of these."""
_LARGEST = 16 * 1024 * 1024
_MOST_BYTES = 512 * 1024 * 1024
_MOST_DIGESTS = 2_000_000
_MOST_STEPS = 1000
_NAMED = 5  # files that a note names


@dataclass
class Records:
    """The records of a build folder, and the files that were changed to keep them fitting.

    The folder is searched before the first change.
    """

    roots: Roots
    folder: Path
    keep: bool
    """True if nothing is written: the changed contents are kept, and read in place of the files."""
    mapped: Collection[Path] = ()
    """The bundles with a map, in which code must not move within its line."""
    digests: dict[bytes, set[Path]] = field(default_factory=lambda: defaultdict[bytes, set[Path]](set))
    sizes: dict[Path, list[RecordedSize]] = field(default_factory=dict[Path, list[RecordedSize]])
    lengths: set[int] = field(default_factory=set[int])
    short: dict[bytes, set[Path]] = field(default_factory=lambda: defaultdict[bytes, set[Path]](set))
    """The texts that may be shortened digests. A few digits can be equal to those of a digest by accident."""
    short_lengths: set[int] = field(default_factory=set[int])
    unsure: dict[Path, Path] = field(default_factory=dict[Path, Path])
    """The files that seem to record the first digits of a digest, each with the file that this is of."""
    repaired: dict[Path, None] = field(default_factory=dict[Path, None])
    stale: dict[str, str] = field(default_factory=dict[str, str])
    """The compressed copies that no longer fit, each with the command that compresses it again."""
    unsearched: list[str] = field(default_factory=list[str])
    archives: list[str] = field(default_factory=list[str])
    contents: dict[Path, bytes] = field(default_factory=dict[Path, bytes])
    is_searched: bool = False

    def read(self, path: Path, limit: int = MAX_FILE) -> bytes:
        """Return the content of a file, as far as it was changed."""
        kept = self.contents.get(path)
        return self.roots.read(path, limit) if kept is None else kept

    def search(self) -> None:
        """Search the text files of the build for sizes and digests."""
        self.is_searched = True
        left = _MOST_BYTES
        for at, folders, files in self.roots.walk(_top(self.roots, self.folder), _pass):
            folders[:] = sorted(name for name in folders if name not in _SKIPPED)
            for name in sorted(files):
                path = at / name
                if name.endswith(_ARCHIVES):
                    self.archives.append(self.name(path))
                if path.suffix.lower() not in _TEXTS:
                    continue
                with suppress(WorkflowError):
                    text = self.roots.read_part(path, min(_LARGEST, left) + 1)
                    if len(text) > min(_LARGEST, left):
                        self.unsearched.append(self.name(path))
                        continue
                    left -= len(text)
                    self._index(path, text)

    def follow(self, *changes: tuple[Path, bytes]) -> list[tuple[Path, bytes]]:
        """Return the files to write: those that depend on the bytes of those that change, and these.

        Raises:
            WorkflowError: a file cannot be read or is signed, or two files record each other.
        """
        if not self.is_searched:  # before the first change: a build in which nothing changes is not searched
            self.search()
        made = dict(changes)
        waiting = deque((path, self.read(path), content) for path, content in changes)
        for _ in range(_MOST_STEPS):
            if not waiting:
                break
            path, old, new = waiting.popleft()
            if old == new:
                continue
            for other, before, after in (*self._copies(path, old, new), *self._holders(path, old, new, made)):
                made[other] = after
                waiting.append((other, before, after))
        else:
            raise WorkflowError("recorded_in_circle", "Files of the build record each other's sizes.")
        for path in made:
            if signature := self._signatures.of(path):
                raise _signed(self.name(path), self.name(signature))
        named = {path for path, _ in changes}
        others = [(path, content) for path, content in made.items() if path not in named]
        if self.keep:
            self.contents.update(others)
        # The others first: if the process is killed, the next run makes the same change, and they fit already.
        return [*others, *((path, made[path]) for path, _ in changes)]

    def write(self, *changes: tuple[Path, bytes]) -> list[Path]:
        """Write changed files, and those that depend on their bytes first; return them. With `keep`, write nothing.

        Raises:
            WorkflowError: as for `follow`, or a file cannot be written.
        """
        files = self.follow(*changes)
        if not self.keep:
            self.roots.write(*files)
        self.repaired.update(dict.fromkeys(path for path, _ in files[: len(files) - len(changes)]))
        return [path for path, _ in files]

    def notes(self) -> Iterator[str]:
        """Yield notes on the files that depend on those that changed, or would in a run that writes nothing."""
        if self.repaired:
            names = ", ".join(quoted(self.name(path)) for path in islice(self.repaired, _NAMED))
            others = f" and {len(self.repaired) - _NAMED} more" if len(self.repaired) > _NAMED else ""
            yield f"Changed to fit the files with their chunk ids (sizes, hashes, compressed copies): {names}{others}."
        if self.stale:
            commands = "; ".join(islice(self.stale.values(), _NAMED))
            names = ", ".join(map(quoted, islice(self.stale, _NAMED)))
            others = f" and {len(self.stale) - _NAMED} more" if len(self.stale) > _NAMED else ""
            hints = "".join(hint(ending) for ending in ENDINGS if any(name.endswith(ending) for name in self.stale))
            yield (
                f"Compressed copies of the files before their chunk ids, which cannot be made here: {names}{others}. "
                f"Compress again before you deploy, or delete them: {commands}.{hints}"
            )
        for holder, path in islice(self.unsure.items(), _NAMED):
            yield (
                f"{quoted(self.name(holder))} has the first digits of a hash of {quoted(self.name(path))} without its "
                "chunk id. If it records the hash, make it again before you deploy."
            )
        if self.archives:
            yield (
                f"{quoted(self.archives[0])} holds copies of files without their chunk ids: upload before the step "
                "of the build that packs it."
            )
        if self.unsearched:
            yield (
                f"Not searched for sizes and hashes of the changed files, because it is too large: "
                f"{quoted(self.unsearched[0])}{f' and {len(self.unsearched) - 1} more' if self.unsearched[1:] else ''}."
            )

    def name(self, path: Path) -> str:
        """Return a path as the user would write it, relative to the folder."""
        return printable(Path(os.path.relpath(path, self.folder)).as_posix())

    @cached_property
    def _signatures(self) -> Signatures:
        return Signatures(self.roots)

    def _copies(self, path: Path, old: bytes, new: bytes) -> list[tuple[Path, bytes, bytes]]:
        copies = list[tuple[Path, bytes, bytes]]()
        stale = list[tuple[Path, str, bytes]]()
        for ending in ENDINGS:
            copy = path.with_name(path.name + ending)
            with suppress(WorkflowError):
                if not self.roots.file(copy):
                    continue
                before = self.read(copy)
                if is_copy(ending, before, old):
                    copies.append((copy, before, compress(ending, new)))
                elif not is_copy(ending, before, new):
                    stale.append((copy, ending, before))
        for copy, ending, before in stale:
            place = PurePosixPath(copy.as_posix())
            sizes = [holder for holder, recorded in self.sizes.items() if any(one.is_of(place) for one in recorded)]
            hashes = [self.digests[one] for one in digests_of(before, self.lengths) if one in self.digests]
            if holders := [*sizes, *chain.from_iterable(hashes)]:
                holder, copied = quoted(self.name(holders[0])), quoted(self.name(copy))
                why = f"{holder} records its copy {copied}, which cannot be made here."
                raise _recorded(why, f"Build without {ending} copies, then upload again.{hint(ending)}")
            self.stale[self.name(copy)] = command_for(ending, self.name(path))
        return copies

    def _holders(
        self, path: Path, old: bytes, new: bytes, made: Mapping[Path, bytes]
    ) -> list[tuple[Path, bytes, bytes]]:
        """Return the files that record a changed file, each with its content before and after."""
        place = PurePosixPath(path.as_posix())
        found = {holder: list[tuple[bytes, bytes]]() for holder in self._holders_of_size(path, place, old, new)}
        before = digests_of(old, self.lengths)
        if not self.digests.keys().isdisjoint(before):
            for digest, replacement in zip(before, digests_of(new, self.lengths), strict=True):
                # A hash in the file's own name is its name. The two forms of base 64 may be equal: the first counts.
                if digest in self.digests and digest.decode() not in path.name:
                    for holder in self.digests[digest]:
                        found.setdefault(holder, []).append((digest, replacement))
        for digest, replacement in self._short(path, old, new):
            for holder in self.short[digest]:
                found.setdefault(holder, []).append((digest, replacement))
        changed = list[tuple[Path, bytes, bytes]]()
        for holder in sorted(found):
            content = made[holder] if holder in made else self.read(holder, _LARGEST)
            after = with_size(content, place, old, new) if holder in self.sizes else content
            for digest, replacement in found[holder]:
                after = after.replace(digest, replacement)
                (self.digests if digest in self.digests else self.short)[replacement].add(holder)
            if after != content:
                changed.append((holder, content, after))
                if holder in self.sizes:
                    self.sizes[holder] = list(find_sizes(after))
        return changed

    def _short(self, path: Path, old: bytes, new: bytes) -> list[tuple[bytes, bytes]]:
        """Return the shortened digests of a changed file that are replaced; note those that may be an accident."""
        if not self.short or path.suffix.lower() not in _SCRIPTS:  # hashing takes time, and maps are large
            return []
        before = short_digests_of(old, self.short_lengths)
        if self.short.keys().isdisjoint(before):
            return []
        sure = list[tuple[bytes, bytes]]()
        for digest, replacement in zip(before, short_digests_of(new, self.short_lengths), strict=True):
            if digest not in self.short or digest.decode() in path.name:
                continue
            if len(digest) >= SURE:
                sure.append((digest, replacement))
            else:
                self.unsure.update(dict.fromkeys(self.short[digest], path))
        return sure

    def _index(self, path: Path, text: bytes) -> None:
        for digest in find_digests(text):
            if len(self.digests) < _MOST_DIGESTS or digest in self.digests:
                self.digests[digest].add(path)
                self.lengths.add(len(digest))
        for digest in find_short_digests(text):
            if len(self.short) < _MOST_DIGESTS or digest in self.short:
                self.short[digest].add(path)
                self.short_lengths.add(len(digest))
        if sizes := list(find_sizes(text)):
            self.sizes[path] = sizes

    def _holders_of_size(self, path: Path, place: PurePosixPath, old: bytes, new: bytes) -> Iterator[Path]:
        """Yield the manifests that record the size of a changed file.

        Raises:
            WorkflowError: one cannot be corrected exactly.
        """
        for holder, sizes in self.sizes.items():
            for one in sizes:
                if not one.is_of(place):
                    continue
                name = self.name(holder)
                if one.size not in (len(old), len(new)):
                    why = f"{quoted(name)} records {one.size} bytes for {quoted(self.name(path))} of {len(old)} bytes."
                    raise _recorded(why, "Build again, and upload before anything changes the files of the build.")
                is_longer = len(str(len(new))) != len(str(one.size))
                if is_longer and holder in self.mapped and not one.ends_its_line:
                    why = f"{quoted(name)} records it within a line of mapped code, which a longer number would move."
                    raise _recorded(why, f"Build without a source map for {quoted(name)}, or without minifying it.")
                yield holder


def _recorded(why: str, next_step: str) -> WorkflowError:
    return WorkflowError(
        "recorded_size", "Another file records its size or hash, and cannot be corrected.", why, next_step
    )


def _signed(name: str, signature: str) -> WorkflowError:
    return WorkflowError(
        "signed",
        f"{quoted(name)} is signed, and its signature cannot be made here.",
        f"{quoted(signature)} would no longer fit the file with its chunk id.",
        "Run source-maps inject before the step of the build that signs, and source-maps upload-only after it.",
    )


def _pass(folder: Path, error: WorkflowError) -> None:
    """Leave a folder that cannot be listed to the search for bundles, which reports it."""


def _top(roots: Roots, folder: Path) -> Path:
    """Return the folder to search: the one above, if it is the output of a server of which this holds the files."""
    with suppress(WorkflowError):
        if any(roots.file(folder.parent / mark) for mark in _MARKS):
            return folder.parent
    return folder
