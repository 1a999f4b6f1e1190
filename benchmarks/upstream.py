"""A fake PostHog that costs next to nothing: one asyncio protocol, one canned answer.

    python -m benchmarks.upstream [--fault 429|502|reset] [--latency-ms 20]

Prints its address. With `--fault`, every tenth answer is that fault; with `--latency-ms`, each answer takes so long.
"""

import argparse
import asyncio
import json

from benchmarks.tokens import rules

_PAGE = json.dumps({"count": 123, "next": None, "previous": None, "results": rules(20)}).encode()
_OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(_PAGE), _PAGE)
_FAULTS = {
    "429": b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n",
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "reset": b"",
}
_EVERY = 10


class _Connection(asyncio.Protocol):
    seen = 0
    fault = ""
    latency = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._waiting = b""

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        while b"\r\n\r\n" in self._waiting:  # requests without a body only
            _, _, self._waiting = self._waiting.partition(b"\r\n\r\n")
            _Connection.seen += 1
            if self.fault and _Connection.seen % _EVERY == 0:
                if self.fault == "reset":
                    self._transport.abort()
                    return
                self._answer(_FAULTS[self.fault])
            else:
                self._answer(_OK)

    def _answer(self, answer: bytes) -> None:
        if self.latency:
            asyncio.get_running_loop().call_later(self.latency, self._transport.write, answer)
        else:
            self._transport.write(answer)


async def _serve() -> None:
    server = await asyncio.get_running_loop().create_server(_Connection, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--fault", choices=list(_FAULTS), default="")
    parser.add_argument("--latency-ms", type=float, default=0.0)
    options = parser.parse_args()
    _Connection.fault, _Connection.latency = options.fault, options.latency_ms / 1000
    asyncio.run(_serve())
