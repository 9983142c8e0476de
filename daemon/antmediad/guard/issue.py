"""Makes tokens and keys: for commands, tests of a set-up, and trying things out."""

from __future__ import annotations

import base64
import secrets
import warnings
from collections.abc import Mapping
from typing import Any

import orjson
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import get_default_algorithms

from antmediad.errors import TokenError, UsageError
from antmediad.guard.token import SECRET_ALGORITHM

_ALGORITHMS = get_default_algorithms()
_CURVES: Mapping[str, ec.EllipticCurve] = {
    "ES256": ec.SECP256R1(),
    "ES384": ec.SECP384R1(),
    "ES512": ec.SECP521R1(),
}
RSA_BITS = 2048


def issue_with_secret(claims: Mapping[str, Any], secret: str) -> str:
    """Return an HS256 token, signed with the UTF-8 bytes of *secret*, as the guard reads them.

    Raises:
        TokenError: ``no_secret``, when it is empty.
    """
    if not secret:
        raise TokenError("no_secret")
    return _issue(claims, {"alg": SECRET_ALGORITHM, "typ": "JWT"}, secret.encode(errors="replace"))


def issue_with_key(
    claims: Mapping[str, Any], pem: bytes, kid: str | None = None, algorithm: str | None = None
) -> str:
    """Return a token signed with the private key in *pem*, under the algorithm of its type.

    Raises:
        UsageError: *pem* is no private key in the clear, or does not fit *algorithm*.
    """
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError):
        raise UsageError("expected a private key in PEM, without a password") from None
    algorithm = algorithm or _algorithm_of(key)
    header = {"alg": algorithm, "typ": "JWT", **({} if kid is None else {"kid": kid})}
    try:
        return _issue(claims, header, key)
    except (AttributeError, TypeError, ValueError):
        raise UsageError(f"the private key does not fit {algorithm}") from None


def generate_key(algorithm: str, kid: str | None = None) -> tuple[bytes, dict[str, Any]]:
    """Return a new private key (PEM, PKCS #8), and the key set that holds its public key.

    Raises:
        UsageError: no key can be made for *algorithm*.
    """
    key: Any
    if algorithm[:2] in ("RS", "PS") and algorithm in _ALGORITHMS:
        key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    elif algorithm in _CURVES:
        key = ec.generate_private_key(_CURVES[algorithm])
    elif algorithm == "EdDSA":
        key = ed25519.Ed25519PrivateKey.generate()
    else:
        raise UsageError(f"no key can be made for {algorithm}")
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    jwk = _ALGORITHMS[algorithm].to_jwk(key.public_key(), as_dict=True)
    jwk.pop("key_ops", None)
    jwk.update(kid=kid or secrets.token_hex(8), use="sig", alg=algorithm)
    return pem, {"keys": [jwk]}


def _algorithm_of(key: object) -> str:
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey):
        return "EdDSA"
    if isinstance(key, ec.EllipticCurvePrivateKey):
        for algorithm, curve in _CURVES.items():
            if key.curve.name == curve.name:
                return algorithm
    raise UsageError("expected an RSA, EC (P-256, P-384, P-521), Ed25519 or Ed448 key")


def _issue(claims: Mapping[str, Any], header: Mapping[str, Any], key: Any) -> str:
    signing_input = b".".join(_encode(orjson.dumps(part)) for part in (header, claims))
    with warnings.catch_warnings():
        # PyJWT warns of short secrets; so does `antmediad check`, once and with the line.
        warnings.simplefilter("ignore")
        signature = _ALGORITHMS[header["alg"]].sign(signing_input, key)
    return b".".join((signing_input, _encode(signature))).decode("ascii")


def _encode(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")
