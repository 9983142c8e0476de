"""Keys, key sets and tokens for tests; each kind of key is made once a session."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

PrivateKey = (
    rsa.RSAPrivateKey
    | ec.EllipticCurvePrivateKey
    | ed25519.Ed25519PrivateKey
    | ed448.Ed448PrivateKey
)

_CURVES: dict[str, Callable[[], ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1,
    "P-384": ec.SECP384R1,
    "P-521": ec.SECP521R1,
    "secp256k1": ec.SECP256K1,
}


@cache
def private_key(name: str) -> PrivateKey:
    """Return the key of this name: a kind, and after a blank what tells it from others.

    Kinds: ``RSA``, ``RSA-1024``, the curves ``P-256``, ``P-384``, ``P-521``, ``secp256k1``,
    ``Ed25519`` and ``Ed448``.
    """
    kind = name.partition(" ")[0]
    if kind in _CURVES:
        return ec.generate_private_key(_CURVES[kind]())
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    return rsa.generate_private_key(65537, int(kind.partition("-")[2] or "2048"))


def jwk(name: str, **members: Any) -> dict[str, Any]:
    """Return the public key of this name as a JWK with *members*; None takes one away."""
    key = private_key(name)
    entry: dict[str, Any]
    if isinstance(key, rsa.RSAPrivateKey):
        entry = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        entry = ECAlgorithm.to_jwk(key.public_key(), as_dict=True)
    else:
        entry = OKPAlgorithm.to_jwk(key.public_key(), as_dict=True)
    entry.pop("key_ops", None)
    entry.update(members)
    return {member: value for member, value in entry.items() if value is not None}


def key_set(*entries: Any) -> bytes:
    """Return a JWK Set document."""
    return json.dumps({"keys": entries}).encode()


def public_pem(name: str) -> str:
    """Return the public key of this name as PEM."""
    key = private_key(name).public_key()
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def signed_by(
    name: str, algorithm: str, claims: Mapping[str, Any] | None = None, **header: Any
) -> str:
    """Return a token signed by the key of this name, with these header members."""
    return jwt.encode(dict(claims or {}), private_key(name), algorithm, headers=header or None)


def encoded(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def compact(header: bytes | Mapping[str, Any], payload: bytes, secret: str) -> str:
    """Return a token of exactly these bytes, with a good HMAC-SHA256 whatever they are."""
    head = header if isinstance(header, bytes) else json.dumps(header).encode()
    signing_input = f"{encoded(head)}.{encoded(payload)}"
    signature = jwt.get_algorithm_by_name("HS256").sign(signing_input.encode(), secret.encode())
    return f"{signing_input}.{encoded(signature)}"
