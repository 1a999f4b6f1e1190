"""The reasons why no issue matches: a release that does not exist, or a property or value that no exception has."""

from typing import TYPE_CHECKING

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.catalog.endpoint import Steps
from mcp_errortracking.catalog.property_names import explain_nothing
from mcp_errortracking.endpoint_calls import send_steps
from mcp_errortracking.proxy.errors import PostHogError
from mcp_errortracking.proxy.sender import Sender
from mcp_errortracking.workflows.deploys.releases import find_release
from mcp_errortracking.workflows.problems import WorkflowError

if TYPE_CHECKING:
    from mcp_errortracking.workflows.bulk.tools import UpdateMatching


async def why_nothing(call: "UpdateMatching", sender: Sender) -> list[str]:
    """Return notes on the filters of a call that nothing matches, with three requests at most."""
    notes = ["No issue matches. Leave a filter out, or try status all and a longer dateRange."]
    try:
        if call.release is not None:
            await find_release(sender, call.release)
        if call.filterGroup:
            outcome = await send_steps(sender, _explained(call), read_only=True)
            notes += outcome.notes
    except WorkflowError as error:
        explained = error.explanation
        notes.append(f"{explained.what} {explained.why}".strip())
    except PostHogError:
        pass  # the answer stands without its explanation
    return notes


def _explained(call: "UpdateMatching") -> Steps:
    return Outcome({}, (yield from explain_nothing(call.filterGroup or ())))
