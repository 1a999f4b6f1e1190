"""More than one process: workers of an ASGI host, and replicas behind a round-robin proxy, one of which ends."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from tests.required import program
from tests.sandbox_process import SandboxProcess
from tests.server.http.http_process import HEADERS, LIST, client_of, environment_for, serving
from tests.server.mcp_client import ask

pytestmark = pytest.mark.anyio

_NGINX = """\
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
  uwsgi_temp_path {folder}; scgi_temp_path {folder};
  add_header X-Served-By $upstream_addr always;
  include {folder}/mcp.conf;
}}
"""
_DEPLOYED = Path(__file__).parents[3] / "deploy" / "nginx.conf"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextmanager
def round_robin(folder: Path, first: str, second: str) -> Generator[str]:
    """nginx before two servers, in turns, with the configuration that is shipped."""
    port = free_port()
    ports = [url.rsplit(":", 1)[1] for url in (first, second)]
    shipped = _DEPLOYED.read_text().replace("8780", str(port)).replace("8781", ports[0]).replace("8782", ports[1])
    (folder / "mcp.conf").write_text(shipped)
    file = folder / "nginx.conf"
    file.write_text(_NGINX.format(folder=folder))
    command = [program("nginx"), "-c", str(file), "-p", str(folder)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            transport = httpx.HTTPTransport(retries=8)
            with httpx.Client(transport=transport) as http:
                http.get(f"{url}/healthz").raise_for_status()
            yield url
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("era", "number"),
    [
        ("auto", signal.SIGKILL),
        pytest.param("auto", signal.SIGTERM, marks=pytest.mark.thorough),
        pytest.param("legacy", signal.SIGTERM, marks=pytest.mark.thorough),
    ],
)
async def test_no_call_is_lost_when_one_of_two_replicas_ends(tmp_path: Path, era: str, number: signal.Signals) -> None:
    with (
        SandboxProcess() as sandbox,
        serving(sandbox.url) as first,
        serving(sandbox.url) as second,
        round_robin(tmp_path, first.url, second.url) as url,
    ):
        async with httpx.AsyncClient() as http:
            served = {(await http.get(f"{url}/healthz")).headers["x-served-by"] for _ in range(4)}
        async with client_of(url, "http", era) as client:
            counts = list[int]()

            async def work() -> None:
                for _ in range(40):
                    counts.append((await ask(client, "fingerprints-list"))["count"])
                    if len(counts) == 60:
                        second.process.send_signal(number)

            await asyncio.gather(*(work() for _ in range(4)))

    assert len(served) == 2
    assert counts == [32] * 160


async def test_sse_sticks_to_its_replica(tmp_path: Path) -> None:
    with (
        SandboxProcess() as sandbox,
        serving(sandbox.url) as first,
        serving(sandbox.url) as second,
        round_robin(tmp_path, first.url, second.url) as url,
    ):
        async with client_of(url, "sse", "legacy") as client:
            counts = [(await ask(client, "fingerprints-list"))["count"] for _ in range(6)]

    assert counts == [32] * 6


@pytest.mark.thorough
def test_uvicorn_runs_it_with_workers() -> None:
    """As docs/deploy.md says; each call may reach another worker."""
    port = free_port()
    command = [sys.executable, "-m", "uvicorn", "--factory", "mcp_errortracking.asgi:create_app"]
    options = ["--workers", "2", "--port", str(port), "--host", "127.0.0.1", "--no-access-log"]
    with (
        SandboxProcess() as sandbox,
        subprocess.Popen(
            [*command, *options], env=environment_for(sandbox.url), stderr=subprocess.PIPE, text=True
        ) as process,
    ):
        try:
            assert process.stderr
            log = ""
            while log.count("Application startup complete") < 2:
                line = process.stderr.readline()
                assert line, log
                log += line
            workers = {int(number) for number in re.findall(r"Started server process \[(\d+)\]", log)}
            counts = [
                httpx.post(f"http://127.0.0.1:{port}/mcp", headers=HEADERS, json=LIST).json()["result"][
                    "structuredContent"
                ]["count"]
                for _ in range(20)
            ]
            with httpx.stream("GET", f"http://127.0.0.1:{port}/sse") as stream:
                assert stream.status_code == 200
                process.send_signal(signal.SIGTERM)
                _, rest = process.communicate(timeout=30)
        finally:
            process.kill()

    assert len(workers) == 2
    assert counts == [4] * 20
    assert "Traceback" not in log + rest
    assert not [pid for pid in workers if psutil.pid_exists(pid)]


def test_a_wrong_setting_ends_it_with_a_sentence() -> None:
    environment = environment_for("http://127.0.0.1:9", MCP_MAX_CALLS="many")
    code = "from mcp_errortracking.asgi import create_app; create_app()"
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    assert "ConfigError: MCP_MAX_CALLS must be a whole number from 1 to 100000" in done.stderr
