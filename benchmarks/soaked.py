"""The real server as a process that can be asked for its tasks: on SIGUSR1 it writes their number to a pipe.

python -m benchmarks.soaked PIPE [ARGUMENTS OF mcp-errortracking]
"""

import asyncio
import os
import signal
import sys

from mcp_errortracking.cli.main import main


def _tell(*_: object) -> None:
    os.write(int(sys.argv[1]), f"{len(asyncio.all_tasks())}\n".encode())


if __name__ == "__main__":
    signal.signal(signal.SIGUSR1, _tell)
    sys.exit(main(sys.argv[2:]))
