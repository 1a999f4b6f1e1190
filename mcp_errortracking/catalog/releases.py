"""Releases: versions of the user's own product, to which symbol sets belong (contract 6.7)."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from mcp_errortracking.catalog.endpoint import Endpoint, Outcome, Request, Steps, as_object, call_of
from mcp_errortracking.catalog.identifiers import ReleaseId
from mcp_errortracking.catalog.meanings import Shown
from mcp_errortracking.catalog.paging import PagedEndpoint

Name = Annotated[str, Field(min_length=1, examples=["1.4.2"]), Shown("<version>")]
Product = Annotated[str, Field(min_length=1, examples=["web"]), Shown("<name of the product>")]
_NAMES = {**dict.fromkeys(("name", "release", "tag"), "version"), "product": "project", "hash": "hash_id"}
_COMMIT = dict.fromkeys(
    ("commit", "commit_id", "commit_sha", "sha", "git", "git_commit"), "give metadata, an object: git with commit_id"
)
HashId = Annotated[str, Field(min_length=1, max_length=128, examples=["9fceb02d"]), Shown("<hash_id of a release>")]
_GIT = {name: {"type": "string"} for name in ("commit_id", "branch", "remote_url")}
Metadata = Annotated[
    dict[str, Any],
    WithJsonSchema({"type": "object", "properties": {"git": {"type": "object", "properties": _GIT}}}),
]
"""Any object; the schema names what PostHog reads of it."""


class ListReleases(PagedEndpoint, tool="error-tracking-releases-list", request="GET releases/"):
    """List releases (deployed versions) with their commit hashes, newest first."""

    meant = dict.fromkeys(("version", "search", "query", "project"), "this list has no filter; read its rows")


class CreateRelease(Endpoint, tool="error-tracking-releases-create", request="POST releases/"):
    """Create (register, add, track) a new release: a deployed version (deployment, CI build), with its git branch and
    commit, to bind symbol sets to."""

    version: Name
    project: Product = Field(description="Product name, not a PostHog project.")
    hash_id: HashId | None = Field(default=None, description="Unique; default: the release's id.")
    metadata: Metadata | None = None

    meant = {**_NAMES, **_COMMIT}
    advice = {"release_hash_in_use": "Nothing was created: find that one with error-tracking-releases-hash-retrieve."}

    undo_loss = "Symbol sets that were bound to the release since are deleted with it."

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return call_of(DeleteRelease, {"id": after.get("id")})


class RetrieveRelease(Endpoint, tool="error-tracking-releases-retrieve", request="GET releases/{id}/"):
    """Get the details of one release by id: its version and git commit."""

    id: ReleaseId

    meant = {
        **dict.fromkeys(("version", "name"), "call error-tracking-releases-list, for the id"),
        **dict.fromkeys(("hash_id", "hash"), "call error-tracking-releases-hash-retrieve with hash_id"),
    }


def _refuse_unreachable(hash_id: str) -> str:
    """Refuses what PostHog's router would never take for one part of a path."""
    if re.search(r"[/\\.]", hash_id):
        raise PydanticCustomError(
            "unreachable",
            "one that holds / \\ or . cannot be looked up: find the release with error-tracking-releases-list",
        )
    return hash_id


class RetrieveReleaseByHash(
    Endpoint, tool="error-tracking-releases-hash-retrieve", request="GET releases/hash/{hash_id}/"
):
    """Get the release with this hash (hash_id), e.g. of a commit."""

    hash_id: Annotated[HashId, AfterValidator(_refuse_unreachable)]

    advice = {"not_found": "List the releases with error-tracking-releases-list."}


class UpdateRelease(Endpoint, tool="error-tracking-releases-partial-update", request="PATCH releases/{id}/"):
    """Edit a release: rename or correct its version, project, hash_id or git metadata (commit). Returns it."""

    id: ReleaseId
    version: Name | None = None
    project: Product | None = None
    hash_id: HashId | None = None
    metadata: Metadata | None = None

    meant = {"release_id": "id", **_NAMES, **_COMMIT}

    def steps(self) -> Steps:
        sent = self.request()
        yield sent
        return Outcome(as_object((yield Request("GET", sent.path))))

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        return self.restore(before)


class DeleteRelease(Endpoint, tool="error-tracking-releases-destroy", request="DELETE releases/{id}/"):
    """Delete (remove) a release and, with it, all its symbol sets. Returns it as it was."""

    id: ReleaseId

    def steps(self) -> Steps:
        sent = self.request()
        release = as_object((yield Request("GET", sent.path)))
        yield sent
        return Outcome({"deleted": release})

    undo_loss = "The new release has another id, and none of the symbol sets that were bound to the old one."

    def inverse(self, before: Mapping[str, Any], after: Mapping[str, Any]) -> Endpoint | None:
        kept = {name: before[name] for name in CreateRelease.model_fields if before.get(name) is not None}
        return call_of(CreateRelease, kept)


ENDPOINTS = (
    ListReleases,
    CreateRelease,
    RetrieveRelease,
    RetrieveReleaseByHash,
    UpdateRelease,
    DeleteRelease,
)
