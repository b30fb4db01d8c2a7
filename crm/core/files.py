"""Where the content of files is kept: by the hash of the content, never by a name somebody typed.

`FileStore` is all the rest of the house knows; a store of objects (S3) fits behind it. Content is complete before it
is there under its hash, so a crash in between leaves a part that `unfinished` finds, and nothing broken.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast
from urllib.parse import unquote, urlsplit

from flask import Flask, current_app

from crm.core.words import N_, Missing, Refused

KEY = re.compile(r"[0-9a-f]{64}")
CHUNK = 1 << 20
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
EXTENSION = "tidui-files"
NO_ROOM = N_("服务器的磁盘满了，没有保存。请告诉系统管理员，腾出空间后再试。")
GONE = N_("文件的内容找不到了。请告诉系统管理员。")


class NoRoom(Refused):
    """The disk is full: the web answers 503."""


class Gone(Missing):
    """The content is not where it was stored."""


@dataclass(frozen=True, slots=True)
class Content:
    """What came of storing: the key (SHA-256 of the content) and the size in bytes."""

    sha256: str
    size: int


class FileStore(Protocol):
    """Content by its SHA-256 (64 lower-case hex digits)."""

    def store(self, stream: BinaryIO) -> Content:
        """Keep what the stream holds from where it stands. Durable when it returns; the same content twice, even at
        once, is kept once. Raises `NoRoom`."""

    def open(self, key: str) -> BinaryIO:
        """The content, for reading. Raises `Gone`."""

    def on_disk(self, key: str) -> contextlib.AbstractContextManager[Path]:
        """The content as a file to be read, for programs that take a path. Raises `Gone`."""

    def exists(self, key: str) -> bool: ...

    def delete(self, key: str) -> None:
        """Forget the content, if it is there."""

    def iterate(self) -> Iterator[tuple[str, float]]:
        """Every key with the moment (seconds) it was stored last."""

    def unfinished(self) -> Iterator[tuple[str, float]]:
        """What a crash left half written: a name to `clear`, and the moment it was begun."""

    def clear(self, name: str) -> None:
        """Remove something unfinished."""


class Folder:
    """A store in a folder: `ab/cd/<hash>`, parts under `parts/`. Readable by the owner only."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.parts = root / "parts"

    def _path(self, key: str) -> Path:
        if not KEY.fullmatch(key):
            raise ValueError("not the hash of a content")
        return self.root / key[:2] / key[2:4] / key

    def store(self, stream: BinaryIO) -> Content:
        part = self.parts / secrets.token_hex(16)
        try:
            self.root.parent.mkdir(parents=True, exist_ok=True)
            for folder in (self.root, self.parts):
                folder.mkdir(mode=0o700, exist_ok=True)
            hashed, size = hashlib.sha256(), 0
            descriptor = os.open(
                part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0), 0o600
            )
            with os.fdopen(descriptor, "wb") as file:
                while chunk := stream.read(CHUNK):
                    hashed.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
                file.flush()
                os.fsync(file.fileno())
            key = hashed.hexdigest()
            path = self._path(key)
            new = not path.parent.exists()
            for folder in (path.parent.parent, path.parent):
                folder.mkdir(mode=0o700, exist_ok=True)
            os.replace(part, path)  # over the same content: heals what the disk has spoilt
            for folder in (path.parent, path.parent.parent, self.root) if new else (path.parent,):
                _sync(folder)
        except OSError as error:
            with contextlib.suppress(OSError):
                part.unlink()
            if error.errno in FULL:
                raise NoRoom(NO_ROOM) from error
            raise
        except BaseException:
            with contextlib.suppress(OSError):
                part.unlink()
            raise
        return Content(key, size)

    def open(self, key: str) -> BinaryIO:
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise Gone(GONE) from None

    @contextmanager
    def on_disk(self, key: str) -> Iterator[Path]:
        if not self.exists(key):
            raise Gone(GONE)
        yield self._path(key)

    def exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def iterate(self) -> Iterator[tuple[str, float]]:
        for path in sorted(self.root.glob("[0-9a-f][0-9a-f]/[0-9a-f][0-9a-f]/*")):
            if KEY.fullmatch(path.name) and path.is_file():
                yield path.name, path.stat().st_mtime

    def unfinished(self) -> Iterator[tuple[str, float]]:
        for path in sorted(self.parts.glob("*")):
            with contextlib.suppress(FileNotFoundError):  # finished meanwhile
                yield path.name, path.stat().st_mtime

    def clear(self, name: str) -> None:
        if re.fullmatch(r"[0-9a-f]{32}", name):
            (self.parts / name).unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Make a name in a folder durable, where the system lets one (not on Windows)."""
    with contextlib.suppress(PermissionError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def store_at(url: str, otherwise: Path) -> FileStore:
    """The store of `CRM_FILES_URL`: a folder, as a path or `file:///…`. Raises `Refused` for anything else."""
    if not url:
        return Folder(otherwise)
    parts = urlsplit(url)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Folder(Path(unquote(parts.path)))
    if "://" in url:
        raise Refused(N_("CRM_FILES_URL 目前只能是文件夹的路径，如 /srv/tidui/files。"))
    return Folder(Path(url).expanduser().resolve())


def is_old(at: float, hours: int = 24) -> bool:
    """Whether a moment is long enough ago that nobody can still be at it."""
    return time.time() - at > hours * 3600


def store() -> FileStore:
    """The store of the running application."""
    return cast(FileStore, current_app.extensions[EXTENSION])


def init(app: Flask) -> None:
    chosen = app.config["TIDUI"]
    app.extensions[EXTENSION] = store_at(chosen.files_url, chosen.data / "files")
