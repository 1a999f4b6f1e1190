"""Programs that some tests need and a new machine may lack, and tests that take long."""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest

THOROUGH = bool(os.environ.get("MCP_TEST_ALL"))
"""True in CI: every test runs, none is skipped."""


def program(*names: str) -> str:
    """The path of the first of these programs that is there; without any the test is skipped.

    Where MCP_TEST_ALL is set, as in CI, a missing program is a failure.
    """
    for name in names:
        if path := shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin"):
            return path
    return _missing(f"needs {' or '.join(names)}")


def required_file(file: Path, package: str) -> Path:
    """Return a file of an npm package that `.ci/node-tools` installs; without it the test is skipped, as above."""
    return file if file.is_file() else _missing(f"needs {package}, see .ci/node-tools")


def _missing(message: str) -> NoReturn:
    if THOROUGH:
        pytest.fail(message)
    pytest.skip(message)
