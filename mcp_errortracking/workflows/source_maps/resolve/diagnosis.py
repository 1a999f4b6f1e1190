"""Why a frame is still minified, from four facts: the event, PostHog's symbol set, the local build, the live script."""

from dataclasses import dataclass
from typing import Literal

Code = Literal[
    "sdk_sends_no_chunk_id",
    "not_injected",
    "injected_not_deployed",
    "no_chunk_id",
    "not_uploaded",
    "unknown_build",
    "never_finished",
    "rejected",
    "other_build_deployed",
    "map_does_not_cover",
    "no_column",
    "eval_devtool",
    "should_resolve",
    "unknown",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known; None stands for what is not.

    `chunk_id`: in the event's frame. `set_exists`: PostHog has a symbol set with this ref. `has_file`: something was
    announced for it. `is_finished`: and its upload was confirmed. `failure_reason`: PostHog's own. `local_chunk_id`: of the bundle of this name in the local build; "" if the bundle
    has none. `has_local_map`: the local build has the map of the event's chunk, or of the bundle if the event names no
    chunk. `resolves_locally`: and it maps the frame's position. `deployed_chunk_id`: of the script at the frame's URL;
    "" if that has none.
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


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """The one reason that explains the facts, in a sentence, and what to do."""

    code: Code
    sentence: str
    next_step: str


def diagnose(facts: Facts) -> Diagnosis:
    """Return the verdict: the first thing that is wrong on the way from the script to the readable frame."""
    if not facts.chunk_id:
        return _without_chunk_id(facts)
    on_server = _on_server(facts)
    if on_server:
        return on_server
    if facts.deployed_chunk_id is not None and facts.deployed_chunk_id != facts.chunk_id:
        return Diagnosis(
            "other_build_deployed",
            "The script at the frame's URL is of another build than the one that sent the event.",
            "Nothing, if a newer release is live: look at its events. Otherwise deploy the build that was uploaded.",
        )
    if facts.resolves_locally is False and facts.has_local_map:
        return Diagnosis(
            "map_does_not_cover",
            "The map is there, but maps nothing at this position: it is code that the bundler made.",
            "Look at the frame below it. If all frames are so, the map is not of this bundle: build and upload again.",
        )
    if facts.set_exists and facts.is_finished:
        return Diagnosis(
            "should_resolve",
            "Everything is in place, so new events of this script should be readable.",
            "Wait for a new event, or resolve the frame here, from the local build or the uploaded set.",
        )
    return Diagnosis(
        "unknown",
        "What is known does not explain it.",
        "Give a key with error_tracking:read, and the build folder, so that more can be looked at.",
    )


def _without_chunk_id(facts: Facts) -> Diagnosis:
    if facts.deployed_chunk_id:
        return Diagnosis(
            "sdk_sends_no_chunk_id",
            "The event names no chunk, though the script that is live has a chunk id.",
            "If the event is older than the deployment, wait for a new one. Otherwise update PostHog's SDK.",
        )
    if facts.local_chunk_id == "":
        return Diagnosis(
            "not_injected",
            "The event names no chunk, because the build has no chunk ids.",
            "Upload the build with this server, which puts them in, and then deploy these very files.",
        )
    if facts.local_chunk_id and facts.deployed_chunk_id == "":
        return Diagnosis(
            "injected_not_deployed",
            "The local build has chunk ids, but the script that is live has none.",
            "Deploy the files as they are after the upload; run the upload before they are copied or packed.",
        )
    return Diagnosis(
        "no_chunk_id",
        "The event names no chunk, so PostHog cannot know which map to use.",
        "Upload the build with this server, which puts chunk ids in, then deploy these very files.",
    )


def _on_server(facts: Facts) -> Diagnosis | None:
    if facts.set_exists is False or facts.has_file is False:
        reason = f" PostHog notes: {facts.failure_reason}." if facts.failure_reason else ""
        if facts.has_local_map is False:
            return Diagnosis(
                "unknown_build",
                f"PostHog has no map for this chunk, and the local build does not have it either.{reason}",
                "Check out the commit of the release, build it, and upload; the same sources give the same chunk ids.",
            )
        return Diagnosis(
            "not_uploaded",
            f"PostHog has no map for this chunk.{reason}",
            "Upload the build it comes from. Events sent from then on are readable.",
        )
    if facts.set_exists and facts.is_finished is False:
        return Diagnosis(
            "never_finished",
            "An upload of this map was begun, but never finished.",
            "Upload the build again: it goes on where it stopped.",
        )
    if facts.set_exists and facts.failure_reason:
        return Diagnosis(
            "rejected",
            f"PostHog has the map but cannot use it: {facts.failure_reason}.",
            "Build again and upload with force. If it stays so, look inside the set that is stored.",
        )
    return None
