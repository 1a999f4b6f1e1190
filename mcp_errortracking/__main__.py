"""`python -m mcp_errortracking`: the same as the command `mcp-errortracking`.

In a folder that others write to, use that command, or `python -I -m`: a plain `-m` looks there for this package, and
for some modules of the standard library, before any code of this package runs.
"""

import sys

if not sys.flags.safe_path:  # `-m` put the working folder first: nothing in it may pass for a module
    del sys.path[0]

from mcp_errortracking.cli.main import main

sys.exit(main())
