"""The table of goals: time, memory and faults over stdio, streamable HTTP and SSE, in one run:

    python -m benchmarks [--quick]    # make bench

The tokens that an agent pays are counted by `python -m benchmarks.tokens`.
"""

import argparse

from benchmarks import speed, speed_http

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="a little of everything, to see that it works")
    quick = parser.parse_args().quick
    speed.main(quick=quick)
    speed_http.main(quick=quick)
