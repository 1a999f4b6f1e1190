"""Diagnosis of a minified frame from four sources: event, PostHog's symbol set, local build and live script."""

from dataclasses import dataclass
from typing import Literal

from mcp_errortracking.explanation import Explanation
from mcp_errortracking.workflows.source_maps.remote.stored import RETENTION
from mcp_errortracking.workflows.source_maps.resolve.chunk_age import built_at

Code = Literal[
    "sdk_sends_no_chunk_id",
    "not_injected",
    "injected_not_deployed",
    "no_chunk_id",
    "not_uploaded",
    "expired",
    "unknown_build",
    "other_build_uploaded",
    "uploaded_later",
    "never_finished",
    "rejected",
    "refused_map",
    "other_build_deployed",
    "map_does_not_cover",
    "no_column",
    "eval_devtool",
    "source_file",
    "should_resolve",
    "unknown",
]


BUILD_AGAIN = "Build again; update the bundler if it writes the same map. Upload with force, and deploy that build."
"""The next step for a map that PostHog's reader refuses."""


@dataclass(frozen=True, slots=True)
class Facts:
    """The known facts about a frame; None stands for unknown.

    `chunk_id`: in the event's frame. `set_exists`: PostHog has a symbol set with this ref. `has_file`: a file was
    announced for the set. `is_finished`: its upload was confirmed. `failure_reason`: from PostHog. `local_chunk_id`:
    of the bundle of this name in the local build; "" if the bundle has none. `has_local_map`: the local build has the
    map of the event's chunk, or of the bundle if the event names no chunk. `resolves_locally`: that map has the
    position of the frame. `deployed_chunk_id`: of the script at the frame's URL; "" if the script has none.
    `local_is_uploaded`: PostHog has the symbol set of `local_chunk_id`. `was_missing`: PostHog had no symbol set when
    the event arrived. `refusal`: the reason why PostHog's reader refuses the map: that of the symbol set if it was
    fetched, else the local one. `age`: days since the chunk was built.
    """

    chunk_id: str | None = None
    set_exists: bool | None = None
    has_file: bool | None = None
    is_finished: bool | None = None
    failure_reason: str | None = None
    local_chunk_id: str | None = None
    has_local_map: bool | None = None
    resolves_locally: bool | None = None
    deployed_chunk_id: str | None = None
    local_is_uploaded: bool | None = None
    was_missing: bool = False
    refusal: str | None = None
    age: int | None = None


def diagnose(facts: Facts) -> Explanation:
    """Return the diagnosis: the first fault between the deployed script and the readable frame."""
    if not facts.chunk_id:
        return _without_chunk_id(facts)
    on_server = _on_server(facts)
    if on_server:
        return on_server
    if facts.deployed_chunk_id is not None and facts.deployed_chunk_id != facts.chunk_id:
        return _diagnosis(
            "other_build_deployed",
            "The script at the frame's URL is of another build than the event.",
            "If a newer release is live, look at its events. Otherwise deploy the build that was uploaded.",
        )
    if facts.resolves_locally is False and facts.has_local_map:
        return _diagnosis(
            "map_does_not_cover",
            "The map has nothing at this position: the bundler generated this code.",
            "Look at the next frame. If no frame resolves, the map is not of this bundle: build and upload again.",
        )
    if facts.set_exists and facts.is_finished and facts.was_missing:
        return _diagnosis(
            "uploaded_later",
            "The map was uploaded after the event arrived, and PostHog resolves a frame only once.",
            "Look at newer events. This one stays minified in PostHog.",
        )
    if facts.set_exists and facts.is_finished:
        return _diagnosis(
            "should_resolve",
            "Nothing is missing: new events of this script should be readable.",
            "Wait for a new event, or resolve this frame here, with the local build or the uploaded symbol set.",
        )
    return _diagnosis(
        "unknown",
        "The known facts do not explain it.",
        "Give a key with error_tracking:read, and the build folder, so that more can be checked.",
    )


def _without_chunk_id(facts: Facts) -> Explanation:
    if facts.deployed_chunk_id:
        return _diagnosis(
            "sdk_sends_no_chunk_id",
            "The event names no chunk, but the live script has a chunk id.",
            "If the event is older than the deployment, wait for a new event. Otherwise update PostHog's SDK.",
        )
    if facts.local_chunk_id == "":
        return _diagnosis(
            "not_injected",
            "The event names no chunk, because the build has no chunk ids.",
            "Upload the build with this server, which injects chunk ids, then deploy exactly these files.",
        )
    if facts.local_chunk_id and facts.deployed_chunk_id == "":
        return _diagnosis(
            "injected_not_deployed",
            "The local build has chunk ids, but the live script has none.",
            "Deploy the files as they are after the upload: run the upload before copying or packing them.",
        )
    return _diagnosis(
        "no_chunk_id",
        "The event names no chunk, so PostHog cannot know which map to use.",
        "Upload the build with this server, which injects chunk ids, then deploy exactly these files.",
    )


def _on_server(facts: Facts) -> Explanation | None:
    if facts.set_exists is False or facts.has_file is False:
        return _without_map(facts)
    if facts.set_exists and facts.is_finished is False:
        return _diagnosis(
            "never_finished",
            "An upload of this map was started, but never finished.",
            "Upload the build again: it resumes the upload.",
        )
    if facts.set_exists and facts.refusal:
        return _diagnosis("refused_map", f"PostHog has the map, but cannot use it. {facts.refusal}", BUILD_AGAIN)
    if facts.set_exists and facts.failure_reason:
        return _diagnosis(
            "rejected",
            f"PostHog has the map but cannot use it: {facts.failure_reason}.",
            "Build again and upload with force. If that does not help, inspect the stored symbol set.",
        )
    return None


def _without_map(facts: Facts) -> Explanation:
    reason = f" PostHog notes: {facts.failure_reason}." if facts.failure_reason else ""
    if facts.local_chunk_id and facts.local_chunk_id != facts.chunk_id and facts.local_is_uploaded:
        return _diagnosis(
            "other_build_uploaded",
            f"PostHog has the map of the local build, but the event's script is of another build.{reason}",
            "Let one job build, upload and deploy the same files. If the host builds again, upload in its build.",
        )
    is_of_one_build = built_at(facts.chunk_id) is not None
    if facts.has_local_map is False:
        return _diagnosis(
            "unknown_build",
            f"PostHog has no map for this chunk, and neither has the local build.{reason}",
            "Another build cannot have this chunk id: upload the files of that build, or deploy a new build after its "
            "upload."
            if is_of_one_build
            else "Check out the commit of the release, build and upload it: the same sources give the same chunk ids.",
        )
    if facts.age is not None and facts.age >= RETENTION.days:
        return _diagnosis(
            "expired",
            f"PostHog has no map for this chunk. It was built {facts.age} days ago, and PostHog deletes a map "
            f"{RETENTION.days} days after its last use.{reason}",
            "Upload the build that contains it again. Events sent after that are readable.",
        )
    if facts.refusal:
        reason = f"PostHog has no map for this chunk, and cannot use the local one. {facts.refusal}"
        return _diagnosis("refused_map", reason, BUILD_AGAIN)
    return _diagnosis(
        "not_uploaded",
        f"PostHog has no map for this chunk.{reason}",
        "Upload the build that contains it. Events sent after that are readable.",
    )


def _diagnosis(code: Code, what: str, next_step: str) -> Explanation:
    return Explanation(code, what, next_step=next_step)
