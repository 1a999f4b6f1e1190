"""The generated parts of a page that is written by hand: each lies between two comments that name it."""


def replaced(page: str, name: str, text: str) -> str:
    """Return a page with a new text between `<!-- name -->` and `<!-- end of name -->`."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, _, rest = page.partition(begin)
    _, _, tail = rest.partition(end)
    return f"{head}{begin}\n{text}\n{end}{tail}"
