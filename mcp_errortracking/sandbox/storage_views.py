"""The addresses that presigned URLs lead to."""

from collections.abc import Awaitable, Callable

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import FileResponse, Response

from mcp_errortracking.sandbox.objects import MAX_BYTES, Objects, StorageError
from mcp_errortracking.system.replacement import replace

Act = Callable[[Request, Objects], Awaitable[Response]]

_FORM_OVERHEAD = 64 * 1024
_COPY_BYTES = 1024 * 1024


async def bucket(request: Request) -> Response:
    """POST of a form: an upload with a policy."""
    return await _answer(request, _upload_form)


async def stored_object(request: Request) -> Response:
    """GET or PUT of an object by its presigned URL."""
    return await _answer(request, _upload_bytes if request.method == "PUT" else _download)


async def _answer(request: Request, act: Act) -> Response:
    try:
        if "authorization" in request.headers:
            raise StorageError(400, "InvalidArgument", "Only one auth mechanism allowed")
        return await act(request, request.app.state.objects)
    except StorageError as error:
        return Response(error.xml(), error.status, media_type="application/xml")


async def _upload_form(request: Request, objects: Objects) -> Response:
    if not request.app.state.storage_forms:
        raise StorageError(501, "NotImplemented", "PostObject not implemented")
    declared = int(request.headers.get("content-length") or 0)
    if declared > MAX_BYTES + _FORM_OVERHEAD:
        raise StorageError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
    async with request.form(max_files=1, max_fields=100) as form:
        fields = {name: value for name, value in form.multi_items() if isinstance(value, str)}
        key = objects.check_post(fields)
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise StorageError(400, "InvalidArgument", "POST requires exactly one file upload per request.")
        if (file.size or 0) > MAX_BYTES:
            raise StorageError(400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size")
        part = objects.temporary()
        with part.open("wb") as target:
            while piece := await file.read(_COPY_BYTES):
                target.write(piece)
    replace(part, objects.path(key))
    return Response(status_code=204)


async def _upload_bytes(request: Request, objects: Objects) -> Response:
    length = request.headers.get("content-length")
    if length is None:
        raise StorageError(411, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    key = request.path_params["key"]
    objects.check_url("PUT", key, dict(request.query_params), int(length))
    part = objects.temporary()
    try:
        with part.open("wb") as target:
            async for piece in request.stream():
                target.write(piece)
        replace(part, objects.path(key))
    finally:
        part.unlink(missing_ok=True)
    return Response(status_code=200)


async def _download(request: Request, objects: Objects) -> Response:
    key = request.path_params["key"]
    objects.check_url("GET", key, dict(request.query_params), None)
    if objects.size(key) is None:
        raise StorageError(404, "NoSuchKey", "The specified key does not exist.")
    return FileResponse(objects.path(key), media_type="application/octet-stream")
