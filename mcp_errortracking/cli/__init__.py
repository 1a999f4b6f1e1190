"""The command line: parse, then run. Each command imports what it needs when it runs."""
