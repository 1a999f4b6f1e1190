"""The documentation as a site: pages in order, with links that lead to each other, and `llms.txt`."""
