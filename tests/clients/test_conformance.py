"""The official MCP conformance suite, in both eras: our server, and the suite's fixtures over the same transport."""

import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.clients.matrix import SUITE, combinations
from tests.clients.node_tools import CONFORMANCE, modules, node
from tests.sandbox_process import SandboxProcess
from tests.server.http_process import serving

ERAS = [era for _, _, era in combinations(SUITE)]


def conforms(url: str, era: str, baseline: str, folder: Path) -> str:
    """Runs what the era requires; what the baseline names must fail, and nothing else."""
    expected = Path(__file__).with_name(f"expected_failures_{baseline}_{era}.yml")
    suite = [CONFORMANCE, "server", "--url", f"{url}/mcp", "--requirements", era, "-o", folder]
    ran = node(*suite, "--expected-failures", expected, cwd=folder)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr
    return ran.stdout


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
        said = conforms(server.url, era, "ours", tmp_path)
    assert "✓ tools-list" in said
    assert "✓ dns-rebinding-protection" in said


@pytest.mark.parametrize("era", ERAS)
def test_all_kinds_of_content_over_our_transport(everything: str, era: str, tmp_path: Path) -> None:
    said = conforms(everything, era, "everything", tmp_path)
    for scenario in (
        "tools-call-mixed-content",
        "tools-call-error",
        "tools-call-with-progress",
        "prompts-get-with-image",
    ):
        assert f"✓ {scenario}" in said
