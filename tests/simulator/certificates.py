# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificates of the TLS doors, made anew at every start."""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Authority:
    """A certificate authority with the keys it needs.

    One key serves all doors of a simulation: it is thrown away with it.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._now = datetime.now(UTC).replace(microsecond=0)
        self._door_key = ec.generate_private_key(ec.SECP256R1())
        self._door_pem = self._door_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self._known = self._authority("Simulated landscape CA")
        self._strange = self._authority("Unknown CA")
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(self._known[1].public_bytes(serialization.Encoding.PEM))

    def _authority(self, name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        usage = x509.KeyUsage(
            digital_signature=True,
            key_cert_sign=True,
            crl_sign=True,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            encipher_only=False,
            decipher_only=False,
        )
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=400))
            .not_valid_after(self._now + timedelta(days=400))
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return key, certificate

    def _file(self, label: str, address: str, names: list[str], *, days: int, strange: bool = False) -> Path:
        key, certificate = self._strange if strange else self._known
        alternatives: list[x509.GeneralName] = [x509.IPAddress(ipaddress.ip_address(address))]
        alternatives += [x509.DNSName(name) for name in dict.fromkeys(names) if name.isascii() and name]
        issued = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, (names or [address])[0][:64])]))
            .issuer_name(certificate.subject)
            .public_key(self._door_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now - timedelta(days=365))
            .not_valid_after(self._now + timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        path = self._directory / f"{label}.pem"
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(issued.public_bytes(serialization.Encoding.PEM) + self._door_pem)
        return path

    def context(self, address: str, names: list[str], *, days: int = 365) -> ssl.SSLContext:
        """A server context with a good certificate for an address with its names."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.show(context, "good", address, names, days=days)
        return context

    def show(self, context: ssl.SSLContext, what: str, address: str, names: list[str], *, days: int = 365) -> None:
        """Show a ``good``, ``wrong`` or ``expired`` certificate from the next connection on."""
        if what == "wrong":
            path = self._file(f"{address}-wrong", "192.0.2.1", ["elsewhere.example"], days=365, strange=True)
        elif what == "expired":
            path = self._file(f"{address}-expired", address, names, days=-30)
        else:
            path = self._file(address, address, names, days=days)
        context.load_cert_chain(path)
        path.unlink()
