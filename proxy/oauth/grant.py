"""The token request of one OAuth client (RFC 6749 §4.4.2), without its credentials."""

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode, urlsplit

from proxy.config.model import OAuthClient, ParamsIn, TokenFormat

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Pairs = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantRequest:
    """One request to a token endpoint; its repr shows nothing that may be a credential."""

    oauth_client: str
    method: str
    url: str
    "The token endpoint, with its own query if it has one (RFC 6749 §3.2)."
    fields: Pairs = field(default=(), repr=False)
    query: Pairs = field(default=(), repr=False)
    form: Pairs = field(default=(), repr=False)
    hint: str = ""
    "What else to try if the credentials are refused."

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
        """The URL with all parameters of the query."""
        if not self.query:
            return self.url
        return self.url + ("&" if "?" in self.url else "?") + encoded(self.query)

    @property
    def body(self) -> bytes:
        """The form as it is sent; empty without parameters."""
        return encoded(self.form).encode("ascii")

    def with_field(self, name: str, value: str) -> "GrantRequest":
        """Returns the request with this field in place of any other of its name."""
        others = (pair for pair in self.fields if pair[0].lower() != name.lower())
        return replace(self, fields=(*others, (name, value)))

    def with_form(self, *pairs: tuple[str, str]) -> "GrantRequest":
        """Returns the request with parameters in its body, where credentials belong (RFC 6749 §2.3.1)."""
        names = {name for name, _ in pairs}
        return replace(self, form=(*(pair for pair in self.form if pair[0] not in names), *pairs))


def encoded(pairs: "Iterable[tuple[str, str]]") -> str:
    """Form-urlencodes; a space becomes %20, because a server may read + as a plus."""
    return urlencode(tuple(pairs), quote_via=quote, safe="")


def grant_request(client: OAuthClient) -> GrantRequest:
    """Returns what every token request of this OAuth client has in common."""
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
    """Yields the parameters of RFC 6749, then those of the configuration."""
    yield "grant_type", "client_credentials"
    if client.scopes:
        yield "scope", " ".join(client.scopes)
    if client.token_format is not TokenFormat.OPAQUE:
        yield "token_format", client.token_format.value
    yield from client.endpoint_params.items()
