"""Certificates of a test, made by openssl: an authority, and who it vouches for."""

import subprocess
from pathlib import Path


class Authority:
    """A certificate authority with its files in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.file = folder / f"{name}.pem"
        self._key = folder / f"{name}.key"
        _openssl(
            *("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", f"/CN=test {name}", "-keyout", str(self._key), "-out", str(self.file)),
        )

    def issue(self, name: str, *, days: int = 1, host: str = "IP:127.0.0.1") -> Path:
        """Return a file of a new key and its certificate; with `days` below 0 it has expired."""
        key, request, signed = (self._folder / f"{name}.{end}" for end in ("key", "csr", "crt"))
        _openssl(
            *("req", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"),
            *("-keyout", str(key), "-out", str(request)),
        )
        extensions = self._folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={host}\n")
        _openssl(
            *("x509", "-req", "-in", str(request), "-days", str(days), "-set_serial", "1"),
            *("-CA", str(self.file), "-CAkey", str(self._key), "-extfile", str(extensions)),
            *("-out", str(signed)),
        )
        both = self._folder / f"{name}.pem"
        both.write_text(key.read_text() + signed.read_text())
        return both


def _openssl(*arguments: str) -> None:
    done = subprocess.run(["openssl", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
