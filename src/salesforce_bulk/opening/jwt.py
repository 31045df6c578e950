"""The signed statement of the JWT bearer flow. API: Salesforce Help, "OAuth 2.0 JWT Bearer Flow for Server-to-Server"."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any, Final

from ..errors import UsageError
from ..logins import JwtBearer

#: "exp": within three minutes.
LIFE_SECONDS: Final = 180


def assertion(login: JwtBearer, now: float) -> str:
    """*now*: seconds since 1970; the statement holds for three minutes.

    Raises:
        UsageError: The extra ``jwt`` is not installed, or the key cannot be used. Nothing was sent.
    """
    try:
        from cryptography.hazmat.primitives import hashes
        from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
        from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise UsageError(
            "JwtBearer signs with the package cryptography, which is not installed. Nothing was sent. "
            "pip install 'salesforce-bulk[jwt]'."
        ) from error
    pem = _pem(login.private_key)
    try:
        key: Any = load_pem_private_key(pem, None)
    except (ValueError, TypeError) as error:
        raise UsageError(
            "The private key of JwtBearer cannot be read. Nothing was sent. It is an RSA key in PEM form, without a password."
        ) from error
    if not isinstance(key, RSAPrivateKey):
        raise UsageError("The private key of JwtBearer is no RSA key, and Salesforce takes no other. Nothing was sent.")
    claims = {
        "iss": login.client_id,
        "sub": login.username,
        "aud": login.audience,
        "exp": int(now) + LIFE_SECONDS,
    }
    signed = f"{_part({'alg': 'RS256'})}.{_part(claims)}"
    return f"{signed}.{_base64(key.sign(signed.encode(), PKCS1v15(), hashes.SHA256()))}"


def _pem(key: str | bytes | Path) -> bytes:
    if isinstance(key, bytes):
        return key
    if isinstance(key, str) and "-----BEGIN" in key:
        return key.encode()
    path = Path(key)
    try:
        about = path.stat()
        if os.name == "posix" and about.st_mode & (stat.S_IRGRP | stat.S_IROTH):
            raise UsageError(
                f"The private key in {path} can be read by others. Nothing was sent. "
                "Make it readable for you alone (chmod 600), and have a new one made if others may have read it."
            )
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"The private key in {path} cannot be read: {error.strerror}. Nothing was sent.") from error


def _part(document: dict[str, Any]) -> str:
    return _base64(json.dumps(document, separators=(",", ":")).encode())


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
