"""Sizes and hashes of a build's files that other files of the build record, and compressed copies of them."""
