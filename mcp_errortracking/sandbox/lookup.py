"""Look up a document of the project by the id in a path (contract 1.9)."""

import uuid

from mcp_errortracking.sandbox.call import Call
from mcp_errortracking.sandbox.clock import is_uuid
from mcp_errortracking.sandbox.errors import not_found, server_error
from mcp_errortracking.sandbox.store import Document


def find(call: Call, kind: str) -> Document:
    """Return the document that the path names by `id`.

    Raises:
        ErrorAnswer: 404; for an id that is not a UUID 500, or 404 on an old server.
    """
    wanted = call.parameters["id"]
    if not is_uuid(wanted):
        raise server_error() if call.features.rule_serializers else not_found()
    found = call.store.get(kind, call.project_id, uuid.UUID(wanted))
    if found is None:
        raise not_found()
    return found
