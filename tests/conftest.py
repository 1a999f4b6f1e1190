"""Fixtures that every room's tests share."""

import pytest


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """For the whole session, so that a module's tests can share one MCP client."""
    return "asyncio"
