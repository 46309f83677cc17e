"""Who may see the page: the token, and the checks against pages of other sites."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from hpe_edge.errors import InvalidArgumentError

TOKEN_LENGTH: Final = 8
"""A token that a user chose has at least as many characters."""


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    address = _address(host)
    return host.lower() == "localhost" if address is None else address.is_loopback


def choose_token(host: str, token: str | None) -> str | None:
    """The token that viewers need: the one given; a new one where others reach the address; else none.

    Raises:
        InvalidArgumentError: the given one is too short, or has characters that a cookie cannot hold.

    >>> choose_token("127.0.0.1", None) is None, len(choose_token("0.0.0.0", None))
    (True, 32)
    """
    if token is None:
        return None if is_loopback(host) else secrets.token_urlsafe(24)
    if len(token) < TOKEN_LENGTH or not (token.isascii() and token.isprintable() and " " not in token):
        raise InvalidArgumentError(
            f"token: expected at least {TOKEN_LENGTH} ASCII characters without spaces, got {len(token)} characters; "
            "leave it out to get one made"
        )
    return token


@dataclass(frozen=True)
class Access:
    """What a request must bring.

    Attributes:
        token: ``None`` asks for none.
        names: host names under which the page may be asked for, besides numbers and localhost.
    """

    token: str | None = None
    names: tuple[str, ...] = ()

    def allows_host(self, host: str | None) -> bool:
        """Whether the ``Host`` header is one of ours.

        DNS rebinding lets a foreign page talk to this server under the foreign page's name; it cannot do so under a
        number, or under localhost, or under a name that is ours.

        >>> access = Access(names=("robot.local",))
        >>> [access.allows_host(host) for host in ("localhost:1", "10.0.0.7:8765", "Robot.local", "evil.example", None)]
        [True, True, True, False, False]
        """
        name = _host_name(host)
        if name is None:
            return False
        return name == "localhost" or _address(name) is not None or name in {own.lower() for own in self.names}

    def allows_origin(self, origin: str | None, host: str | None) -> bool:
        """Whether a request comes from our own page, or from a program that is no browser (no ``Origin``).

        >>> Access().allows_origin("http://a:1", "a:1"), Access().allows_origin("http://b:1", "a:1")
        (True, False)
        """
        return origin is None or (host is not None and urlsplit(origin).netloc.lower() == host.lower())

    def allows_token(self, candidate: str | None) -> bool:
        """Whether this is the token, compared in a time that does not depend on how much of it is right."""
        if self.token is None:
            return True
        return candidate is not None and _same(candidate, self.token)

    def allows_cookie(self, cookie: str | None) -> bool:
        """Whether this is the cookie that the token gave."""
        if self.token is None:
            return True
        return cookie is not None and _same(cookie, self.cookie)

    @property
    def cookie(self) -> str:
        """What a browser keeps in place of the token; the same after a restart with the same token."""
        return hmac.new((self.token or "").encode(), b"hpe-edge serve", hashlib.sha256).hexdigest()


def own_names() -> tuple[str, ...]:
    """Names under which others may know this machine: its host name, and the same in the local network (mDNS)."""
    name = socket.gethostname()
    return name, f"{name.partition('.')[0]}.local"


def _same(candidate: str, secret: str) -> bool:
    # Headers may hold any byte; what is no UTF-8 reaches us as surrogates, which plain encode() refuses.
    return hmac.compare_digest(candidate.encode("utf-8", "surrogatepass"), secret.encode())


def _host_name(host: str | None) -> str | None:
    """The name in a ``Host`` header, without port and brackets; ``None`` where there is none."""
    try:
        return urlsplit(f"//{host}").hostname if host else None
    except ValueError:
        return None


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
