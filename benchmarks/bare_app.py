"""The share of uvicorn in a call: our server over HTTP, with an app that answers the same bytes to every POST.

python -m benchmarks.bare_app PORT BYTES STATUS
"""

import asyncio
import sys
from typing import Any

from mcp_errortracking.server.http.serving import listen, serve_http


def _app(size: int, status: int) -> Any:
    body, headers = b"x" * size, [(b"content-type", b"application/json"), (b"content-length", b"%d" % size)]

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            while (kind := (await receive())["type"]) != "lifespan.shutdown":
                await send({"type": f"{kind}.complete"})
            return
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return app


if __name__ == "__main__":
    port, size, status = map(int, sys.argv[1:])
    asyncio.run(serve_http(_app(size, status), listen("127.0.0.1", port, guarded=True), 1000))
