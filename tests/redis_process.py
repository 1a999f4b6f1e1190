"""A real Redis or Valkey server on a socket of its own, without files."""

import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic import SecretStr

from tests.required import program


class RedisProcess:
    """A server that is killed at the end. `url` is its address; it stays the same when it is started again."""

    def __enter__(self) -> Self:
        self._program = program("redis-server", "valkey-server")
        self._folder = tempfile.TemporaryDirectory(prefix="mcp-redis-")
        self.path = str(Path(self._folder.name, "socket"))
        self.url = SecretStr(f"unix://{self.path}")
        self.start()
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc_val: BaseException | None, exc_tb: TracebackType | None
    ) -> None:
        self.kill()
        self._folder.cleanup()

    def start(self) -> None:
        """Start the server, and return as soon as it accepts connections."""
        command = [self._program, "--port", "0", "--unixsocket", self.path, "--save", ""]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=self._folder.name, text=True)
        assert self.process.stdout
        assert any("eady to accept connections" in line for line in self.process.stdout), "it did not start"

    def kill(self) -> None:
        """End the server at once, also while it is stopped."""
        self.process.kill()
        self.process.communicate()

    def ask(self, *words: str | int) -> Any:
        """Send a command and return its answer."""
        from redis import Redis

        with Redis(unix_socket_path=self.path, decode_responses=True) as client:
            return client.execute_command(*words)  # pyright: ignore[reportUnknownMemberType]
