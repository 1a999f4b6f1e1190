"""What only a local server can do: several calls and the user's own files behind one tool."""
