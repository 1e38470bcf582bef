"""Random tokens, their hashes, short signed strings, and promo codes."""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
import unicodedata
from datetime import timedelta

from callcab.lib import clock

_MAC_BYTES = 16
_TIME = struct.Struct(">Q")
_MIN_KEY_BYTES = 16

# No 0 O, 1 I L: a code is read from paper and over the telephone.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_CODE_GROUPS = 3
_CODE_GROUP_SIZE = 4

_LOOK_ALIKES = str.maketrans(
    "АВЕЁКМНОРСТУХІЈЅҮԚԜ" + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "ABEEKMHOPCTYXIJSYQW" + "ABEZHIKMNOPTYX",
)
_CODE_NOISE = re.compile(r"[\s\-_.]+")


class TokenError(ValueError):
    """A signed string that can't be used. `reason` is bad (altered, foreign, cut) or expired."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __reduce__(self) -> tuple[type["TokenError"], tuple[str]]:
        return TokenError, (self.reason,)


def random_token(bits: int = 160) -> str:
    """Return a URL-safe text with at least `bits` random bits."""
    if bits < 64:
        raise ValueError("a token needs at least 64 bits")
    return secrets.token_urlsafe((bits + 7) // 8)


def token_hash(text: str) -> str:
    """Return what is stored in place of a random token: SHA-256 in hex. Not for passwords."""
    return hashlib.sha256(text.encode()).hexdigest()


def equal(one: str, other: str) -> bool:
    """Compare two texts in a time that does not tell where they differ."""
    return hmac.compare_digest(one.encode(), other.encode())


def sign(key: str | bytes, purpose: str, payload: str) -> str:
    """Return a URL-safe string that carries the payload readably, the time, and a seal only `key` can make.

    purpose   keeps the kinds apart: a cursor is never accepted as a reset link
    """
    stamp = _TIME.pack(int(clock.now().timestamp()))
    body = stamp + payload.encode()
    return _encode(_seal(key, purpose, body) + body)


def unsign(key: str | bytes, purpose: str, text: str, max_age: timedelta | None = None) -> str:
    """Return the payload of `sign`. Raises TokenError bad or expired (older than `max_age`)."""
    raw = _decode(text)
    mac, body = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if len(body) < _TIME.size or not hmac.compare_digest(mac, _seal(key, purpose, body)):
        raise TokenError("bad")
    (signed_at,) = _TIME.unpack(body[: _TIME.size])
    if max_age is not None and clock.now().timestamp() - signed_at > max_age.total_seconds():
        raise TokenError("expired")
    return body[_TIME.size :].decode()


def _seal(key: str | bytes, purpose: str, body: bytes) -> bytes:
    secret = key.encode() if isinstance(key, str) else key
    if len(secret) < _MIN_KEY_BYTES:
        raise ValueError("the signing key is too short")
    own_key = hmac.digest(secret, b"callcab.sign:" + purpose.encode(), "sha256")
    return hmac.digest(own_key, body, "sha256")[:_MAC_BYTES]


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    try:
        data = text.encode("ascii")
        raw = base64.b64decode(data + b"=" * (-len(data) % 4), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise TokenError("bad") from error
    if _encode(raw) != text:  # the unused low bits of the last letter would allow other spellings
        raise TokenError("bad")
    return raw


def promo_code() -> str:
    """Return a new code such as "7KQM-X2PB-9FHD": 59 random bits, no look-alikes. Store it normalised."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(_CODE_GROUPS * _CODE_GROUP_SIZE))
    return group_code(letters)


def group_code(code: str) -> str:
    """Write a normalised code in groups of four: "7KQMX2PB9FHD" -> "7KQM-X2PB-9FHD"."""
    return "-".join(code[start : start + _CODE_GROUP_SIZE] for start in range(0, len(code), _CODE_GROUP_SIZE))


def normalise_code(text: str) -> str:
    """Return the stored spelling of a typed code: equal writings are one code.

    Case, spaces, dashes, dots, invisible marks and full-width forms do not matter; Cyrillic and Greek letters that
    look like Latin ones become Latin.
    """
    plain = unicodedata.normalize("NFKC", text)
    plain = "".join(
        "-" if unicodedata.category(char) == "Pd" or char == "\u2212" else char
        for char in plain
        if unicodedata.category(char) not in ("Cf", "Cc") or char.isspace()
    )
    return _CODE_NOISE.sub("", plain).upper().translate(_LOOK_ALIKES)
