"""The floor under a call: httpx alone, no MCP. Reads a width and a number of requests a line, prints their seconds.

python -m benchmarks.floor
"""

import asyncio
import json
import os
import sys
import time

import httpx


async def _load(client: httpx.AsyncClient, width: int, number: int) -> float:
    left = iter(range(number))

    async def work() -> None:
        for _ in left:
            json.loads((await client.get("/api/projects/1/error_tracking/assignment_rules/?limit=20")).content)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(width)))
    return time.perf_counter() - began


async def _serve() -> None:
    async with httpx.AsyncClient(base_url=os.environ["POSTHOG_HOST"], headers={"Authorization": "Bearer x"}) as client:
        for line in sys.stdin:
            width, number = map(int, line.split())
            print(await _load(client, width, number), flush=True)


if __name__ == "__main__":
    asyncio.run(_serve())
