"""The workflows on offer, and the module that runs each. A module is imported when its tool is first called."""

from mcp_errortracking.catalog import Outcome
from mcp_errortracking.imports import import_in_thread
from mcp_errortracking.workflows.base import Context, Workflow
from mcp_errortracking.workflows.bulk.tools import UpdateMatching
from mcp_errortracking.workflows.changes import tools as changes
from mcp_errortracking.workflows.deploys import tools as deploys
from mcp_errortracking.workflows.file_issues.tools import IssuesInFile
from mcp_errortracking.workflows.issue_brief.tools import BriefIssue
from mcp_errortracking.workflows.issue_watch.tools import WatchIssue
from mcp_errortracking.workflows.properties.tools import ListProperties
from mcp_errortracking.workflows.rules import tools as rules
from mcp_errortracking.workflows.source_maps import tools as source_maps

_SOURCE_MAP_JOBS = "mcp_errortracking.workflows.source_maps.jobs"
_CHANGES = "mcp_errortracking.workflows.changes"
_MODULES: dict[type[Workflow], str] = {
    changes.ListChanges: f"{_CHANGES}.listing",
    changes.UndoChange: f"{_CHANGES}.undoing",
    rules.SimulateRule: "mcp_errortracking.workflows.rules.simulation",
    source_maps.UploadSourceMaps: f"{_SOURCE_MAP_JOBS}.upload",
    source_maps.CheckSourceMaps: f"{_SOURCE_MAP_JOBS}.check",
    source_maps.ResolveFrames: f"{_SOURCE_MAP_JOBS}.resolve",
    source_maps.InspectSymbolSet: f"{_SOURCE_MAP_JOBS}.inspect",
    deploys.DeployReport: "mcp_errortracking.workflows.deploys.report",
    BriefIssue: "mcp_errortracking.workflows.issue_brief.brief",
    IssuesInFile: "mcp_errortracking.workflows.file_issues.report",
    WatchIssue: "mcp_errortracking.workflows.issue_watch.watch",
    UpdateMatching: "mcp_errortracking.workflows.bulk.matching",
    ListProperties: "mcp_errortracking.workflows.properties.listing",
}
"""The module of each workflow. Its `run(call, context)` does the work."""

WORKFLOWS: tuple[type[Workflow], ...] = tuple(_MODULES)
"""All of them, in the order an agent sees them."""


async def run_workflow(call: Workflow, context: Context) -> Outcome:
    """Run a call.

    Raises:
        WorkflowError: the work cannot be done.
        PostHogError: PostHog refused a request, or did not answer.
    """
    module = await import_in_thread(_MODULES[type(call)])
    return await module.run(call, context)
