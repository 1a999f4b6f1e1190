"""Tools that only a local server can have: several requests, or the user's own files, behind one tool."""
