"""The share of first mistakes that an error's words alone correct:

python -m benchmarks.recovery [--all]     print the share, and the mistakes that are not corrected (or all of them)
"""

import sys

import anyio
import httpx
from pydantic import SecretStr

from benchmarks.recovery.reader import PROJECT, Mistake, Reading, mistakes, read
from mcp_errortracking.proxy import Proxy
from mcp_errortracking.sandbox.process import Sandbox
from mcp_errortracking.server.calls import ToolCaller

_TIME_LIMIT = 30.0


async def readings() -> list[tuple[Mistake, Reading]]:
    """Return each mistake and its reading; the sandbox is as seeded before each."""
    caller, found = ToolCaller(time_limit=_TIME_LIMIT), list[tuple[Mistake, Reading]]()
    with Sandbox(("--seed", str(PROJECT))) as sandbox:
        proxy = Proxy(host=sandbox.url, key=SecretStr(sandbox.key), project=str(sandbox.project_id))
        async with proxy, httpx.AsyncClient() as http:
            for mistake in mistakes():
                (await http.post(f"{sandbox.url}/_reset")).raise_for_status()
                found.append((mistake, await read(caller, proxy, mistake)))
    return found


def main() -> None:
    """Print the share and the texts."""
    found = anyio.run(readings)
    for mistake, reading in found:
        if reading.recovers and "--all" not in sys.argv:
            continue
        print(f"{mistake.tool} {dict(mistake.arguments)}")
        print(f"  {reading.text[:1500]}")
        if reading.lacking:
            print(f"  lacks: {', '.join(reading.lacking)}")
        if reading.failure:
            print(f"  the corrected call fails: {reading.failure}")
    corrected = sum(reading.recovers for _, reading in found)
    print(f"{corrected} of {len(found)} first mistakes are corrected by the error's words alone.")


if __name__ == "__main__":
    main()
