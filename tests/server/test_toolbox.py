"""The tools that a server offers: those that its operator chose, and that a key can use."""

import subprocess
import sys
from pathlib import Path

import pytest

from mcp_errortracking.catalog import ALIASES, CATALOG, TOOLSETS
from mcp_errortracking.catalog.toolsets import NEEDED_DAILY
from mcp_errortracking.compose import toolbox_for
from mcp_errortracking.config import ConfigError, ToolSelection
from mcp_errortracking.server.selection import SelectionError
from mcp_errortracking.server.toolbox import EVERY_TOOL, Toolbox, UnknownToolError
from mcp_errortracking.workflows.registry import WORKFLOWS

TASKS = Path(__file__).parents[2] / "benchmarks" / "tasks.tsv"
"""The tasks of a day, each with the tools that it takes."""
BYPASS = "error-tracking-bypass-rules-list"
CREATE = "error-tracking-bypass-rules-create"
ALERTS = "error-tracking-alerts-list"
OF_OTHER_SCOPES = {"error-tracking-issues-all-activity-retrieve", "error-tracking-external-references-search"}
"""Tools of the default set that need `activity_log:read` or `integration:read`."""


def test_by_default_it_is_the_documented_and_the_official_tools_and_those_needed_daily() -> None:
    names = Toolbox().names

    assert tuple(names) == TOOLSETS["default"]
    assert set(names) == {*TOOLSETS["documented"], *TOOLSETS["official"], *NEEDED_DAILY}
    assert (len(TOOLSETS["documented"]), len(TOOLSETS["official"])) == (12, 32)


def test_the_default_set_serves_usual_tasks_but_for_a_few() -> None:
    lines = TASKS.read_text("utf-8").splitlines()
    tasks = {words: set(tools.split()) for words, _, tools in (line.partition("\t") for line in lines)}
    offered = set(Toolbox(workflows=WORKFLOWS).names)

    assert len(tasks) == len(lines) == 40
    assert set[str]().union(*tasks.values()) <= set(EVERY_TOOL.names)
    assert {words: tools - offered for words, tools in tasks.items() if not tools <= offered} == {
        "link this error to the ticket that exists": {"error-tracking-external-references-link"},
        "what did the last deploy break": {"error-tracking-deploy-report"},
        "is there a spike right now": {"error-tracking-spike-events-list"},
    }


def test_every_tool_is_in_exactly_one_toolset_of_a_resource() -> None:
    resources = [name for name in TOOLSETS if name not in ("default", "all", "documented", "official")]

    assert sorted(tool for name in resources for tool in TOOLSETS[name]) == sorted(CATALOG)


@pytest.mark.parametrize("toolset", TOOLSETS)
def test_a_toolset_in_the_order_of_the_catalog(toolset: str) -> None:
    assert Toolbox(toolsets=(toolset,)).names == [tool for tool in CATALOG if tool in TOOLSETS[toolset]]


def test_tools_alone_beside_toolsets_and_by_an_alias() -> None:
    alias, tool = next(iter(ALIASES.items()))

    assert Toolbox(tools=(BYPASS,)).names == [BYPASS]
    assert Toolbox(tools=(alias,)).names == [tool]
    both = Toolbox(toolsets=("alerts", "bypass_rules"), tools=(BYPASS, "error-tracking-settings-get")).names
    assert set(both) == {*TOOLSETS["alerts"], *TOOLSETS["bypass_rules"], "error-tracking-settings-get"}
    assert len(both) == len(set(both))


def test_tools_and_toolsets_are_excluded() -> None:
    names = Toolbox(exclude=("bypass_rules", ALERTS)).names

    assert set(TOOLSETS["default"]) - set(names) == {*TOOLSETS["bypass_rules"], ALERTS} & set(TOOLSETS["default"])


def test_read_only_leaves_out_whatever_changes_something() -> None:
    box = Toolbox(toolsets=("all",), read_only=True)

    assert box.names == [tool for tool, endpoint in CATALOG.items() if endpoint.read_only]
    with pytest.raises(UnknownToolError, match=rf"{CREATE} is not offered .* can start it without --read-only\."):
        box.find(CREATE)


@pytest.mark.parametrize(
    ("selection", "says"),
    [
        ({"toolsets": ("isues",)}, "Unknown toolset isues: did you mean issues?"),
        ({"toolsets": ("nonsense",)}, "Unknown toolset nonsense: there are default, all, documented, official, "),
        ({"tools": ("bypass-rules-lst",)}, f"Unknown tool bypass-rules-lst: did you mean {BYPASS}"),
        ({"exclude": ("qqq",)}, "Unknown tool qqq: mcp-errortracking tools --toolsets all names"),
        ({"toolsets": ("alerts",), "exclude": ("alerts",)}, "No tool is left"),
        ({"tools": (CREATE,), "read_only": True}, "No tool is left"),
    ],
)
def test_a_selection_that_makes_no_sense(selection: dict[str, tuple[str, ...]], says: str) -> None:
    without_files = [workflow for workflow in WORKFLOWS if not workflow.needs_files and not workflow.needs_journal]
    with pytest.raises(SelectionError) as caught:
        Toolbox(**selection, workflows=without_files)  # pyright: ignore[reportArgumentType]
    assert says in str(caught.value)
    with pytest.raises(ConfigError) as told:
        toolbox_for(ToolSelection(**selection), (), with_journal=False)  # pyright: ignore[reportArgumentType]
    assert str(told.value) == str(caught.value)


def test_a_tool_is_found_by_its_name_and_by_its_aliases() -> None:
    box = Toolbox(toolsets=("all",))

    for name, tool in {**{tool: tool for tool in CATALOG}, **ALIASES}.items():
        assert box.find(name) is CATALOG[tool]


def test_a_tool_that_is_not_offered_is_told_from_one_that_is_none() -> None:
    box = Toolbox(tools=(ALERTS,))

    with pytest.raises(
        UnknownToolError, match=rf"{BYPASS} is not offered .* with --tools {BYPASS} or the toolset bypass_rules\.$"
    ):
        box.find(BYPASS)
    with pytest.raises(UnknownToolError, match=f"Unknown tool: list_alerts. The nearest are: {ALERTS}"):
        box.find("list_alerts")
    with pytest.raises(UnknownToolError, match=r"Unknown tool: zzz\. tools/list names all of them\."):
        box.find("zzz")


@pytest.mark.parametrize(
    ("scopes", "hidden"),
    [
        (None, set[str]()),
        (["*"], set[str]()),
        (["error_tracking:write", "hog_function:write"], OF_OTHER_SCOPES),
        (["error_tracking:write"], OF_OTHER_SCOPES | {tool for tool in TOOLSETS["default"] if "-alerts-" in tool}),
        (
            ["error_tracking:read", "hog_function:read"],
            OF_OTHER_SCOPES | {tool for tool in TOOLSETS["default"] if not CATALOG[tool].read_only},
        ),
        (["error_tracking:write", "hog_function:write", "activity_log:read", "integration:read"], set[str]()),
        (["feature_flag:read"], set(TOOLSETS["default"])),
    ],
)
def test_what_a_key_cannot_use_is_hidden(scopes: list[str] | None, hidden: set[str]) -> None:
    assert Toolbox().names_for(scopes) == [tool for tool in TOOLSETS["default"] if tool not in hidden]


def test_a_tool_needs_all_its_scopes() -> None:
    search = "error-tracking-external-references-search"
    box = Toolbox(tools=(search,))

    assert box.names_for(["error_tracking:read"]) == []
    assert box.names_for(["error_tracking:write", "integration:write"]) == [search]


def test_tools_are_chosen_without_the_catalog() -> None:
    script = (
        "import sys, mcp_errortracking.server.selection, mcp_errortracking.server.tool_list;"
        " print(sorted({'pydantic', 'mcp_types', 'mcp_errortracking.catalog'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"
