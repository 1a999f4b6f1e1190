"""Native programs and libraries with debug information, outside of dSYM bundles: ELF and Mach-O files.

PostHog takes each of them, or each architecture of a Mach-O file, under the id that its SDKs send: of an ELF file in
lower case, of a Mach-O file in upper case (contract 5.1).
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path

from mcp_errortracking.explanation import Explanation
from mcp_errortracking.workflows.files.errors import translate_os_errors
from mcp_errortracking.workflows.files.roots import Roots
from mcp_errortracking.workflows.problems import Problem, WorkflowError
from mcp_errortracking.workflows.source_maps.chunk import Chunk
from mcp_errortracking.workflows.source_maps.container import DataType
from mcp_errortracking.workflows.source_maps.debug_files.archive import MAX_IMAGE, zipped
from mcp_errortracking.workflows.source_maps.debug_files.elf import MAGIC, ElfError, read_elf
from mcp_errortracking.workflows.source_maps.debug_files.mach_o import MachOError, read_slices

NO_DEBUG_INFO = "no_debug_info"
"""The error code for a native file without debug information."""
_MAGICS = (MAGIC, b"\xcf\xfa\xed\xfe", b"\xce\xfa\xed\xfe")
_FAT = (b"\xca\xfe\xba\xbe", b"\xca\xfe\xba\xbf")
_FIRST_JAVA = 45
"""The lowest version of a Java class, which has the place of the number of architectures."""
_ENDINGS = (".so", ".dylib", ".debug", ".dbg", ".elf", ".out", ".bin", ".node", ".axf", ".bundle")
_SPLIT = (".dwo", ".dwp")


@dataclass(frozen=True, slots=True)
class _Image:
    """The code for one architecture. `why_not`: the reason why PostHog cannot use it, or nothing."""

    kind: DataType
    debug_id: str | None
    offset: int
    size: int
    has_debug_info: bool
    why_not: str = ""


def is_native(roots: Roots, path: Path) -> bool:
    """True for a program or library, by its first bytes. Files with the endings of other types are not opened."""
    ending = path.suffix.lower()
    if ending and not ending[1:].isdigit() and ending not in _ENDINGS:
        return False
    with suppress(WorkflowError):
        head = roots.read_part(path, 8)
        if head[:4] in _FAT:
            return 0 < int.from_bytes(head[4:], "big") < _FIRST_JAVA
        return head[:4] in _MAGICS
    return False


def is_split(path: Path) -> bool:
    """True for a file of split debug information, by its name. PostHog does not read it."""
    return path.suffix.lower() in _SPLIT


def native_chunks(
    roots: Roots, paths: Sequence[Path], name: Callable[[Path], str], known: frozenset[str]
) -> Iterator[Chunk | Problem]:
    """Yield a chunk for each debug id, of the largest file that has it: a binary and its debug file have the same.

    Args:
        name: returns a file's name for messages.
        known: the ids that dSYM bundles have.
    """
    best = dict[str, tuple[_Image, Path]]()
    others = list[tuple[_Image, Path]]()
    for path in paths:
        try:
            images = _images(roots, path)
        except WorkflowError as error:
            yield Problem(name(path), error.explanation)
            continue
        for image in images:
            if image.why_not or not image.has_debug_info or not image.debug_id:
                others.append((image, path))
            elif image.debug_id not in best or image.size > best[image.debug_id][0].size:
                best[image.debug_id] = image, path
    for image, path in others:
        if image.debug_id not in best and image.debug_id not in known:
            yield Problem(name(path), _explained(image))
    for debug_id, (image, path) in best.items():
        if image.size > MAX_IMAGE:
            yield Problem(name(path), _too_large(image))
        elif debug_id not in known:
            content = partial(_packed, roots, path, image)
            yield Chunk(debug_id, content, kind=image.kind, name=name(path))


def _images(roots: Roots, path: Path) -> list[_Image]:
    try:
        with translate_os_errors(path, "read"), BufferedReader(roots.open(path)) as file:
            if file.read(len(MAGIC)) != MAGIC:
                return [
                    _Image(
                        DataType.APPLE_DSYM,
                        one.uuid,
                        one.offset,
                        one.size,
                        one.has_debug_info,
                        "Its debug information is compressed." if one.is_compressed else "",
                    )
                    for one in read_slices(file)
                ]
            elf = read_elf(file)
            why_not = (
                "Its debug information is split: files and lines are in .dwo or .dwp files." if elf.is_split else ""
            )
            image = _Image(DataType.ELF_DEBUG_INFO, elf.debug_id, 0, elf.size, elf.has_debug_info, why_not)
            return [image] * elf.is_loadable
    except (ElfError, MachOError) as error:
        raise WorkflowError(
            "bad_debug_file", "PostHog cannot use this debug file.", str(error), "Build again, or exclude it."
        ) from None


def _explained(image: _Image) -> Explanation:
    if image.why_not:
        is_elf = image.kind is DataType.ELF_DEBUG_INFO
        option = (
            "without -gsplit-dwarf (Rust: split-debuginfo off)" if is_elf else "with -ldflags=-compressdwarf=false (Go)"
        )
        next_step = f"Build {option}, or exclude it."
        return Explanation("bad_debug_file", "PostHog cannot use this debug file.", image.why_not, next_step)
    if not image.has_debug_info:
        return Explanation(NO_DEBUG_INFO, "It has no debug information.", next_step="Upload it before it is stripped.")
    return Explanation(
        "no_build_id",
        "It has debug information, but no build id.",
        "Without one, no exception can name it.",
        "Link with -Wl,--build-id=sha1 (Go: -ldflags=-B=gobuildid), or exclude it.",
    )


def _too_large(image: _Image) -> Explanation:
    what = f"It has {image.size / 2**20:.1f} MiB; the limit is {MAX_IMAGE >> 20} MiB."
    return Explanation("too_large", what, next_step="Build with line tables only (-gline-tables-only, -g1).")


def _packed(roots: Roots, path: Path, image: _Image) -> bytes:
    """Return the ZIP with an image."""
    if image not in _images(roots, path):
        raise WorkflowError("changed", f"{path.name} changed during the upload.", next_step="Upload again.")
    with translate_os_errors(path, "read"), BufferedReader(roots.open(path)) as file:
        file.seek(image.offset)
        return zipped(file.read(image.size))
