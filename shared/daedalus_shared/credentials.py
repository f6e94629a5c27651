"""Credentials for what jobs name: brokers, Prometheus, Flink. Each bound to its addresses.

They are files in a folder, such as a mounted secret: `name=value` lines, of which `at` lists the
addresses that they are for. A job file names addresses and never credentials, so whoever may write
one cannot have them sent anywhere else.
"""

import base64
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

AT = "at"
_HTTP = frozenset({"bearer", "bearer.file", "username", "password", "ca.file"})
_PORTS = {"http": 80, "https": 443}


class CredentialFileError(ValueError):
    """A file of credentials is wrong; one line that names it, and none of its values."""


@dataclass(frozen=True, slots=True)
class HttpAccess:
    """How an HTTP server lets us in."""

    _values: Mapping[str, str] = field(repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)
    """Whom to trust, where it is not the system's authorities."""

    def headers(self) -> dict[str, str]:
        """Return what is sent with a request; a token's file is read anew, since it changes.

        Raises:
            CredentialFileError: That file cannot be read.
        """
        values = self._values
        if "bearer.file" in values:
            return {"Authorization": f"Bearer {_content(values['bearer.file'])}"}
        if "bearer" in values:
            return {"Authorization": f"Bearer {values['bearer']}"}
        if "username" in values:
            pair = f"{values['username']}:{values['password']}".encode()
            return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
        return {}


@dataclass(frozen=True, slots=True)
class Credentials:
    """All credentials of a service for the outside."""

    _kafka: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    _http: Mapping[str, HttpAccess] = field(default_factory=dict, repr=False)

    def kafka(self, bootstrap: str) -> Mapping[str, str]:
        """Return librdkafka's settings for these brokers, if all of them are known; else none."""
        found = [self._kafka.get(address.strip(), {}) for address in bootstrap.split(",")]
        return found[0] if all(each is found[0] for each in found) else {}

    def http(self, url: str) -> HttpAccess | None:
        """Return how the server of this address lets us in, where that is known."""
        return self._http.get(_origin(url))


def read_credentials(folder: Path | None, variable: str) -> Credentials:
    """Return the credentials in a folder.

    Args:
        folder: Where; None for no credentials.
        variable: The setting that names it, for errors.

    Raises:
        CredentialFileError: The folder or a file cannot be read, or makes no sense.
    """
    if folder is None:
        return Credentials()
    try:
        # A mounted secret has folders of its own beside, whose names begin with dots.
        files = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise CredentialFileError(f"{variable}: {folder}: {error.strerror}") from error
    kafka: dict[str, Mapping[str, str]] = {}
    http: dict[str, HttpAccess] = {}
    for file in files:
        where = f"{variable}: {file}"
        values = _values(file, where)
        addresses = [each.strip() for each in values.pop(AT, "").split(",") if each.strip()]
        if not addresses:
            raise CredentialFileError(
                f"{where}: a line such as at=kafka:9093 or at=https://prometheus:9090 is missing"
            )
        web = [each for each in addresses if each.startswith(("http://", "https://"))]
        if web and len(web) < len(addresses):
            raise CredentialFileError(f"{where}: `at` mixes brokers and HTTP servers")
        keys = map(_origin, web) if web else addresses
        for key in keys:
            if key in kafka or key in http:
                raise CredentialFileError(f"{where}: another file is for {key} too")
            if web:
                http[key] = _http_access(values, where)
            else:
                kafka[key] = values
    return Credentials(kafka, http)


def _values(file: Path, where: str) -> dict[str, str]:
    try:
        lines = file.read_text().splitlines()
    except OSError as error:
        raise CredentialFileError(f"{where}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise CredentialFileError(f"{where}: is not text in UTF-8") from error
    found: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, mark, value = line.partition("=")
        if not mark:
            raise CredentialFileError(f"{where}: line {number} is not written as name=value")
        found[name.strip()] = value.strip()
    return found


def _http_access(values: Mapping[str, str], where: str) -> HttpAccess:
    _refuse_unknown(values.keys() - _HTTP, where)
    ways = [way for way in ("bearer", "bearer.file", "username") if way in values]
    if len(ways) > 1:
        raise CredentialFileError(f"{where}: either {' or '.join(ways)}")
    if ("username" in values) != ("password" in values):
        raise CredentialFileError(f"{where}: username and password belong together")
    if "bearer.file" in values:
        _content(values["bearer.file"], where)
    if "ca.file" not in values:
        return HttpAccess(values)
    try:
        return HttpAccess(values, ssl.create_default_context(cafile=values["ca.file"]))
    except OSError as error:
        raise CredentialFileError(f"{where}: ca.file cannot be used: {error.strerror}") from error


def _refuse_unknown(names: Iterable[str], where: str) -> None:
    if strange := sorted(names):
        raise CredentialFileError(
            f"{where}: {', '.join(strange)}: there are at, {', '.join(sorted(_HTTP))}"
        )


def _content(path: str, where: str = "credentials") -> str:
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise CredentialFileError(f"{where}: bearer.file {path}: {error.strerror}") from error


def _origin(url: str) -> str:
    """Return scheme, host and port.

    >>> _origin("https://Prometheus.example/api")
    'https://prometheus.example:443'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS.get(parts.scheme)}"
