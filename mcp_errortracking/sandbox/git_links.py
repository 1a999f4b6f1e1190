"""Links to lines of code at git hosts (contract 6.15).

The two guesses by content have no scope, so that API keys may not use them. `resolve` is on a branch of PostHog's only.
"""

import re
import uuid
from typing import Any, cast
from urllib.parse import urlsplit

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import invalid, null, required
from mcp_errortracking.sandbox.store import Document

_MAX_FRAMES = 500
_PARAMETERS = ("owner", "repository", "code_sample", "file_name")
_COMMIT = re.compile(r"[0-9a-fA-F]{7,40}")
_DEFAULT_BRANCH = "main"


def guess(call: Call) -> Response:
    if not all(call.query.get(name) for name in _PARAMETERS):
        error = "owner, repository, code_sample, and file_name are required"
        return json_answer({"found": False, "error": error})
    return json_answer({"found": False})


def resolve(call: Call) -> Response:
    """Link the frames of a release that have a source."""
    release_id, raw_ids = _read(call)
    release = call.store.get("release", call.project_id, release_id)
    metadata: Document = (release or {}).get("metadata") or {}
    git: Document = metadata.get("git") or {}
    remote = str(git.get("remote_url") or "").removesuffix(".git")
    results = list[Document]()
    if remote:
        frames = {one["raw_id"]: one for one in call.store.all("stack_frame", call.project_id)}
        results = [_link(frames[one], remote, git) for one in raw_ids if _has_source(frames.get(one))]
    return json_answer({"results": results})


def _has_source(frame: Document | None) -> bool:
    return frame is not None and bool(frame["symbol_set_ref"] and frame["contents"].get("source"))


def _link(frame: Document, remote: str, git: Document) -> Document:
    commit = str(git.get("commit_id") or "")
    ref = commit if _COMMIT.fullmatch(commit) else _DEFAULT_BRANCH
    context: Document = frame["context"] or {}
    contents: Document = frame["contents"]
    is_mapped = contents.get("lang") == "javascript" and frame["resolved"]
    line = context["line"]["number"] if context.get("line") else int(contents.get("line") or 0) + is_mapped
    host, path = urlsplit(remote).netloc, str(contents["source"])
    provider = "github" if host == "github.com" else "gitlab"
    between = "blob" if provider == "github" else "-/blob"
    url = f"{remote}/{between}/{ref}/{path}#L{line}"
    return {"raw_id": frame["raw_id"], "provider": provider, "url": url, "path": path}


def _read(call: Call) -> tuple[uuid.UUID, list[str]]:
    fields = call.fields()
    for name in ("release_id", "raw_ids"):
        if name not in fields:
            raise required(name)
        if fields[name] is None:
            raise null(name)
    if not is_uuid(fields["release_id"]):
        raise invalid("invalid_input", "Must be a valid UUID.", "release_id")
    raw_ids: Any = fields["raw_ids"]
    if not isinstance(raw_ids, list):
        raise invalid("not_a_list", f'Expected a list of items but got type "{type(raw_ids).__name__}".', "raw_ids")
    if not raw_ids:
        raise invalid("empty", "This list may not be empty.", "raw_ids")
    if len(cast("list[Any]", raw_ids)) > _MAX_FRAMES:
        detail = f"Ensure this field has no more than {_MAX_FRAMES} elements."
        raise invalid("max_length", detail, "raw_ids")
    return uuid.UUID(str(fields["release_id"])), [str(one) for one in cast("list[Any]", raw_ids)]


ROUTES = [
    *(
        Route(f"git-provider-file-links/resolve_{provider}", {"GET": Action(guess, None)}, "issue_queries")
        for provider in ("github", "gitlab")
    ),
    Route("git-provider-file-links/resolve", {"POST": Action(resolve)}, "source_links"),
]
