"""The credentials of an OAuth client: read, and checked against its authentication method."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from proxy.config.binding_folder import read_service_key
from proxy.config.checked_text import check_secret
from proxy.config.choices import AuthMethod
from proxy.config.document import OAuthClientEntry
from proxy.config.model import ListenerTls, Tls
from proxy.config.pem import check_authorities, check_certificate, check_identity, signing_key
from proxy.config.problems import Location, Problems
from proxy.config.service_key import ServiceKey, parse_service_key

Read = Callable[[Path], SecretStr]
"Reads a file; ValueError says what is wrong with it."

_IN_SERVICE_KEY = ("token_url", "client_id", "client_secret", "client_secret_file")


class Credentials:
    """The credentials of one entry; each problem is reported at its option.

    An option that was written counts as set even if its value is invalid, which is a problem of its own.
    """

    def __init__(
        self,
        entry: OAuthClientEntry,
        location: Location,
        *,
        written: Mapping[str, Any],
        read: Read,
        problems: Problems,
    ) -> None:
        self._entry = entry
        self._written = written
        self._location = location
        self._read = read
        self._problems = problems
        self.has_service_key = "service_key" in written or "service_key_file" in written

    def service_key(self) -> ServiceKey | None:
        """Returns the service key; None if there is none, or if it cannot be used."""
        if self.has_service_key:
            for option in _IN_SERVICE_KEY:
                if option in self._written:
                    self._wrong(option, "is already in the service key; remove one of them")
        read = partial(read_service_key, read=self._read)
        text = self._text("service_key", self._entry.service_key, self._entry.service_key_file, read)
        if text is None:
            return None
        try:
            return parse_service_key(text.get_secret_value())
        except ValueError as error:
            self._problems.add(self.place("service_key"), str(error))
            return None

    def secret(self, method: AuthMethod, key: ServiceKey | None) -> SecretStr | None:
        """Returns the secret, if the method needs one; it must be set in exactly one place."""
        found = self._client_secret("client_secret", self._entry.client_secret, self._entry.client_secret_file)
        if not method.needs_secret:
            self._unused(method, "client_secret", "client_secret_file", "client_secret_next", "client_secret_next_file")
        elif self.has_service_key:
            if key and key.client_secret is None:
                self._wrong("token_endpoint_auth_method", "needs a secret, but the service key contains a certificate")
        elif "client_secret" not in self._written and "client_secret_file" not in self._written:
            self._wrong("client_secret", "is missing; set `client_secret` or `client_secret_file`")
        return key.client_secret if key else found

    def next_secret(self) -> SecretStr | None:
        """Returns the next secret."""
        entry = self._entry
        return self._client_secret("client_secret_next", entry.client_secret_next, entry.client_secret_next_file)

    def certificate(self, method: AuthMethod, key: ServiceKey | None) -> bool:
        """Returns whether the certificate is the service key's; reports two certificates, or a missing one."""
        tls = self._written.get("tls")
        given = isinstance(tls, Mapping) and "cert_file" in tls
        if key and key.private_key and given:
            self._wrong("tls", "has a cert_file, but the service key has its own; remove one of them")
        elif key and key.private_key:
            return True
        elif method.needs_certificate and not given and (key or not self.has_service_key):
            self._wrong("tls", f"has no cert_file, which {method} needs; set cert_file and key_file")
        return False

    def place(self, option: str) -> Location:
        """Returns where the option was written: a service key contains several."""
        key = "service_key" if "service_key" in self._written else "service_key_file"
        return (*self._location, key if self.has_service_key else option)

    def signing_key(self, method: AuthMethod) -> None:
        """Checks that the options of a key that signs assertions are there if, and only if, the method needs them."""
        if not method.signs:
            self._unused(method, "assertion_audience")
        if not method.needs_private_key:
            self._unused(method, "private_key_file", "private_key_id")
        elif "private_key_file" not in self._written:
            self._wrong("private_key_file", f"is missing; {method} needs it")
        elif self._entry.private_key_file:
            place = (*self._location, "private_key_file")
            check_file(place, self._entry.private_key_file, signing_key, self._read, self._problems)

    def _client_secret(self, option: str, value: SecretStr | None, file: Path | None) -> SecretStr | None:
        found = self._text(option, value, file, self._read)
        try:
            return SecretStr(check_secret(found.get_secret_value())) if found is not None else None
        except ValueError as error:
            self._wrong(option if value is not None else f"{option}_file", str(error))
            return None

    def _text(self, option: str, value: SecretStr | None, file: Path | None, read: Read) -> SecretStr | None:
        """Returns the value, or the content of the file; not both."""
        if option in self._written and f"{option}_file" in self._written:
            self._wrong(f"{option}_file", f"is set together with `{option}`; remove one of them")
        if file is None or value is not None:
            return value
        try:
            return read(file)
        except ValueError as error:
            self._wrong(f"{option}_file", str(error))
            return None

    def _unused(self, method: AuthMethod, *options: str) -> None:
        for option in options:
            if option in self._written:
                self._wrong(option, f"is not used by {method}; remove it or change token_endpoint_auth_method")

    def _wrong(self, option: str, text: str) -> None:
        self._problems.add((*self._location, option), text)


def check_tls(tls: Tls, location: Location, read: Read, problems: Problems) -> None:
    """Checks that the files can be used, and that a key belongs to its certificate."""
    if tls.ca_file:
        check_file((*location, "ca_file"), tls.ca_file, check_authorities, read, problems)
    if tls.cert_file:
        _check_pair(tls.cert_file, tls.key_file, location, read, problems)
    elif tls.key_file:
        problems.add((*location, "key_file"), "has no cert_file with it; set both or neither")


def check_listener_tls(tls: ListenerTls, location: Location, read: Read, problems: Problems) -> None:
    """Checks the files of a listener in the same way."""
    if tls.client_ca_file:
        check_file((*location, "client_ca_file"), tls.client_ca_file, check_authorities, read, problems)
    _check_pair(tls.cert_file, tls.key_file, location, read, problems)


def _check_pair(cert_file: Path, key_file: Path | None, location: Location, read: Read, problems: Problems) -> None:
    certificate = check_file((*location, "cert_file"), cert_file, check_certificate, read, problems)
    if certificate:
        place = (*location, "key_file" if key_file else "cert_file")
        check_file(place, key_file or cert_file, lambda key: check_identity(certificate, key), read, problems)


def check_file(location: Location, path: Path, check: Callable[[str], object], read: Read, problems: Problems) -> str:
    """Returns the content of the file, or nothing if it was reported as a problem."""
    try:
        text = read(path).get_secret_value()
    except ValueError as error:
        problems.add(location, str(error))
        return ""
    try:
        check(text)
    except ValueError as error:
        problems.add(location, f"the file {path} {error}")
        return ""
    return text
