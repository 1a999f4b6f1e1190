"""The soak, for a moment: it runs over every transport, and nothing that it looks at grows."""

import re
import subprocess
import sys

import pytest


@pytest.mark.thorough
def test_a_little_of_it() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--calls", "100"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=55, check=False)

    assert (done.stderr, done.returncode) == ("", 0)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in done.stdout.splitlines()[2:]]
    assert [row[0] for row in rows] == ["stdio", "http", "sse"]
    for row in rows:
        assert (row[1], row[-1]) == ("100", "flat")
        assert re.fullmatch(r"2\d\.\d%", row[2])  # a fifth is refused by us, and a few meet a fault that is final
