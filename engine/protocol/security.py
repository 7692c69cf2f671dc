"""Keys of ZeroMQ's CURVE security, and the rule that nothing leaves the machine without them.

A folder of keys, made by ``stimmung keys``, holds the pair of the host and a pair for each machine that
may reach it: ``NAME.key`` is public, ``NAME.key_secret`` is not. The host accepts the public keys in its
folder and no others; a machine needs its own secret and the host's public key.
"""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

import zmq
import zmq.auth
from zmq.auth.thread import ThreadAuthenticator

from ..errors import ConfigError

HOST = "host"
PUBLIC, SECRET = ".key", ".key_secret"


def make_keys(folder: Path, names: list[str]) -> list[Path]:
    """Makes the pairs that are missing, the host's among them; returns the secret files made."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = []
    for name in (HOST, *names):
        if not name.replace("-", "").replace("_", "").isalnum():
            raise ConfigError(f"a key cannot be called '{name}'", expected="letters, digits, - and _")
        if (folder / f"{name}{SECRET}").exists():
            continue
        before = os.umask(0o077)
        try:
            _, secret = zmq.auth.create_certificates(folder, name)
        finally:
            os.umask(before)
        made.append(Path(str(secret)))
    return made


def is_loopback(endpoint: str) -> bool:
    """True when nobody on another machine can reach ``endpoint``."""
    url = urlsplit(endpoint)
    if url.scheme in ("ipc", "inproc"):
        return True
    host = url.hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_endpoint(endpoint: str, keys: str, what: str) -> None:
    """ConfigError for an endpoint that is none, or that others could reach without keys."""
    url = urlsplit(endpoint)
    if url.scheme not in ("tcp", "ipc", "inproc") or not (url.netloc or url.path):
        raise ConfigError(
            f"endpoint of {what}",
            got=f"'{endpoint}'",
            expected="tcp://ADDRESS:PORT, or ipc://PATH on this machine",
        )
    if not keys and not is_loopback(endpoint):
        raise ConfigError(
            f"{what} would leave this machine without encryption",
            got=f"'{endpoint}'",
            expected="a loopback address such as tcp://127.0.0.1:5557, or keys",
            remedy="off loopback CURVE keys are required: make them with stimmung keys FOLDER",
        )


def guard(socket: zmq.Socket[bytes], context: zmq.Context[zmq.Socket[bytes]], keys: str) -> Guard | None:
    """Makes ``socket`` accept the keys in the folder ``keys`` only; call it before the socket is bound."""
    if not keys:
        return None
    folder = Path(keys)
    public, secret = _load(folder / f"{HOST}{SECRET}")
    socket.curve_publickey, socket.curve_secretkey, socket.curve_server = public, secret, True
    return Guard(context, folder)


def identify(socket: zmq.Socket[bytes], key: str) -> None:
    """Gives ``socket`` the secret key in the file ``key``, and the public one of the host from beside it."""
    if not key:
        return
    path = Path(key)
    socket.curve_publickey, socket.curve_secretkey = _load(path)
    host = path.with_name(f"{HOST}{PUBLIC}")
    try:
        socket.curve_serverkey, _ = zmq.auth.load_certificate(host)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot read the host's public key '{host}'",
            got=str(error),
            remedy="copy host.key from the host",
        ) from None


class Guard:
    """Answers, in a thread of its own, whether a key that knocks is one of the folder's."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], folder: Path) -> None:
        self._authenticator = ThreadAuthenticator(context)
        self._authenticator.start()
        self._authenticator.configure_curve(domain="*", location=str(folder))

    def close(self) -> None:
        """Ends the thread."""
        self._authenticator.stop()


def _load(path: Path) -> tuple[bytes, bytes]:
    try:
        public, secret = zmq.auth.load_certificate(path)
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"cannot read the secret key '{path}'", got=str(error), remedy="make it with stimmung keys FOLDER"
        ) from None
    if secret is None:
        raise ConfigError(f"'{path}' holds no secret key", remedy=f"give the file NAME{SECRET}")
    return public, secret
