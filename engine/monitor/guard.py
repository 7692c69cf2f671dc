"""Who may talk to the server: this machine, or whoever knows the token; never another site's page.

A name that resolves here (DNS rebinding) is refused by the Host header, a foreign page's WebSocket by
its Origin. What is refused gets a plain 403, or 401 where a token is missing.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..errors import ConfigError

COOKIE = "stimmung-token"
SHORTEST_TOKEN = 16
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OPEN = ("/health",)  # says no more than whether the server lives
HEADERS = {
    # Plotly writes its own style elements; no script but the page's own files is ever run.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "permissions-policy": "microphone=(self), camera=(), geolocation=()",
}


@dataclass(frozen=True)
class Address:
    """Where the server listens, as ``HOST:PORT``, and what it asks of clients."""

    host: str
    port: int
    token: str = ""
    origins: Collection[str] = ()

    @property
    def loopback(self) -> bool:
        """True when nobody off this machine can reach it."""
        return is_loopback(self.host)


def address(listen: str, token: str, origins: Collection[str] = ()) -> Address:
    """The checked address; ConfigError where it is malformed, or wider than loopback without a token."""
    host, _, port = listen.rpartition(":")
    host = host.strip("[]")
    if not host or not (port.isascii() and port.isdigit() and int(port) < 1 << 16):
        raise ConfigError(
            "address to listen on", got=f"'{listen}'", expected="HOST:PORT, for example 127.0.0.1:8765"
        )
    if token and (len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable()):
        raise ConfigError(
            "the token is too easily guessed or cannot stand in a header",
            got=f"{len(token)} characters",
            expected=f"at least {SHORTEST_TOKEN}, of ASCII",
            remedy="openssl rand -hex 16 prints one",
        )
    if not is_loopback(host) and not token:
        raise ConfigError(
            f"others could listen in on '{listen}'",
            got="no token",
            expected="a token wherever more than this machine can connect",
            remedy="set --token or STIMMUNG_TOKEN (openssl rand -hex 16 prints one), or listen on 127.0.0.1",
        )
    return Address(host, int(port), token, tuple(origins))


def is_loopback(host: str) -> bool:
    """True for localhost and the addresses of the loopback interface."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Guard:
    """ASGI middleware that lets nobody else in, and sends the headers that keep the page to itself."""

    def __init__(self, app: ASGIApp, address: Address) -> None:
        self._app, self._address = app, address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is None:
            await self._app(scope, receive, self._sealed(send))
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "refused"})
        else:
            await refusal(scope, receive, self._sealed(send))

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if self._address.loopback and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            return PlainTextResponse("this server is asked for by another name than its own\n", 403)
        origin = headers.get("origin")
        if origin is not None and not self._own(origin, host):
            return PlainTextResponse("another site's page may not connect\n", 403)
        if not self._address.token or scope["path"] in OPEN:
            return None
        asked = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[0]
        if scope["type"] == "http" and scope["path"] == "/" and self._knows(asked):
            secure = "; Secure" if scope.get("scheme") == "https" else ""
            cookie = f"{COOKIE}={asked}; Path=/; HttpOnly; SameSite=Lax{secure}"
            return RedirectResponse("/", 303, {"set-cookie": cookie})
        bearer = headers.get("authorization", "").removeprefix("Bearer ")
        if self._knows(bearer) or self._knows(_cookie(headers.get("cookie", ""))):
            return None
        return PlainTextResponse(
            "a token is needed: open /?token=TOKEN, or send 'Authorization: Bearer TOKEN'\n", 401
        )

    def _own(self, origin: str, host: str) -> bool:
        return origin in self._address.origins or origin in (f"http://{host}", f"https://{host}")

    def _knows(self, token: str) -> bool:
        return hmac.compare_digest(token.encode(), self._address.token.encode())

    def _sealed(self, send: Send) -> Send:
        async def sealed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        return sealed


def _cookie(header: str) -> str:
    try:
        morsel = SimpleCookie(header).get(COOKIE)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
