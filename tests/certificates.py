"""Certificates, made in the test."""

from __future__ import annotations

import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Issued:
    """A certificate for localhost and its key, in PEM form; signed by itself or by an issuer."""

    def __init__(
        self,
        name: str,
        issuer: Issued | None = None,
        *,
        is_ca: bool = False,
        begins_in_days: float = -1,
        ends_in_days: float = 1,
    ) -> None:
        self.private_key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        signer = issuer or self
        now = datetime.datetime.now(datetime.UTC)
        self.x509 = (
            x509.CertificateBuilder()
            .subject_name(self.subject)
            .issuer_name(signer.subject)
            .public_key(self.private_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days=begins_in_days))
            .not_valid_after(now + datetime.timedelta(days=ends_in_days))
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .sign(signer.private_key, hashes.SHA256())
        )
        self.der = self.x509.public_bytes(Encoding.DER)
        self.certificate = self.x509.public_bytes(Encoding.PEM)
        self.key = self.private_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
