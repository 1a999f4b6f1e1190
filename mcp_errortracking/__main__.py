"""`python -m mcp_errortracking`: the same as the command `mcp-errortracking`."""

import sys

if not sys.flags.safe_path:  # `-m` put the working folder first: nothing in it may pass for a module
    del sys.path[0]

from mcp_errortracking.cli import main

sys.exit(main())
