"""Why a chunk was not uploaded, in words: from what PostHog, object storage or the file system said."""

import re

from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.workflows.source_maps.remote.storage_errors import StorageError
from mcp_errortracking.workflows.source_maps.upload.conflicts import Choice, ConflictRules
from mcp_errortracking.workflows.source_maps.upload.content import ContentError
from mcp_errortracking.workflows.source_maps.upload.results import Ending, Outcome

UNFINISHED = ("file_not_found", "file_too_large", "symbol_set_not_found")
"""PostHog's codes for a set that it cannot finish."""
GONE = ("file_not_found", "symbol_set_not_found")
"""Those of them that a new start may help: another upload started or deleted the set meanwhile."""

UPLOADED = Ending(Outcome.UPLOADED)
UNCHANGED = Ending(Outcome.UNCHANGED, reason="PostHog has this content already.")
NOT_WANTED = Ending(Outcome.UNCHANGED, reason="PostHog wants no file for it: it has one.")
SKIPPED = Ending(Outcome.SKIPPED_CONFLICT, reason="PostHog has other content and keeps it.")
NOT_TRIED = Ending(
    Outcome.FAILED, "storage_lost", "Too many transfers before it failed; it was not tried.", "Upload again."
)
LOST = Ending(Outcome.FAILED, "symbol_set_not_found", "PostHog lost the set before it was finished.", "Upload again.")
OTHER_CONTENT = Ending(
    Outcome.FAILED,
    "content_hash_mismatch",
    "PostHog has other content under this chunk id, or another tool's hash of it.",
    "Upload with force to overwrite it, or with skip_on_conflict to keep it.",
    (Choice.FORCE, Choice.SKIP_ON_CONFLICT),
)


def refused(error: PostHogError, rules: ConflictRules) -> Ending:
    """The ending of a chunk that PostHog refuses, or could not be asked about."""
    reason = error.detail or error.what
    if error.code in ("content_hash_mismatch", "content_hash_required"):
        if rules.skip_on_conflict:
            return SKIPPED
        if not rules.force:
            return OTHER_CONTENT
        next_step = "This PostHog never overwrites: delete the symbol set, then upload again."
        return Ending(Outcome.FAILED, error.code, reason, next_step)
    if error.code == "release_id_mismatch":
        next_step = "Upload it without a release; the set keeps the one it has. Force does not change that."
        return Ending(Outcome.FAILED, error.code, reason, next_step, (Choice.WITHOUT_RELEASE,))
    next_step = error.next_step
    if error.code in UNFINISHED or error.maybe_applied:
        next_step = "Upload again: what is done already is left alone."
    return Ending(Outcome.FAILED, error.code or f"http_{error.status}", reason, next_step)


def not_sent(error: StorageError) -> Ending:
    """The ending of a chunk whose file did not arrive; the code is like `storage_expired`."""
    words = re.findall(r"[A-Z][a-z]+", type(error).__name__.removesuffix("Error"))
    return Ending(Outcome.FAILED, f"storage_{'_'.join(words).lower()}", error.what, error.next_step)


def unreadable(error: ContentError) -> Ending:
    """The ending of a chunk whose content cannot be had."""
    return Ending(Outcome.FAILED, error.code, error.what, error.next_step)
