"""Look up releases by their hash, or by version and project, and create them (contract 5.2, 6.7)."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from mcp_errortracking.catalog.endpoint import as_object, as_objects, uuid_of
from mcp_errortracking.catalog.releases import CreateRelease, ListReleases, RetrieveReleaseByHash
from mcp_errortracking.endpoint_calls import send_endpoint
from mcp_errortracking.proxy.errors import InvalidError, NotFoundError, PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.source_maps.remote.answers import unreadable

_PAGE = 500
_PAGES = 4  # the newest 2,000 releases are looked through


@dataclass(frozen=True, slots=True)
class ReleaseName:
    """The name of a release. `project` is the user's name of a product, like `shop-web`, not an id of PostHog's."""

    version: str
    project: str
    metadata: Mapping[str, Any] | None = None
    """Metadata for a new release, like the git commit."""

    @property
    def hash_id(self) -> str:
        """The hash that PostHog's own command line gives this release."""
        return hashlib.sha512(f"{self.project}{self.version}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Release:
    """A release in PostHog. `is_new`: it was created for this upload."""

    id: str
    version: str
    project: str
    is_new: bool = False


Create = Callable[[CreateRelease], Awaitable[Any]]
"""Sends the request that creates a release, and returns the JSON of its answer."""


async def find_or_create_release(sender: Sender, name: ReleaseName, create: Create | None = None) -> Release:
    """Return the release of that name; create it if it does not exist.

    Args:
        create: creates it in place of `sender`.

    Raises:
        PostHogError: no answer, or the release could not be created.
    """
    return await find_release_by_name(sender, name) or await _create(sender, name, create or _sending(sender))


def _sending(sender: Sender) -> Create:
    async def create(call: CreateRelease) -> Any:
        return await send_endpoint(sender, call)

    return create


async def find_release_by_name(sender: Sender, name: ReleaseName) -> Release | None:
    """Return the release of that name; None if it does not exist.

    Raises:
        PostHogError: no answer.
    """
    return await _by_hash(sender, name) or await _by_name(sender, name)


async def _by_hash(sender: Sender, name: ReleaseName) -> Release | None:
    try:
        return _read(await send_endpoint(sender, RetrieveReleaseByHash(hash_id=name.hash_id)), name)
    except NotFoundError as error:
        if error.code not in ("not_found", "endpoint_not_found"):
            raise
        return None


async def _by_name(sender: Sender, name: ReleaseName) -> Release | None:
    """Return a release that was created by other means: PostHog gives those another hash."""
    for number in range(_PAGES):
        answer = as_object(await send_endpoint(sender, ListReleases(limit=_PAGE, offset=number * _PAGE)))
        if not isinstance(answer.get("results"), list):
            raise unreadable("lists no releases")
        for one in as_objects(answer["results"]):
            if (one.get("version"), one.get("project")) == (name.version, name.project):
                return _read(one, name)
        if not answer.get("next"):
            break
    return None


async def _create(sender: Sender, name: ReleaseName, create: Create) -> Release:
    body: dict[str, Any] = {"version": name.version, "project": name.project, "hash_id": name.hash_id}
    if name.metadata:
        body["metadata"] = dict(name.metadata)
    # Not validated: a build in the root folder has an empty project, which PostHog refuses with a reason.
    call = CreateRelease.model_construct(set(body), **body)
    try:
        return _read(await create(call), name, is_new=True)
    except PostHogError as error:
        # Another upload was faster, or this request arrived and its answer did not.
        is_taken = isinstance(error, InvalidError) and "already in use" in (error.detail or "")
        release = await _by_hash(sender, name) if error.maybe_applied or is_taken else None
        if release is None:
            raise
        return release


def _read(answer: Any, name: ReleaseName, *, is_new: bool = False) -> Release:
    facts = as_object(answer)
    release_id = uuid_of(facts.get("id"))
    if release_id is None:
        raise unreadable("has no release id")
    version, project = facts.get("version"), facts.get("project")
    return Release(
        release_id,
        version if isinstance(version, str) else name.version,
        project if isinstance(project, str) else name.project,
        is_new,
    )
