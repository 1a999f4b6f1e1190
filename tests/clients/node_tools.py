"""Node and the npm packages under test, where `.ci/node-tools` put them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.required import THOROUGH

_MODULES = Path(__file__).parents[2] / ".venv/node/node_modules"
CONFORMANCE = _MODULES / "@modelcontextprotocol/conformance/dist/index.js"


def modules(*packages: str) -> Path:
    """Return the folder of the packages; without it, or one of these, skip the test, or fail if MCP_TEST_ALL is set."""
    if not all((_MODULES / name).exists() for name in ("node/bin/node", *packages)):
        if THOROUGH:
            pytest.fail("run .ci/node-tools first")
        pytest.skip("needs .ci/node-tools")
    return _MODULES


def node(*arguments: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs Node to its end."""
    command = [modules() / "node/bin/node", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)
