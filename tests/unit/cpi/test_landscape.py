"""A host name tells its landscape, if it is one of SAP's."""

from proxy.cpi.landscape import landscape
from tests.cases import cases

EU1 = "Neo, eu1.hana.ondemand.com"


@cases(
    "host, place",
    ("oauthasservices-a1b2c3.hana.ondemand.com", EU1),
    ("oauthasservices-a1b2c3.eu1.hana.ondemand.com", EU1),
    ("a1b2c3-iflmap.hcisbt.eu1.hana.ondemand.com", EU1),
    ("a1b2c3-iflmap.hci.us3.hana.ondemand.com", "Neo, us3.hana.ondemand.com"),
    ("a1b2c3-hcioem.hcisbp.cn1.platform.sapcloud.cn", "Neo, cn1.platform.sapcloud.cn"),
    ("acme.authentication.eu10.hana.ondemand.com", "Cloud Foundry, eu10.hana.ondemand.com"),
    ("acme.authentication.cert.eu10.hana.ondemand.com", "Cloud Foundry, eu10.hana.ondemand.com"),
    ("acme.it-cpi001-rt.cfapps.eu10-004.hana.ondemand.com", "Cloud Foundry, eu10.hana.ondemand.com"),
    ("acme.authentication.cn40.platform.sapcloud.cn", "Cloud Foundry, cn40.platform.sapcloud.cn"),
    ("acme.it-cpi001-rt.cpi.cn40.apps.platform.sapcloud.cn", "Cloud Foundry, cn40.platform.sapcloud.cn"),
)
def test_hosts_of_one_landscape_agree(host: str, place: str) -> None:
    """Whatever else is in their names."""
    assert str(landscape(host)) == place


@cases("host", "127.0.0.1", "cpi.example.com", "hana.ondemand.com", "a-tmn.hci.eu1.hana.ondemand.com")
def test_another_host_tells_none(host: str) -> None:
    """A host name of the customer's own can be anywhere."""
    assert landscape(host) is None
