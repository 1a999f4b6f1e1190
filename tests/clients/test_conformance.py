"""The official MCP conformance suite, in both eras: our server, and the suite's fixtures over the same transport."""

import json
import re
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
import yaml

from tests.clients.matrix import SUITE, combinations
from tests.clients.node_tools import CONFORMANCE, modules, node
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import serving

ERAS = [era for _, _, era in combinations(SUITE)]


def run_suite(url: str, era: str, folder: Path) -> tuple[str, dict[str, list[str]]]:
    """Run what the era requires; return what the suite prints, and by scenario the checks that are not passed."""
    ran = node(CONFORMANCE, "server", "--url", f"{url}/mcp", "--requirements", era, "-o", folder, cwd=folder)
    missed = dict[str, list[str]]()
    for file in sorted(folder.glob("server-*/checks.json")):
        scenario = re.sub(r"^server-|-\d{4}-\d\d-\d\dT.*$", "", file.parent.name)
        checks = json.loads(file.read_text("utf-8"))
        if bad := sorted(check["id"] for check in checks if check["status"] not in ("SUCCESS", "INFO")):
            missed[scenario] = bad
    return ran.stdout + ran.stderr, missed


def expected(baseline: str, era: str) -> dict[str, list[str]]:
    """The checks that must not be passed, as listed with the reasons."""
    file = Path(__file__).with_name(f"expected_failures_{baseline}_{era}.yml")
    return yaml.safe_load(file.read_text("utf-8"))


@pytest.fixture(scope="module")
def everything() -> Generator[str]:
    modules()
    command = [sys.executable, "-m", "tests.clients.everything"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


@pytest.mark.parametrize("era", ERAS)
def test_our_server(era: str, tmp_path: Path) -> None:
    modules()
    with SandboxProcess() as sandbox, serving(sandbox.url) as server:
        said, missed = run_suite(server.url, era, tmp_path)
    assert missed == expected("ours", era)
    assert "✓ tools-list" in said
    assert "✓ dns-rebinding-protection" in said


@pytest.mark.thorough
@pytest.mark.parametrize("era", ERAS)
def test_all_kinds_of_content_over_our_transport(everything: str, era: str, tmp_path: Path) -> None:
    said, missed = run_suite(everything, era, tmp_path)
    assert missed == expected("everything", era)
    for scenario in (
        "tools-call-mixed-content",
        "tools-call-error",
        "tools-call-with-progress",
        "prompts-get-with-image",
    ):
        assert f"✓ {scenario}" in said
