"""Releases (contract 6.7)."""

import re
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import WRITE, Action, Call, Route, json_answer, no_content
from mcp_errortracking.sandbox.clock import new_id, now
from mcp_errortracking.sandbox.errors import invalid, not_found
from mcp_errortracking.sandbox.lookup import find
from mcp_errortracking.sandbox.pagination import page
from mcp_errortracking.sandbox.store import Document

KIND = "release"
_MAX_HASH_ID = 128
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*+:|)//(?:[^/?#@]*+@)*+(?P<host>[^/?#@]*+)(?P<path>[^?#]*+).*+", re.DOTALL
)


def list_releases(call: Call) -> Response:
    newest_first = sorted(
        call.store.all(KIND, call.project_id), key=lambda release: release["created_at"], reverse=True
    )
    return json_answer(page(newest_first, call.query, call.url, lambda release: release))


def create(call: Call) -> Response:
    fields = call.fields()
    if not fields.get("version"):
        raise invalid("invalid_input", "Version is required")
    if not fields.get("project"):
        raise invalid("invalid_input", "Project is required")
    release_id = new_id()
    release: Document = {
        "id": release_id,
        "hash_id": _hash_id(call, fields.get("hash_id") or release_id, None),
        "team_id": call.project_id,
        "created_at": now(),
        "metadata": _without_credentials(fields.get("metadata")),
        "version": str(fields["version"]),
        "project": str(fields["project"]),
    }
    call.store.add(KIND, call.project_id, release)
    return json_answer(release, 201)


def retrieve(call: Call) -> Response:
    return json_answer(find(call, KIND))


def by_hash(call: Call) -> Response:
    release = call.store.find(KIND, call.project_id, call.parameters["hash_id"])
    if release is None:
        raise not_found()
    return json_answer(release)


def update(call: Call) -> Response:
    release, fields = find(call, KIND), call.fields()
    changed = {name: fields[name] for name in ("version", "project", "metadata") if fields.get(name) is not None}
    if "metadata" in changed:
        changed["metadata"] = _without_credentials(changed["metadata"])
    if fields.get("hash_id"):
        changed["hash_id"] = _hash_id(call, fields["hash_id"], release["id"])
    call.store.put(KIND, {**release, **changed})
    return no_content()


def destroy(call: Call) -> Response:
    release = find(call, KIND)
    call.store.remove(KIND, call.project_id, release["id"])
    for symbol_set in call.store.all("symbol_set", call.project_id):
        if symbol_set["release"] == release["id"]:
            call.store.remove("symbol_set", call.project_id, symbol_set["id"])
    return no_content()


def _without_credentials(metadata: Any) -> Any:
    """Return metadata with `git.remote_url` cut to scheme, host and path."""
    whole = cast("Document", metadata) if isinstance(metadata, dict) else {}
    git = cast("Document", whole["git"]) if isinstance(whole.get("git"), dict) else {}
    found = _URL.fullmatch(str(git.get("remote_url")))
    if found is None:
        return cast("Any", metadata)
    return {**whole, "git": {**git, "remote_url": f"{found['scheme']}//{found['host']}{found['path']}"}}


def _hash_id(call: Call, value: Any, own: str | None) -> str:
    text = str(value)
    if len(text) > _MAX_HASH_ID:
        raise invalid("invalid_input", f"Hash id length cannot exceed {_MAX_HASH_ID} bytes")
    other = call.store.find(KIND, call.project_id, text)
    if other is not None and other["id"] != own:
        code = "release_hash_in_use" if call.features.release_hash_code else "invalid_input"
        raise invalid(code, f"Hash id {text} already in use")
    return text


ROUTES = [
    Route("releases", {"GET": Action(list_releases), "POST": Action(create, (WRITE,))}),
    Route("releases/hash/{hash_id}", {"GET": Action(by_hash)}),
    Route(
        "releases/{id}",
        {
            "GET": Action(retrieve),
            "PATCH": Action(update, (WRITE,)),
            "PUT": Action(update, (WRITE,)),
            "DELETE": Action(destroy, (WRITE,)),
        },
    ),
]
