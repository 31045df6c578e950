"""The JWT bearer flow: whether a signed statement holds. Source: auth.md 5.2; the signature is RFC 8017, RSASSA-PKCS1-v1_5."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Collection, Iterable
from typing import Any, Final

#: "Within 3 minutes"; other pages say five, and what the service enforces is not known.
LONGEST_LIFE_SECONDS: Final = 300
#: DER: an AlgorithmIdentifier of SHA-256, and an octet string of 32 bytes.
_SHA256: Final = bytes.fromhex("3031300d060960864801650304020105000420")

#: The modulus and the exponent of an RSA key.
PublicKey = tuple[int, int]


def why_not(
    assertion: str,
    keys: Iterable[PublicKey],
    *,
    client_id: str,
    username: str,
    audiences: Collection[str],
    now: float,
) -> str | None:
    """The ``error_description`` of a statement that does not hold; None: it does."""
    parts = assertion.split(".")
    try:
        header, claims = (_document(part) for part in parts[:2])
        signature = _bytes(parts[2])
    except (ValueError, IndexError, binascii.Error):
        return "invalid assertion"
    signed = f"{parts[0]}.{parts[1]}".encode()
    if len(parts) != 3 or header.get("alg") != "RS256" or not any(_verifies(key, signed, signature) for key in keys):
        return "invalid assertion"
    if claims.get("aud") not in audiences:
        return "audience is invalid"
    expires = claims.get("exp")
    if not isinstance(expires, int) or not now < expires <= now + LONGEST_LIFE_SECONDS:
        return "invalid assertion"
    if claims.get("iss") != client_id or str(claims.get("sub")).lower() != username.lower():
        return "user hasn't approved this consumer"
    return None


def _verifies(key: PublicKey, signed: bytes, signature: bytes) -> bool:
    modulus, exponent = key
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size:
        return False
    told = _SHA256 + hashlib.sha256(signed).digest()
    expected = b"\x00\x01" + b"\xff" * (size - len(told) - 3) + b"\x00" + told
    found = pow(int.from_bytes(signature), exponent, modulus).to_bytes(size)
    return hmac.compare_digest(expected, found)


def _bytes(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _document(part: str) -> dict[str, Any]:
    document = json.loads(_bytes(part))
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document
