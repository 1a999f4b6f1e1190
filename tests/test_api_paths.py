"""The paths of PostHog's API stand in the catalog; the few that no endpoint has, in one module of the proxy."""

import ast
from pathlib import Path

import pytest

import mcp_errortracking
from mcp_errortracking.catalog import CATALOG
from mcp_errortracking.proxy.address import SYMBOL_SETS_PATH

PACKAGE = Path(mcp_errortracking.__file__).parent
HOMES = ("catalog/", "proxy/address.py", "sandbox/")
"""The sandbox has paths of its own: it shares no code with what it is used to test."""
MODULES = {
    name: module
    for module in sorted(PACKAGE.rglob("*.py"))
    if not (name := module.relative_to(PACKAGE).as_posix()).startswith(HOMES)
}


def paths(source: str) -> list[str]:
    """Return the literals of a module that hold a path of the API, parts of f-strings included, docstrings not."""
    tree = ast.parse(source)
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        f"line {node.lineno}: {node.value}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings
        if "/api/" in node.value or "error_tracking/" in node.value
    ]


@pytest.mark.parametrize("name", MODULES)
def test_no_path_of_the_api_is_written_outside_its_homes(name: str) -> None:
    assert paths(MODULES[name].read_text("utf-8")) == [], "send the catalog's endpoint with send_endpoint"


@pytest.mark.parametrize(
    "code", ['x = "/api/users/@me/"', 'x = f"{host}/api/{form}"', 'send("GET", f"error_tracking/issues/{id}/")']
)
def test_a_path_is_found_in_plain_texts_and_in_f_strings(code: str) -> None:
    assert len(paths(f'"""About /api/ and error_tracking/issues/."""\n{code}')) == 1


def test_the_rate_limit_of_symbol_sets_is_that_of_all_endpoints_about_them() -> None:
    endpoints = CATALOG.values()
    assert {tool.toolset for tool in endpoints if tool.path.startswith(SYMBOL_SETS_PATH)} == {"symbol_sets"}
    assert all(tool.path.startswith(SYMBOL_SETS_PATH) for tool in endpoints if tool.toolset == "symbol_sets")
