"""The folder an audit leaves behind: locked while in use, files appear whole, nothing is overwritten."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType

from sovaudit.errors import OutputError, UsageError

_LOCK = ".lock"


class OutputFolder:
    """Use as a context manager. A folder that is not empty is refused (UsageError) unless `resume`; so is one that another audit holds."""

    def __init__(self, path: Path, *, resume: bool = False) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
            present = sorted(entry.name for entry in path.iterdir())
        except (FileExistsError, NotADirectoryError) as error:
            raise UsageError("is not a folder", where=str(path), hint="Choose another --out.") from error
        except OSError as error:
            raise OutputError(f"cannot be made or read ({error.strerror})", where=str(path), hint="Choose another --out.") from error
        if present and not resume:
            raise UsageError("is not empty", where=str(path), hint="Choose another --out, or go on with --resume.")
        if resume and "report.json" in present:
            raise UsageError("holds a finished audit", where=str(path), hint="There is nothing to resume: choose another --out.")
        self._lock = self._take()

    def _take(self) -> int:
        try:
            handle = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise OutputError(f"cannot be written ({error.strerror})", where=str(self.path), hint="Choose another --out.") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise UsageError("another audit is writing here", where=str(self.path), hint="Wait for it, or choose another --out.") from error
        return handle

    def write(self, name: str, data: bytes) -> Path:
        """A whole file or none: temporary name, fsync, rename, fsync of the folder."""
        return write_whole(self.path / name, data, hint="Evidence already collected is kept beside it.")

    def adopt(self, place: Path, name: str) -> Path:
        """Give a finished file its final name."""
        try:
            os.replace(place, self.path / name)
        except OSError as error:
            raise OutputError(f"cannot be renamed to {name} ({error.strerror})", where=str(place)) from error
        _sync(self.path)
        return self.path / name

    def __enter__(self) -> OutputFolder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        (self.path / _LOCK).unlink(missing_ok=True)
        os.close(self._lock)


def write_whole(place: Path, data: bytes, *, hint: str = "") -> Path:
    """Write a file so that a reader sees all of it or nothing. Raises OutputError."""
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, place)
        _sync(place.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        hint = hint or ("" if place.parent.exists() else "Its folder is not there.")
        raise OutputError(f"cannot be written ({error.strerror})", where=str(place), hint=hint) from error
    return place


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
