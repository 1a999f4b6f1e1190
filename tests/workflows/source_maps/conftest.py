"""A sandbox for each module of tests, from the module's own SEED; every test starts from it anew."""

from collections.abc import Generator

import pytest

from tests.sandbox_process import SandboxProcess


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> Generator[SandboxProcess]:
    with SandboxProcess(request.module.SEED) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: SandboxProcess) -> SandboxProcess:
    running.reset()
    return running
