"""The fences of addresses for operators on loopback."""

from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from proxy.wire.local_site import SiteFence, SiteRefusal, fenced_application
from tests.cases import cases

FENCE = SiteFence(hosts={"proxy.example"}, public={"/livez"})
OWN = b"127.0.0.1:9901"
FOREIGN = (b"Sec-Fetch-Site", b"cross-site")


def status(
    *fields: tuple[bytes, bytes],
    host: bytes | None = OWN,
    method: str = "GET",
    target: bytes = b"/status",
    fence: SiteFence = FENCE,
) -> int:
    """Of the refusal; 0 where there is none."""
    hosts = [] if host is None else [(b"host", host)]
    found = fence.refusal(method, target, target.partition(b"?")[0].decode("latin-1"), (*hosts, *fields))
    return found.status if found else 0


@cases(
    "host",
    OWN,
    b"127.0.0.1",
    b"127.9.9.9:1",
    b"[::1]:9901",
    b"localhost:9901",
    b"LOCALHOST.",
    b"proxy.example",
    b"Proxy.Example.:80",
)
def test_requests_to_this_machine_are_served(host: bytes) -> None:
    """By loopback address, localhost or a configured name."""
    assert status(host=host) == 0


@cases(
    "host",
    None,
    b"",
    b"evil.example",
    b"10.1.2.3:9901",
    b"[::]:9901",
    b"localhost.evil.example",
    b"evil.example, localhost",
    b"a.proxy.example",
)
def test_requests_to_another_name_are_misdirected(host: bytes | None) -> None:
    """Browsers always send a name."""
    assert status(host=host) == 421
    assert status(host=host, target=b"/livez") == 421


def test_two_names_are_none() -> None:
    """Whichever comes first."""
    assert status((b"Host", b"evil.example")) == 421
    assert status((b"HOST", OWN), host=b"evil.example") == 421


def test_the_authority_of_an_absolute_target_counts_and_not_host() -> None:
    """RFC 9112 §3.2.2."""
    assert status(target=b"http://evil.example/livez") == 421
    assert status(target=b"HTTP://localhost/livez", host=b"evil.example") == 0


def test_any_name_is_taken_where_none_are_configured() -> None:
    """Probes use the address of a pod."""
    everywhere = FENCE._replace(hosts=None)
    assert status(host=b"10.1.2.3:9901", fence=everywhere) == 0
    assert status(host=None, fence=everywhere) == 0
    assert status(FOREIGN, host=b"10.1.2.3:9901", fence=everywhere) == 403


@cases("method", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS")
@cases("mark", FOREIGN, (b"Sec-Fetch-Site", b"same-site"), (b"Origin", b"http://127.0.0.1:3000"))
def test_a_page_of_another_site_is_refused(mark: tuple[bytes, bytes], method: str) -> None:
    """Even if it is of another port of this machine."""
    assert status(mark, method=method) == 403
    assert status(mark, method=method, target=b"/nowhere") == 403


def test_a_page_of_another_site_may_get_what_is_public_and_no_more() -> None:
    """It cannot read the answer."""
    assert status(FOREIGN, target=b"/livez?x=1") == 0
    assert status(FOREIGN, target=b"/livez", method="HEAD") == 403
    assert status(FOREIGN, target=b"/livez", method="POST") == 403


@cases("mark", (b"Sec-Fetch-Site", b"none"), (b"Origin", b"http://127.0.0.1:9901"))
def test_own_pages_and_the_address_bar_are_served(mark: tuple[bytes, bytes]) -> None:
    """With any method."""
    assert status(mark, method="PUT") == 0


def test_the_name_is_looked_at_before_the_browser() -> None:
    """421 says more than 403."""
    assert status(FOREIGN, host=b"evil.example") == 421


async def test_an_application_is_fenced_before_its_own_middlewares_and_its_404() -> None:
    """Each answer has a name without a version."""
    seen: list[str] = []
    refused: list[SiteRefusal] = []

    @web.middleware
    async def inner(request: web.Request, handler: object) -> web.StreamResponse:
        del handler
        seen.append(request.path)
        raise web.HTTPNotFound

    async with TestClient(
        TestServer(fenced_application(SiteFence(), inner=(inner,), refused=refused.append))
    ) as client:
        answers = [
            await client.get("/a"),
            await client.get("/b", headers={"Host": "evil.example"}),
            await client.get("/c", headers={"Sec-Fetch-Site": "cross-site"}),
        ]
        assert [each.status for each in answers] == [404, 421, 403]
        assert {each.headers["Server"] for each in answers} == {"cpi-oauth-proxy"}
        assert [f"{each.detail}\n" for each in refused] == [await each.text() for each in answers[1:]]
    assert seen == ["/a"]
    assert [each.status for each in refused] == [421, 403]
