"""A process that uploads a folder in children of its own, so that each can be killed:

    python -m tests.workflows.killed_upload URL KEY

For each folder named on stdin it forks a child that uploads what is there, and prints the child's process id; once the
child is gone, it prints how it ended. So the modules are imported once, not for every run.
"""

import os
import sys
from pathlib import Path

import anyio

from mcp_errortracking.workflows.chunks import Chunk
from mcp_errortracking.workflows.releases import ReleaseName
from mcp_errortracking.workflows.upload import Options, upload
from tests.workflows.written_builds import connected


def chunks_of(folder: Path) -> list[Chunk]:
    return [Chunk(one.stem, one.with_suffix(".js.map"), one) for one in sorted(folder.glob("*.js"))]


async def upload_all(url: str, key: str, chunks: list[Chunk]) -> None:
    async with connected(url, key) as (proxy, storage):
        result = await upload(proxy, storage, chunks, release=ReleaseName("1", "shop"), options=Options(batch=3))
    assert not result.failed, result.failed


def main() -> None:
    url, key = sys.argv[1:]
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            anyio.run(upload_all, url, key, chunks_of(Path(line.strip())))
            os._exit(0)
        print(child, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


if __name__ == "__main__":
    main()
