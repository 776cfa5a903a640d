"""A Java trust store made from the machine's own certificate bundle, so that Java trusts whom the machine trusts."""

import os
import re
import ssl
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12Certificate, serialize_java_truststore
from cryptography.utils import CryptographyDeprecationWarning

from deploy.local.errors import PrerequisiteMissing

STORE_PASSWORD = "changeit"  # noqa: S105 - Java's well-known default; the store holds public certificates only
BUNDLES = (Path("/etc/ssl/certs/ca-certificates.crt"), Path("/etc/pki/tls/certs/ca-bundle.crt"))
PEM_BLOCK = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
PACKAGED = "usr/share/ca-certificates"


def machine_bundle(environment: Mapping[str, str]) -> Path | None:
    """Find the machine's bundle of trusted certificates, a configured one first."""
    named = [Path(environment[name]) for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE") if environment.get(name)]
    default = ssl.get_default_verify_paths().cafile
    candidates = [*named, *BUNDLES, *([Path(default)] if default else [])]
    return next((path for path in candidates if path.is_file()), None)


def write(destination: Path, prefix: Path) -> int:
    """Write the trust store; return how many certificates it holds.

    The machine's bundle is taken; a machine without one gets Debian's certificates from the prefix.

    Raises:
        PrerequisiteMissing: there is neither.
    """
    bundle = machine_bundle(os.environ)
    pems = [bundle.read_bytes()] if bundle else [path.read_bytes() for path in (prefix / PACKAGED).rglob("*.crt")]
    certificates = dict.fromkeys(certificate for pem in pems for certificate in _certificates(pem))
    if not certificates:
        raise PrerequisiteMissing("No trusted certificates on this machine: `apt-get install ca-certificates`.")
    entries = [PKCS12Certificate(certificate, f"ca-{index}".encode()) for index, certificate in enumerate(certificates)]
    destination.write_bytes(serialize_java_truststore(entries, BestAvailableEncryption(STORE_PASSWORD.encode())))
    return len(entries)


def _certificates(bundle: bytes) -> Iterator[x509.Certificate]:
    """Yield the certificates of a PEM bundle, leaving out those that are malformed by today's rules."""
    for block in PEM_BLOCK.findall(bundle):
        with warnings.catch_warnings():
            warnings.simplefilter("error", CryptographyDeprecationWarning)
            try:
                yield x509.load_pem_x509_certificate(block)
            except (ValueError, CryptographyDeprecationWarning):
                continue


def java_options(store: Path) -> list[str]:
    """Return the JVM options that make Java use `store`."""
    return [f"-Djavax.net.ssl.trustStore={store}", f"-Djavax.net.ssl.trustStorePassword={STORE_PASSWORD}"]
