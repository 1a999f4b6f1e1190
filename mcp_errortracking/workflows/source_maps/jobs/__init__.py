"""What the tools of `tools.py` do, one module each; imported only when one is called."""
