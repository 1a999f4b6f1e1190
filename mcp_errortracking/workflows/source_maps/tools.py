"""The source-map tools as an agent reads them: declarations only. `jobs` does the work."""

from typing import Annotated, Literal

from pydantic import Field, model_validator
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.identifiers import IssueId, SymbolSetId
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.workflows.base import Workflow

Folder = Annotated[
    str, Field(min_length=1, description="Of the build, e.g. dist.", examples=["dist"]), Shown("<folder of the build>")
]
Patterns = list[Annotated[str, Field(min_length=1)]]
Version = Annotated[str, Field(min_length=1, examples=["1.4.2"]), Shown("<version>")]


class SourceMapWorkflow(Workflow, toolset="source_maps"):
    """A tool that works on builds, source maps and symbol sets."""

    needs_files = True


class _OfBuild(SourceMapWorkflow):
    """A tool that works on a build folder, and on its release if one is named."""

    folder: Folder
    version: Version | None = Field(default=None, description="Of the release.")
    project: str | None = Field(
        default=None, min_length=1, description="The release's product; default from package.json or the folder."
    )
    include: Patterns | None = None
    exclude: Patterns | None = Field(default=None, description="Globs as in .gitignore.")
    proguard_id: str | None = Field(default=None, min_length=1, description="For a ProGuard mapping.")

    meant = {
        **dict.fromkeys(("path", "directory", "dir", "build", "build_folder", "dist"), "folder"),
        **dict.fromkeys(("release", "release_version", "tag"), "version"),
        **dict.fromkeys(("ignore", "ignore_patterns"), "exclude"),
    }

    @model_validator(mode="after")
    def project_has_a_version(self) -> "_OfBuild":
        """Refuse half a release."""
        if self.project is not None and self.version is None:
            raise PydanticCustomError("no_version", "version: needed with project, to name a release")
        return self


class UploadSourceMaps(_OfBuild, tool="source-maps-upload", destructive=True):
    """Upload (push, send, publish) the source maps (sourcemaps, .map files) of a build folder, the ProGuard mapping of
    an Android build or native debug files (dSYM, ELF), so that minified stack traces become readable: finds bundles and
    maps, injects debug (chunk) ids into them (deploy these files afterwards), uploads what PostHog lacks and confirms
    it. Repeat an interrupted upload: it goes on where it stopped."""

    force: bool | None = Field(default=None, description="Overwrite differing content.")
    skip_on_conflict: bool | None = Field(default=None, description="Keep it instead.")
    dry_run: bool | None = Field(default=None, description="Only say what would be written.")
    delete_after: bool | None = Field(default=None, description="Then delete the maps that PostHog has.")
    release_mode: Literal["event", "symbol-set"] | None = Field(
        default=None, description="Default event: exceptions name the release; symbol-set: symbol sets do."
    )

    build_number: SkipJsonSchema[str | None] = Field(default=None, min_length=1, exclude=True)
    """Stored with a new release, for the shell commands: PostHog compares it with the `$app_build` of events."""
    step: SkipJsonSchema[Literal["inject", "upload"] | None] = Field(default=None, exclude=True)
    """One of the two steps alone, for the shell commands: builds with a step between them, such as signing."""

    def writes(self) -> bool:
        return not self.dry_run

    @model_validator(mode="after")
    def event_has_a_release(self) -> "UploadSourceMaps":
        """Refuse event mode without a release."""
        if self.release_mode == "event" and self.version is None:
            raise PydanticCustomError("no_version", "version: needed with release_mode event, to name the release")
        return self

    @model_validator(mode="after")
    def one_choice(self) -> "UploadSourceMaps":
        """Refuse to overwrite and keep at once."""
        if self.force and self.skip_on_conflict:
            raise PydanticCustomError("both_flags", "give force or skip_on_conflict, not both")
        return self


class CheckSourceMaps(_OfBuild, tool="source-maps-check", read_only=True):
    """Check (verify) which files of a local build PostHog (the server) already has, chunk by chunk, and if they match:
    uploaded, different, unfinished, missing, of another release, about to expire. Changes nothing."""


class ResolveFrames(SourceMapWorkflow, tool="source-maps-resolve", read_only=True):
    """Unminify (decode, translate, deobfuscate, demangle, symbolicate) a minified, unreadable stack trace or crash log:
    original file, line, function and source of its frames, from a local build or PostHog's symbol sets; why a frame is
    not resolved; with commits, git blame: which commit introduced (broke) the line, who changed (wrote) it. Give stack
    (a pasted trace, or main.js:1:48213) or issue (its newest event)."""

    stack: Annotated[str | None, Shown("<stack trace>")] = Field(
        default=None, min_length=1, max_length=100_000, examples=["at o (main.js:1:48213)"]
    )
    issue: IssueId | None = None
    folder: str | None = Field(default=None, min_length=1, description="A local build; default: what was uploaded.")
    chunk_id: str | None = Field(default=None, min_length=1, description="Of the frames in stack.")
    context: int | None = Field(default=None, ge=0, le=20, description="Lines of source around; default 2.")
    commits: bool | None = Field(default=None, description="Name the last commit of each line.")
    deployed: bool | None = Field(default=None, description="Fetch the script at a frame's URL too.")

    example_fields = ("stack",)
    meant = {
        **dict.fromkeys(("issue_id", "id"), "issue"),
        **dict.fromkeys(("stacktrace", "trace", "stack_trace", "frames", "text"), "stack"),
    }

    @model_validator(mode="after")
    def one_question(self) -> "ResolveFrames":
        """Refuse none of the two, and both."""
        if (self.stack is None) == (self.issue is None):
            raise PydanticCustomError("one_of", "give stack or issue, one of them")
        return self


class InspectSymbolSet(SourceMapWorkflow, tool="symbol-set-inspect", scope="error_tracking:read"):
    """Inspect (view the inside of) an uploaded symbol set (source map), by id or by ref (chunk id or URL): what it
    contains, its kind, sizes and original source files; write_to extracts the sources into a folder, source shows
    one."""

    id: SymbolSetId | None = None
    ref: Annotated[str | None, Shown("<chunk id or URL>")] = Field(
        default=None, min_length=1, examples=["0192f3a0-5c1e-7000-8000-9a4be1d7c3e0"]
    )
    source: str | None = Field(default=None, min_length=1)
    write_to: str | None = Field(default=None, min_length=1)

    example_fields = ("ref",)
    meant = {
        **dict.fromkeys(("chunk_id", "url"), "ref"),
        "symbol_set_id": "id",
        **dict.fromkeys(("folder", "path", "output"), "write_to"),
    }

    def writes(self) -> bool:
        return self.write_to is not None

    @model_validator(mode="after")
    def one_set(self) -> "InspectSymbolSet":
        """Refuse none of the two, and both."""
        if (self.id is None) == (self.ref is None):
            raise PydanticCustomError("one_of", "give id or ref, one of them")
        return self
