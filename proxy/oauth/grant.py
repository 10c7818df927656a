"""The token request of one OAuth client (RFC 6749 §4.4.2), before the client authenticates."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from proxy.config.model import OAuthClient, ParamsIn, TokenFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """One request to a token endpoint; what may hold a credential does not show."""

    oauth_client: str
    method: str
    url: str
    "The token endpoint; a query of its own is kept as it is (RFC 6749 §3.2)."
    fields: Pairs = field(default=(), repr=False)
    query: Pairs = field(default=(), repr=False)
    form: Pairs = field(default=(), repr=False)
    suspicion: str = ""
    "What to try if the credentials are refused, beside what is always to be checked."

    @property
    def host(self) -> str:
        """The host of the token endpoint."""
        return urlsplit(self.url).hostname or self.url

    @property
    def subject(self) -> str:
        """How the sentences about a failure begin."""
        return f"The token endpoint {self.host} of OAuth client {self.oauth_client}"

    @property
    def target(self) -> str:
        """The URL with all of the query."""
        if not self.query:
            return self.url
        return self.url + ("&" if "?" in self.url else "?") + encoded(self.query)

    @property
    def body(self) -> bytes:
        """The form as it goes out; no bytes for no parameters."""
        return encoded(self.form).encode("ascii")

    def with_field(self, name: str, value: str) -> "GrantRequest":
        """Set the one field of this name."""
        others = (pair for pair in self.fields if pair[0].lower() != name.lower())
        return replace(self, fields=(*others, (name, value)))

    def with_form(self, *pairs: tuple[str, str]) -> "GrantRequest":
        """Set parameters in the body, where credentials belong (RFC 6749 §2.3.1: never in the URI)."""
        names = {name for name, _ in pairs}
        return replace(self, form=(*(pair for pair in self.form if pair[0] not in names), *pairs))


def encoded(pairs: "Iterable[tuple[str, str]]") -> str:
    """Form-urlencode; a space becomes %20, which nobody takes for a plus."""
    return urlencode(tuple(pairs), quote_via=quote, safe="")


def grant_request(client: OAuthClient) -> GrantRequest:
    """Build what every grant of this OAuth client sends, whatever its client authentication is."""
    parameters = tuple(_parameters(client))
    in_query = client.params_in is ParamsIn.QUERY
    request = GrantRequest(
        oauth_client=client.name,
        method="POST",
        url=client.token_url,
        fields=(("Accept", "application/json"),),
        query=parameters if in_query else (),
        form=() if in_query else parameters,
    )
    for name, value in client.token_headers.items():
        request = request.with_field(name, value)
    return request


def _parameters(client: OAuthClient) -> "Iterator[tuple[str, str]]":
    """Yield the parameters in the order of the RFC, those of the file last."""
    yield "grant_type", "client_credentials"
    if client.scopes:
        yield "scope", " ".join(client.scopes)
    if client.token_format is not TokenFormat.OPAQUE:
        yield "token_format", client.token_format.value
    yield from client.endpoint_params.items()
