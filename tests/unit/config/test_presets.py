"""Which provider a token URL belongs to."""

from proxy.config.choices import Provider
from proxy.config.presets import PRESETS, provider_of
from tests.cases import cases


@cases(
    "token_url, provider",
    ("https://oauthasservices-a1b2c3.hana.ondemand.com/x", Provider.NEO),
    ("https://127.0.0.1:9443/oauth2/api/v1/token", Provider.NEO),
    ("https://t.authentication.eu10.hana.ondemand.com/oauth/token", Provider.XSUAA),
    ("https://as.example.com/oauth2/api/v1/token/x", Provider.GENERIC),
    ("https://as.example.com/?.authentication.", Provider.GENERIC),
    ("", Provider.GENERIC),
)
def test_the_token_url_tells_the_provider(token_url: str, provider: Provider) -> None:
    """Neo is known by its host or path, XSUAA by its host."""
    assert provider_of(token_url, with_service_key=False) is provider


def test_a_service_key_means_xsuaa() -> None:
    """Neo has no service keys."""
    assert provider_of("https://127.0.0.1/oauth2/api/v1/token", with_service_key=True) is Provider.XSUAA


def test_each_provider_has_a_preset() -> None:
    """No provider is without defaults."""
    assert set(PRESETS) == set(Provider)
