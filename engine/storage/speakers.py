"""What is remembered of speakers between sessions: their offsets, by the name of whoever speaks.

One file for each speaker and model, written as a whole or not at all::

    anna/3f9a2b7c0d1e4f56.safetensors    the speaker's name / the beginning of the model's digest

It holds the arrays of :class:`stimmung.engine.streaming.speaker.offset.OffsetFilter` and, in its header,
:class:`About`; no audio and no text. A file that is damaged, or of another model, counts as none.
"""

from __future__ import annotations

import hashlib
import logging
import os
import unicodedata
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt

from ..errors import ConfigError, ModelError, nearest
from ..models.weights import read_arrays, write_arrays

log = logging.getLogger("stimmung.speakers")

WHAT = "offset of a speaker"
SUFFIX = ".safetensors"
LONGEST = 60  # characters of a name: at most 240 bytes, which every file system takes
FORBIDDEN = frozenset("/\\")

State = Mapping[str, npt.NDArray[np.float64]]


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Whose offset a file holds.

    ``model`` is what a pipeline calls the model, ``digest`` what tells it from any other; ``speech_s`` the
    seconds of speech it was learnt from, ``written`` the time in seconds since the epoch.
    """

    speaker: str
    model: str
    digest: str
    speech_s: float
    written: float = 0.0


class Speakers:
    """The offsets kept in ``folder``, the user's own unless given."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or _folder()

    def read(self, speaker: str, digest: str) -> tuple[About, State] | None:
        """What is known of a speaker by the model of that digest; None if nothing is, or it is damaged."""
        path = self._path(speaker, digest)
        if not self.holds(speaker, digest):
            if any(_files(path.parent)):
                log.info("'%s' is remembered by other models only: this one begins anew", speaker)
            return None
        try:
            about, state = _read(path)
        except ModelError:
            log.warning("'%s' is damaged: what was remembered of '%s' counts as none", path, speaker)
            return None
        if (about.speaker, about.digest) != (speaker, digest):
            log.warning("'%s' is of the speaker '%s' by another model, and not used", path, about.speaker)
            return None
        return about, state

    def write(self, about: About, state: State) -> None:
        """Keeps what :meth:`read` gives, instead of what was kept before; OSError where that cannot be."""
        path = self._path(about.speaker, about.digest)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}")
        told = msgspec.json.encode(about).decode()
        header = {"about": told, "sha256": _sha256(told, state)}
        try:
            part.touch(mode=0o600)
            write_arrays(part, header, state)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def holds(self, speaker: str, digest: str) -> bool:
        """True where something is kept of a speaker by the model of that digest."""
        return os.path.exists(self._path(speaker, digest))  # False too where the folder cannot be read

    def names(self) -> list[str]:
        """Everybody of whom something is kept."""
        return [folder.name for folder in self._folders()]

    def known(self) -> Iterator[tuple[str, About | None]]:
        """Each speaker with what is kept of them, once for each model; None in place of a damaged file."""
        for folder in self._folders():
            for path in _files(folder):
                try:
                    yield folder.name, _read(path)[0]
                except ModelError:
                    yield folder.name, None

    def forget(self, speaker: str) -> None:
        """Deletes all that is kept of a speaker; ConfigError where nothing is, or it cannot be deleted."""
        folders = {folder.name: folder for folder in self._folders()}
        folder = folders.get(check_name(speaker))
        if folder is None:
            raise ConfigError(f"nothing is remembered of '{speaker}'", remedy=nearest(speaker, folders))
        try:
            for path in folder.iterdir():
                path.unlink()
            folder.rmdir()
        except OSError as error:
            raise ConfigError(
                f"what is remembered of '{speaker}' cannot be deleted",
                got=error.strerror or str(error),
                remedy=f"delete '{folder}'",
            ) from None

    def _path(self, speaker: str, digest: str) -> Path:
        return self.folder / check_name(speaker) / f"{digest[:16]}{SUFFIX}"

    def _folders(self) -> list[Path]:
        try:
            found = sorted(self.folder.iterdir())
        except FileNotFoundError:
            return []
        except OSError as error:
            raise ConfigError(
                f"cannot read '{self.folder}'",
                got=error.strerror or str(error),
                remedy="change its permissions",
            ) from None
        return [path for path in found if path.is_dir() and path.name[0].isalnum()]


def check_name(name: str) -> str:
    """The name of a speaker, its accents composed; ConfigError where it cannot be the name of a folder."""
    composed = unicodedata.normalize("NFC", name)
    fits = composed[:1].isalnum() and composed.isprintable() and not FORBIDDEN & set(composed)
    if not fits or len(composed) > LONGEST or composed != composed.strip():
        raise ConfigError(
            "this cannot be the name of a speaker",
            got=repr(name),
            expected=f"1 to {LONGEST} characters, a letter or a digit first, no slash and no line break",
            remedy="choose another",
        )
    return composed


def _folder() -> Path:
    home = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(home) / "stimmung" / "speakers"


def _files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _read(path: Path) -> tuple[About, State]:
    header, state = read_arrays(path, WHAT)
    try:
        about = msgspec.json.decode(header["about"], type=About)
        whole = header["sha256"] == _sha256(header["about"], state)
    except (KeyError, msgspec.DecodeError) as error:
        raise ModelError(f"'{path}' holds no {WHAT}", got=repr(error)) from None
    if not whole:
        raise ModelError(f"'{path}' holds no {WHAT}", got="one that was altered")
    return about, state


def _sha256(about: str, state: State) -> str:
    digest = hashlib.sha256(about.encode())
    for name in sorted(state):
        digest.update(f"{name} {state[name].dtype.str} {state[name].shape}".encode())
        digest.update(np.ascontiguousarray(state[name]).tobytes())
    return digest.hexdigest()
