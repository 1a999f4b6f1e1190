"""Git repositories below the roots, read without git and without running anything.

A checkout is written by others: its configuration can have git run programs, its files can lead out of the roots, and
its objects can be bombs. Neither libgit2 (follows `include.path` anywhere, waits for ever on a FIFO, crashes with the
process) nor dulwich (objects and numbers of any size) bounds what it reads, so this small reader does: it knows
commits, trees and blobs in loose files and packs (version 2, SHA-1 and SHA-256), HEAD, branches and the remote's URL.
"""
