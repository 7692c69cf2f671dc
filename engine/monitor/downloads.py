"""What was recorded, as one archive that is made while it is sent."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from ..storage.recorder import Recorder

READ_BYTES = 1 << 16


def recordings(recorder: Recorder) -> Route:
    """``/recordings/FOLDER.zip``: a stream that is or was recorded, as far as it goes."""

    async def download(request: Request) -> Response:
        name: str = request.path_params["name"]
        files = await run_in_threadpool(recorder.files, name)
        if not files:
            return PlainTextResponse("no such recording\n", 404)
        headers = {"content-disposition": f'attachment; filename="{name}.zip"'}
        return StreamingResponse(archive(name, files), media_type="application/zip", headers=headers)

    # A folder's name holds letters, digits, "_" and "-" only, so no header or path can be made of it.
    return Route("/recordings/{name}.zip", download)


def archive(folder: str, files: Sequence[Path]) -> Iterator[bytes]:
    """The bytes of a zip archive of ``files`` in ``folder``, stored as they are: FLAC is small already."""
    sent = _Parts()
    with zipfile.ZipFile(sent, "w") as archived:  # type: ignore[call-overload]
        for path in files:
            entry = zipfile.ZipInfo.from_file(path, f"{folder}/{path.name}")
            with path.open("rb") as file, archived.open(entry, "w", force_zip64=True) as member:
                while part := file.read(READ_BYTES):
                    member.write(part)
                    yield sent.take()
            yield sent.take()
    yield sent.take()


class _Parts:
    """A file to write to that gives what was written."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self._parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
