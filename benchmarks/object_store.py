"""A PostHog that knows uploads only, with its object storage, at the lowest cost: an asyncio protocol and a folder.

    python -m benchmarks.object_store FOLDER

Prints its address. It remembers content hashes as PostHog does, so that a second upload finds everything there.
"""

import asyncio
import json
import os
import sys
import uuid
from pathlib import Path
from typing import Any, BinaryIO

HASHES: dict[str, str] = {}
"""Content hash by chunk id, of finished sets."""
_STARTED: dict[str, str] = {}


def answer(base: str, path: str, body: Any) -> dict[str, Any]:
    """Return PostHog's answer to a request of an upload."""
    if path.endswith("/bulk_check_upload/"):
        keeps = body.get("skip_on_conflict")
        return {
            "chunk_ids_to_upload": [
                one["chunk_id"]
                for one in body["symbol_sets"]
                if HASHES.get(one["chunk_id"]) != one["content_hash"] and not (keeps and one["chunk_id"] in HASHES)
            ]
        }
    if path.endswith("/bulk_start_upload/"):
        id_map = dict[str, Any]()
        for one in body["symbol_sets"]:
            symbol_set_id = str(uuid.uuid4())
            _STARTED[symbol_set_id] = one["chunk_id"]
            url = f"{base}/objects/{symbol_set_id}"
            id_map[one["chunk_id"]] = {"symbol_set_id": symbol_set_id, "presigned_put_url": url}
        return {"id_map": id_map}
    if path.endswith("/bulk_finish_upload/"):
        for symbol_set_id, content_hash in body["content_hashes"].items():
            HASHES[_STARTED[symbol_set_id]] = content_hash
        return {"success": True}
    if path.endswith("/forget/"):
        HASHES.clear()
        return {}
    raise ValueError(path)


class _Connection(asyncio.Protocol):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        host, port = transport.get_extra_info("sockname")
        self._base = f"http://{host}:{port}"
        self._head = b""
        self._left = -1
        self._file: BinaryIO | None = None
        self._body = bytearray()

    def data_received(self, data: bytes) -> None:
        if self._left < 0:
            self._head += data
            head, end, data = self._head.partition(b"\r\n\r\n")
            if not end:
                return
            self._begin(head.decode())
        self._left -= len(data)
        if self._file is not None:
            self._file.write(data)
        else:
            self._body += data
        if self._left <= 0:
            self._end()

    def _begin(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        _, self._path, _ = first.split(" ")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self._left = int(headers.get("content-length", 0))
        if self._path.startswith("/objects/"):
            self._file = (self._folder / os.path.basename(self._path)).open("wb", buffering=0)

    def _end(self) -> None:
        content = b""
        if self._file is not None:
            self._file.close()
        else:
            content = json.dumps(answer(self._base, self._path, json.loads(bytes(self._body) or b"{}"))).encode()
        self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(content), content))
        self._head, self._left, self._file, self._body = b"", -1, None, bytearray()


async def _serve(folder: Path) -> None:
    server = await asyncio.get_running_loop().create_server(lambda: _Connection(folder), "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
