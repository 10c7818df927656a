"""Every request carries our name in Via (RFC 9110 §7.6.3); one that comes with it has been here before."""

from tests.fakes.sender import request
from tests.flow.running import Orders


async def test_a_proxy_that_delivers_to_itself_answers_508(orders: Orders) -> None:
    """Two of one name stand for one."""
    first = await orders(upstream="http://127.0.0.1:1", path="/")
    second = await orders(upstream=f"http://127.0.0.1:{first.port}", path="/")
    refused = await second.ask(request(b"POST /a", body=b"x"))
    assert refused.refusal == (508, "loop")
    assert refused.field(b"Proxy-Status") == []  # of the second pass, which is the first one's upstream
    assert (await second.record())["made_by"] == "upstream"
