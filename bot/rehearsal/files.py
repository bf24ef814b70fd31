"""Files on the stage: what was uploaded, how Telegram describes it, and how it is fetched again."""

from __future__ import annotations

import base64
import hashlib
import itertools
import mimetypes
import struct
from dataclasses import dataclass, field
from typing import Any

from bot.rehearsal.message import StoredFile
from bot.rehearsal.refusals import bad
from bot.rehearsal.state import Json

MOST_UPLOADED = 50 * 1024 * 1024
MOST_PHOTO = 10 * 1024 * 1024
MOST_DOWNLOADED = 20 * 1024 * 1024
FOLDERS = {
    "photo": "photos",
    "document": "documents",
    "voice": "voice",
    "audio": "music",
    "video": "videos",
    "animation": "animations",
    "sticker": "stickers",
    "thumbnail": "thumbnails",
}
DEFAULT_MIME = {
    "photo": "image/jpeg",
    "voice": "audio/ogg",
    "audio": "audio/mpeg",
    "video": "video/mp4",
    "animation": "video/mp4",
    "sticker": "image/webp",
}


@dataclass(frozen=True, slots=True)
class Upload:
    """One file part of a request."""

    name: str
    content: bytes = field(repr=False)
    mime: str | None = None


class Files:
    def __init__(self) -> None:
        self._by_id: dict[str, StoredFile] = {}
        self._by_path: dict[str, StoredFile] = {}
        self._numbers = itertools.count(1)

    def keep(self, kind: str, upload: Upload, details: Json) -> StoredFile:
        """Store an upload as `kind`; `details` are what the sender says of it (duration, width, title)."""
        content = upload.content
        if not content:
            raise bad("file must be non-empty")
        if kind == "photo" and len(content) > MOST_PHOTO:
            raise bad("PHOTO_SAVE_FILE_INVALID")
        if len(content) > MOST_UPLOADED:
            raise bad("file is too big")
        number = next(self._numbers)
        seal = hashlib.sha256(kind.encode() + number.to_bytes(8) + content).digest()
        file_id = base64.urlsafe_b64encode(b"\x02" + seal + number.to_bytes(8)).decode().rstrip("=")
        unique = base64.urlsafe_b64encode(seal[:9]).decode()
        mime = upload.mime or _mime(kind, upload)
        extension = ".jpg" if kind == "photo" else (mimetypes.guess_extension(mime) or "")
        path = f"{FOLDERS[kind]}/file_{number}{extension}"
        described = {"file_id": file_id, "file_unique_id": unique, "file_size": len(content)}
        described |= _described(kind, upload, mime, details)
        stored = StoredFile(file_id, kind, content, upload.name or None, mime, described, path)
        self._by_id[file_id] = self._by_path[path] = stored
        return stored

    def find(self, file_id: str, kind: str | None = None) -> StoredFile:
        stored = self._by_id.get(file_id)
        if stored is None:
            raise bad("wrong remote file identifier specified: Wrong string length" if len(file_id) < 20 else _UNKNOWN)
        if kind is not None and stored.kind != kind:
            raise bad(f"type of file mismatch: can't use file of type {_type(stored.kind)} as {_type(kind)}")
        return stored

    def get(self, file_id: str) -> Json:
        """The answer of getFile."""
        stored = self._by_id.get(file_id)
        if stored is None:
            raise bad("invalid file_id")
        if len(stored.content) > MOST_DOWNLOADED:
            raise bad("file is too big")
        described = stored.described
        return {
            "file_id": stored.id,
            "file_unique_id": described["file_unique_id"],
            "file_size": len(stored.content),
            "file_path": stored.path,
        }

    def at(self, path: str) -> StoredFile | None:
        return self._by_path.get(path)

    def by_id(self, file_id: str) -> StoredFile | None:
        return self._by_id.get(file_id)


_UNKNOWN = "wrong file identifier/HTTP URL specified"


def _type(kind: str) -> str:
    return {"voice": "VoiceNote"}.get(kind, kind.capitalize())


def _mime(kind: str, upload: Upload) -> str:
    if kind == "photo" and upload.content.startswith(b"\x89PNG"):
        return "image/png"
    return DEFAULT_MIME.get(kind) or mimetypes.guess_type(upload.name)[0] or "application/octet-stream"


def content_of(kind: str, stored: StoredFile) -> Json:
    """The part of a message that carries the file: a photo is a list of sizes."""
    if kind == "photo":
        return {"photo": [stored.described]}
    if kind == "animation":
        document = {key: stored.described[key] for key in _DOCUMENT if key in stored.described}
        return {"animation": stored.described, "document": document}
    return {kind: stored.described}


_DOCUMENT = ("file_id", "file_unique_id", "file_size", "file_name", "mime_type")


def _described(kind: str, upload: Upload, mime: str, details: Json) -> Json:
    if kind == "photo":
        width, height = picture_size(upload.content)
        return {"width": width, "height": height}
    said: dict[str, Any] = {"mime_type": mime}
    if kind in {"document", "audio", "video", "animation"} and upload.name:
        said["file_name"] = upload.name
    if kind in {"voice", "audio", "video", "animation"}:
        said["duration"] = details.get("duration") or 0
    if kind in {"video", "animation"}:
        said.update(width=details.get("width") or 0, height=details.get("height") or 0)
    if kind == "audio":
        said.update({key: details[key] for key in ("performer", "title") if details.get(key)})
    if kind == "sticker":
        said = {"type": "regular", "width": 512, "height": 512, "is_animated": False, "is_video": False, **details}
    return said


def picture_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels of a PNG, JPEG or GIF; refuses what is no picture as Telegram does."""
    if content.startswith(b"\x89PNG\r\n\x1a\n") and len(content) >= 24:
        width, height = struct.unpack(">II", content[16:24])
    elif content.startswith((b"GIF87a", b"GIF89a")) and len(content) >= 10:
        width, height = struct.unpack("<HH", content[6:10])
    elif content.startswith(b"\xff\xd8"):
        width, height = _jpeg_size(content)
    else:
        raise bad("IMAGE_PROCESS_FAILED")
    if width + height > 10000 or max(width, height) > 20 * max(min(width, height), 1):
        raise bad("PHOTO_INVALID_DIMENSIONS")
    return width, height


def _jpeg_size(content: bytes) -> tuple[int, int]:
    at = 2
    while at + 9 <= len(content) and content[at] == 0xFF:
        marker, length = content[at + 1], int.from_bytes(content[at + 2 : at + 4])
        if 0xC0 <= marker <= 0xCF and marker not in {0xC4, 0xC8, 0xCC}:
            return int.from_bytes(content[at + 7 : at + 9]), int.from_bytes(content[at + 5 : at + 7])
        at += 2 + length
    raise bad("IMAGE_PROCESS_FAILED")
