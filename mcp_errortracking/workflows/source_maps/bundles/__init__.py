"""A build folder: find its bundles, inject chunk ids, prepare the upload."""
