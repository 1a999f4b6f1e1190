"""The journal: a record of each write that goes through a tool, with the call that undoes it."""
