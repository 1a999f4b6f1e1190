"""Resolution of stack frames to original source, and diagnosis of frames that cannot be resolved."""
