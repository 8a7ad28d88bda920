"""Keys, signatures and envelopes by the ``openssl`` command: nothing else is on a bare image.

Private keys stand in files that openssl reads itself, or pass through a pipe; never in an
argument or the environment, which other users of the machine can read.
"""

import ssl
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from hakube_gce.agent.files import FileStorage, make_folder
from hakube_gce.agent.keys import pki
from hakube_gce.agent.ports import CryptoError

TIMEOUT_S = 60.0
"""An RSA-3072 key can take seconds on a shared-core VM."""

_SEALING_KEY = pki("sealing.key")
_SEALING_CERTIFICATE = pki("sealing.crt")
# Without this openssl reads the machine's configuration, which may demand sections of its own.
_NO_CONFIGURATION = ("-config", "/dev/null")
_EC_KEY = ("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
_RSA_KEY = ("genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:3072")


class OpenSSL:
    """One replica's keys, as files below its root folder."""

    def __init__(self, root: FileStorage, *, command: str = "/usr/bin/openssl") -> None:
        """Work below ``root``; ``command`` is the openssl to run (3.0 or newer)."""
        self._root = root
        self._command = command

    def make_keys(self, leaves: Sequence[str], *, subject: str) -> None:
        for leaf in leaves:
            self._make_key(pki(f"{leaf}.key"), _EC_KEY)
        self._make_key(_SEALING_KEY, _RSA_KEY)
        if not self._root.exists(_SEALING_CERTIFICATE):
            certificate = self._run(
                *("req", "-new", "-x509", *_NO_CONFIGURATION, "-sha256", "-days", "3650"),
                *("-subj", f"/CN=hakube-sealing:{subject}", "-key", self._path(_SEALING_KEY)),
            )
            self._root.write(_SEALING_CERTIFICATE, certificate)

    def _make_key(self, name: str, command: Sequence[str]) -> None:
        if not self._root.exists(name):
            self._root.write(name, self._run(*command))

    def certificate_request(self, leaf: str) -> str:
        return self._run(
            *("req", "-new", *_NO_CONFIGURATION, "-sha256", "-subj", f"/CN={leaf}"),
            *("-key", self._path(pki(f"{leaf}.key"))),
        ).decode("ascii")

    def sealing_certificate(self) -> str:
        return (self._root.read(_SEALING_CERTIFICATE) or b"").decode("ascii")

    def sign(self, payload: bytes) -> bytes:
        return self._run("dgst", "-sha256", "-sign", self._path(pki("agent.key")), given=payload)

    def unseal(self, envelope: bytes) -> bytes:
        return self._run(
            *("cms", "-decrypt", "-binary", "-inform", "DER"),
            *("-inkey", self._path(_SEALING_KEY), "-recip", self._path(_SEALING_CERTIFICATE)),
            given=envelope,
        )

    def seal(self, secret: bytes, recipient: str) -> bytes:
        with self._as_file(recipient) as certificate:
            return self._run(
                *("cms", "-encrypt", "-binary", "-aes256", "-outform", "DER"),
                *("-recip", str(certificate)),
                given=secret,
            )

    def leaf_problem(self, leaf: str, certificate: str, authority: str) -> str:
        given = certificate.encode()
        try:
            held = self._run("x509", "-noout", "-pubkey", given=given)
            own = self._run("pkey", "-pubout", "-in", self._path(pki(f"{leaf}.key")))
            if held != own:
                return "it holds another key"
            with self._as_file(authority) as issuer:
                # Only this authority counts, none of those the machine trusts otherwise.
                stores = ("-no-CApath", "-no-CAstore", "-CAfile", str(issuer))
                self._run("verify", *stores, given=given)
        except CryptoError as error:
            return str(error)
        return ""

    def expires(self, certificate: str) -> datetime:
        line = self._run("x509", "-noout", "-enddate", given=certificate.encode()).decode("ascii")
        seconds = ssl.cert_time_to_seconds(line.strip().removeprefix("notAfter="))
        return datetime.fromtimestamp(seconds, UTC)

    def _path(self, name: str) -> str:
        return str(self._root.path(name))

    @contextmanager
    def _as_file(self, public: str) -> Iterator[Path]:
        """Lend a file with something public in it, for options that take no pipe."""
        folder = self._root.path("tmp")
        make_folder(folder)
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".pem") as file:
            file.write(public.encode())
            file.flush()
            yield Path(file.name)

    def _run(self, *arguments: str, given: bytes = b"") -> bytes:
        try:
            done = subprocess.run(  # noqa: S603 - arguments are built here, no shell
                [self._command, *arguments],
                input=given,
                capture_output=True,
                timeout=TIMEOUT_S,
                check=False,
                env={"LC_ALL": "C"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            msg = f"{self._command} {arguments[0]} did not run: {error}"
            raise CryptoError(msg) from error
        if done.returncode != 0:
            words = " ".join(done.stderr.decode(errors="replace").split())
            msg = f"openssl {arguments[0]}: {words or f'exit status {done.returncode}'}"
            raise CryptoError(msg)
        return done.stdout
