"""What each step of an exchange costs by itself: best of several rounds, with nothing else in the way.

Time of the processor, in the round that other programs disturbed least. The first row is what calling costs; it is in
all others. Beside it, how often a step asks for memory: nearly once for each object that it makes.
"""

import gc
import platform
import subprocess
import time
import timeit
from collections.abc import Callable, Iterator
from typing import NamedTuple

from bench import samples
from bench.allocations import Allocations
from bench.in_memory import InMemory
from bench.table import say
from proxy.console.traffic import Traffic
from proxy.forwarding.body import BufferedBody, length_of
from proxy.forwarding.exchange import with_credentials
from proxy.forwarding.fields import FieldRules, end_to_end, request_names, response_names
from proxy.forwarding.prepared_request import prepare
from proxy.forwarding.verdict import AttemptOutcome, Verdict, verdict
from proxy.observe.log_format import json_line
from proxy.observe.metrics import Metrics
from proxy.upstream.request import http1_head
from proxy.wire.framing import ChunkedBody, LengthBody, request_body
from proxy.wire.grammar import RequestReader, ResponseReader
from proxy.wire.heads import HeadCollector

ROUNDS = 15
RUN_SECONDS = 0.01
"How long one run takes at least."


class Step(NamedTuple):
    """One row of the table."""

    name: str
    call: Callable[[], object]


def main() -> None:
    """Measures all steps and prints the table."""
    say(f"{platform.python_implementation()} {platform.python_version()}, best of {ROUNDS} rounds\n")
    count = allocations()
    say(f"{'':<58}{'time':>12}{'allocations':>14}")
    for step, duration in best(list(steps())):
        say(f"{step.name:<58}{readable(duration):>12}{count(step.call):>14}")


def allocations() -> Callable[[Callable[[], object]], str]:
    """What counts those of a step, where there is a C compiler."""
    try:
        counter = Allocations()
    except (OSError, subprocess.CalledProcessError):
        return lambda _call: "-"
    return lambda call: f"{counter.of(call):.0f}"


def best(measured: list[Step]) -> Iterator[tuple[Step, float]]:
    """Each step with the seconds of one call; round by round, so that no step alone is disturbed."""
    gc.collect()
    timers = [timeit.Timer(step.call, timer=time.process_time) for step in measured]
    numbers = [enough(timer) for timer in timers]
    rounds = [
        [timer.timeit(number) / number for timer, number in zip(timers, numbers, strict=True)] for _ in range(ROUNDS)
    ]
    yield from zip(measured, map(min, *rounds), strict=True)


def enough(timer: timeit.Timer) -> int:
    """How many calls make a run that can be measured."""
    number = 1
    while timer.timeit(number) < RUN_SECONDS:
        number *= 2
    return number


def readable(duration: float) -> str:
    """Seconds in ns or µs."""
    return f"{duration * 1e9:.0f} ns" if duration < 1e-6 else f"{duration * 1e6:.2f} µs"


def steps() -> Iterator[Step]:
    """In the order in which an exchange takes them."""
    yield Step("nothing: a call", lambda: None)
    yield from reading()
    yield from framing()
    yield from forwarding()
    yield from accounting()
    yield Step("an exchange in memory, all of these", InMemory(samples.REQUEST + samples.KIB, samples.ANSWER))


def reading() -> Iterator[Step]:
    """Heads, from octets to values."""
    request, response = samples.REQUEST, samples.RESPONSE
    collector = HeadCollector(64 << 10)
    yield Step("collect a head that came in one piece", lambda: collector.feed(request))
    requests, responses = RequestReader(request_names()), ResponseReader(response_names())
    rules, own = FieldRules(), FieldRules(drop=frozenset({b"x-dropped"}))

    def forwarded(route: FieldRules) -> bytes:
        return b"\r\n".join([b"POST / HTTP/1.1", *route.select(requests.read(request, 100).fields), b"", b""])

    def relayed() -> bytes:
        return b"\r\n".join([b"HTTP/1.1 200 OK", *end_to_end(responses.read(response).fields), b"", b""])

    yield Step("read a request head in one pass", lambda: requests.read(request, 100))
    yield Step("read, selected and written again", lambda: forwarded(rules))
    yield Step("the same for a route that drops fields", lambda: forwarded(own))
    yield Step("read a response head in one pass", lambda: responses.read(response))
    yield Step("read, selected and written again", relayed)


def framing() -> Iterator[Step]:
    """Bodies, up to their end."""
    head, one, many = samples.request_head(), samples.KIB, samples.KIB * 64
    one_chunk, four_chunks = samples.chunked(one, 1024), samples.chunked(many, 16384)
    small_chunks = samples.chunked(many, 1024)
    yield Step("framing of a request, from its head", lambda: request_body(head))
    yield Step("1 KiB by Content-Length", lambda: LengthBody(len(one)).feed(one))
    yield Step("1 KiB, chunked", lambda: ChunkedBody().feed(one_chunk))
    yield Step("64 KiB, chunked, 4 chunks", lambda: ChunkedBody().feed(four_chunks))
    yield Step("64 KiB, chunked, 64 chunks", lambda: ChunkedBody().feed(small_chunks))


def forwarding() -> Iterator[Step]:
    """From the route to the verdict."""
    one, many, request = samples.routes(1), samples.routes(1000), samples.request()
    route = one.match("POST", request.target, b"proxy.example")
    source, body = samples.granted_source(), BufferedBody(samples.KIB)
    outgoing, token = prepare(request, "", route), source.ready()
    assert token is not None
    outcome, spent = AttemptOutcome.ANSWERED, frozenset[Verdict]()

    def head() -> bytes:
        return http1_head(with_credentials(outgoing, token, None, length_of(body, "POST")))

    yield Step("match a route, 1 route", lambda: one.match("POST", request.target, b"proxy.example"))
    yield Step("match a route, 1,000 routes", lambda: many.match("POST", request.target, b"proxy.example"))
    yield Step("prepare the message that goes on, fields included", lambda: prepare(request, "", route))
    yield Step("a fresh token from its source", source.ready)
    yield Step("write the head of an attempt", head)
    yield Step("verdict", lambda: verdict(outcome, spent, idempotent=False, replayable=True))


def accounting() -> Iterator[Step]:
    """The end of an exchange."""
    metrics, finished, traffic = Metrics(), samples.record(), Traffic()
    yield Step("render the log line", lambda: json_line(finished, "info"))
    yield Step("count in the metrics", lambda: metrics.finished(finished))
    yield Step("keep for the console, which nobody looks at", lambda: traffic.finished(finished))
