"""Source maps: from a build folder to a readable stack frame."""
