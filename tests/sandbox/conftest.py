"""The sandboxes that most tests share: the default project at a fixed time."""

import json
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from mcp_errortracking.sandbox import command
from tests.sandbox_process import SandboxProcess

NOW = "2026-11-20T12:00:00Z"
DEFAULT: dict[str, Any] = json.loads(Path(command.__file__).with_name("default_seed.json").read_text("utf-8"))
DEFAULT["server"] = {"now": NOW, "features": {"alerts": True}}
DEFAULT["keys"].append({"value": "phx_sandbox_nothing_key", "label": "nothing", "scopes": ["insight:read"]})
DEFAULT["keys"].append(
    {"value": "phx_sandbox_tracker_key", "label": "tracker", "scopes": ["error_tracking:read", "integration:read"]}
)


QUIET = DEFAULT | {"issues": [{**one, "events": None} for one in DEFAULT["issues"]]}


@pytest.fixture(scope="session")
def running() -> Generator[SandboxProcess]:
    """For tests that change nothing."""
    with SandboxProcess(DEFAULT) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def _quiet() -> Generator[SandboxProcess]:
    with SandboxProcess(QUIET) as sandbox:
        yield sandbox


@pytest.fixture
def fresh(_quiet: SandboxProcess) -> Generator[SandboxProcess]:
    """For tests that change something: put back after each. No event ever happened here, so that this is quick."""
    yield _quiet
    _quiet.reset()
