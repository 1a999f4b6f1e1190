"""Which requests only read, so that they may be sent again whatever became of them."""

_READING_POSTS = ("error_tracking/query/", "error_tracking/stack_frames/batch_get/")


def only_reads(method: str, path: str) -> bool:
    """Whether a request changes nothing: every GET, and the POSTs whose body is a question (contract 6.8, 6.13).

    Args:
        path: relative to the project, like `error_tracking/query/issues/`.
    """
    return method in ("GET", "HEAD") or (method == "POST" and path.startswith(_READING_POSTS))
