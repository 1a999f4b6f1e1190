"""A forked process is to its test as a started one."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.forked import Forked, command


def test_it_has_its_own_environment_folder_streams_and_exit_code(tmp_path: Path) -> None:
    (tmp_path / "seed.json").write_text("{")
    with Forked(["sandbox", "--port", "0", "--seed", "seed.json"], {}, folder=tmp_path) as wrong:
        assert wrong.communicate()[0] == b""
    with Forked(["serve", "--project", "1"], {"POSTHOG_HOST": "ftp://x"}, text=True) as other:
        _, errors = other.communicate()
    with Forked(["--version"], {}, text=True) as right:
        output, nothing = right.communicate()

    assert (wrong.returncode, other.returncode, right.returncode) == (2, 2, 0)
    assert errors.startswith("mcp-errortracking: POSTHOG_HOST must begin with https://")
    assert (output.split()[0], nothing) == ("mcp_errortracking", "")


def test_its_end_by_a_signal_is_seen_once_it_has_come() -> None:
    with Forked(["sandbox", "--port", "0", "--json"], {}) as process:
        process.stdout.readline()
        assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        assert process.stdout.read() == b""  # nothing else holds its pipes


def test_the_start_is_customized_by_a_module_path_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('loaded')")

    with Forked(["--version"], {"PYTHONPATH": str(tmp_path)}, text=True) as process:
        assert process.communicate()[0].startswith("loaded\nmcp_errortracking ")
    with Forked(["--version"], {}, text=True) as other:
        assert other.communicate()[0].startswith("mcp_errortracking ")


def test_a_client_may_start_it_by_a_command(tmp_path: Path) -> None:
    words = command("sandbox", "--port", "0", "--json", "--until-stdin-closes", "--seed", "-")

    right = subprocess.run(
        words, input='{"projects": [{"id": 7}]}', cwd=tmp_path, capture_output=True, text=True, check=False
    )
    wrong = subprocess.run(words, input="{", capture_output=True, text=True, check=False)

    assert (right.returncode, json.loads(right.stdout)["project_id"], right.stderr) == (0, 7, "")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("mcp-errortracking sandbox: --seed -: ")
