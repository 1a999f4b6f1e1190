"""The askers of MCP clients: elicitation in the 2025 era, and results that require input in the 2026 one."""

from dataclasses import dataclass
from typing import Any

from mcp.shared.exceptions import MCPError
from mcp.shared.message import ServerMessageMetadata
from mcp_types import (
    REQUEST_TIMEOUT,
    CallToolRequestParams,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from mcp_errortracking.server.callers import caller_id
from mcp_errortracking.server.confirmation.askers import KEY, NO_FIELDS, Answer, Asker, InputRequired, NoAsker


def asker_of(context: Any, params: CallToolRequestParams) -> Asker | InputRequired | NoAsker:
    """Return the asker of a tool call, by what its client declares and its transport carries."""
    session, caller = context.session, caller_id(context.request)
    if not _takes_forms(session.client_capabilities):
        return NoAsker(caller)
    if session.protocol_version in MODERN_PROTOCOL_VERSIONS:
        answer = (params.input_responses or {}).get(KEY)
        action: Answer = answer.action if isinstance(answer, ElicitResult) else "cancel"
        return InputRequired(caller, params.request_state, action)
    return Elicitation(caller, session, context.request_id) if session.can_send_request else NoAsker(caller)


def _takes_forms(capabilities: Any) -> bool:
    """True if a client takes questions as forms: also one that names no mode (MCP, Elicitation, Capabilities)."""
    modes = capabilities and capabilities.elicitation
    return modes is not None and (modes.form is not None or modes.url is None)


@dataclass(frozen=True, slots=True)
class Elicitation:
    """A request to the client, which it answers while the call waits."""

    caller: str
    session: Any
    request_id: Any

    async def ask(self, question: str, seconds: float) -> Answer:
        params = ElicitRequestFormParams(message=question, requested_schema=NO_FIELDS)
        try:
            result = await self.session.send_request(
                ElicitRequest(params=params),
                ElicitResult,
                request_read_timeout_seconds=seconds,
                metadata=ServerMessageMetadata(related_request_id=self.request_id),
            )
        except MCPError as error:
            return "late" if error.code == REQUEST_TIMEOUT else "failed"
        except ValidationError:
            return "failed"
        return result.action
