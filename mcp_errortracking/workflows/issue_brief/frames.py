"""The frames of the app's own code in an event, those nearest to the error first."""

from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, text_of
from mcp_errortracking.catalog.frame_positions import failure_of, position_of
from mcp_errortracking.workflows.source_maps.maps.source_paths import readable_path

MOST_FRAMES = 10
_MOST_READ = 2000
_PACKAGED = (".java", ".kt", ".scala", ".groovy")
"""Files that a frame names without their folders; its module has these."""


@dataclass(frozen=True, slots=True)
class AppFrame:
    """A frame with its line from 1; `path`: of its file as far as the frame says it, with `/`."""

    function: str
    path: str
    line: int

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}"


def app_frames(event: dict[str, Any], most: int = MOST_FRAMES) -> list[AppFrame]:
    """Return the frames of the app's own code that name a file and a line, each place once, ten at most by default."""
    properties = as_object(event.get("properties"))
    found = dict[tuple[str, int], AppFrame]()
    read = 0
    for exception in as_objects(properties.get("$exception_list")):
        for frame in reversed(as_objects(as_object(exception.get("stacktrace")).get("frames"))):
            read += 1
            if read > _MOST_READ or len(found) == most:
                return list(found.values())
            position = position_of(frame, properties.get("$lib"))
            path = path_of(frame)
            if frame.get("in_app") is True and failure_of(frame) is None and position.line and path:
                name = text_of(frame, "resolved_name", "mangled_name", "function") or "?"
                found.setdefault((path, position.line), AppFrame(name, path, position.line))
    return list(found.values())


def unresolved(event: dict[str, Any]) -> int:
    """Return the number of frames of the app's own code that PostHog could not resolve."""
    exceptions = as_objects(as_object(event.get("properties")).get("$exception_list"))
    frames = [one for exc in exceptions for one in as_objects(as_object(exc.get("stacktrace")).get("frames"))]
    return sum(frame.get("in_app") is True and failure_of(frame) is not None for frame in frames[:_MOST_READ])


def path_of(frame: dict[str, Any]) -> str:
    """Return the path of a frame's file: of Java and its kin, the folders of its package too."""
    source = readable_path(text_of(frame, "source", "filename", "abs_path"))
    module = text_of(frame, "module")
    if "/" not in source and source.endswith(_PACKAGED) and "." in module:
        folders = module.split("$")[0].split(".")[:-1]
        return "/".join([*folders, source])
    return source
