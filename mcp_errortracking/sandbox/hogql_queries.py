"""`/query/`: HogQL over the project's exceptions, as far as the sandbox knows it (contract 6.13, rule contract 3.1)."""

from datetime import datetime
from typing import Any, cast

from starlette.responses import Response

from mcp_errortracking.sandbox.call import Action, Call, Route, json_answer
from mcp_errortracking.sandbox.errors import HogError, required
from mcp_errortracking.sandbox.history import EVENT, EXCEPTION
from mcp_errortracking.sandbox.hogql import NotSupportedError, run_query
from mcp_errortracking.sandbox.property_statements import run_statement
from mcp_errortracking.sandbox.queries import budgeted

_NOT_SUPPORTED = "The sandbox runs only the HogQL that this server sends."


def query(call: Call) -> Response:
    given: Any = call.fields().get("query")
    fields = cast("dict[str, Any]", given) if isinstance(given, dict) else {}
    text: Any = fields.get("query")
    values: Any = fields.get("values") or {}
    if not isinstance(text, str):
        raise required("query")
    if fields.get("kind") != "HogQLQuery" or not isinstance(values, dict):
        raise HogError(501, "server_error", "not_implemented", _NOT_SUPPORTED)
    parameters = cast("dict[str, Any]", values)
    if (answer := run_statement(call, text, parameters)) is not None:
        return json_answer(answer)
    try:
        columns, rows = run_query(text, parameters, _events(call))
    except (NotSupportedError, TypeError, KeyError, ValueError) as error:
        raise HogError(501, "server_error", "not_implemented", f"{_NOT_SUPPORTED} ({error})") from None
    return json_answer({"columns": columns, "results": rows})


def _events(call: Call) -> list[dict[str, Any]]:
    """Return the project's exceptions as rows of the table `events`; `issue_id` is the owner of the fingerprint now."""
    owner = {one["fingerprint"]: one["issue_id"] for one in call.store.all("fingerprint", call.project_id)}
    exceptions = {one["id"]: one for one in call.store.all(EXCEPTION, call.project_id)}
    return [
        {
            "event": "$exception",
            "issue_id": owner.get(event["properties"]["$exception_fingerprint"]),
            "timestamp": datetime.fromisoformat(event["timestamp"]),
            "properties": {
                "$exception_list": exceptions[event["origin"]]["list"],
                **exceptions[event["origin"]]["properties"],
                **event["properties"],
            },
        }
        for event in call.store.all(EVENT, call.project_id)
    ]


ROUTES = (Route("query", {"POST": Action(budgeted(query), ("query:read",))}),)
