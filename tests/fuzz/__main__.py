"""`make fuzz`: looks for octets for which the claims do not hold, guided by the branches that they reach.

    python -m tests.fuzz CLAIM [libFuzzer's options, such as -max_total_time=3600]

What is found is written to a file `crash-…`, and becomes a case of test_findings.py, or a seed of seeds.py.
Needs atheris (CPython 3.11 or newer on Linux), which `make fuzz` installs.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["proxy"]):
    from tests.fuzz.claims import requests_are_read_as_they_are, responses_are_read_as_they_are
    from tests.fuzz.heads import request_heads_are_read_alike, response_heads_are_read_alike
    from tests.fuzz.seeds import REQUEST_HEADS, REQUESTS, RESPONSE_HEADS, RESPONSES

CORPUS = Path(".fuzz")


def main() -> None:
    """Runs until the options say stop, or something is found."""
    program, which, *options = sys.argv
    loop = asyncio.new_event_loop()

    def run(claim: Callable[[bytes], Coroutine[None, None, None]]) -> Callable[[bytes], None]:
        return lambda octets: loop.run_until_complete(claim(octets))

    claims: dict[str, tuple[Callable[[bytes], None], tuple[bytes, ...]]] = {
        "requests": (run(requests_are_read_as_they_are), REQUESTS),
        "responses": (run(responses_are_read_as_they_are), RESPONSES),
        "request-heads": (request_heads_are_read_alike, REQUEST_HEADS),
        "response-heads": (response_heads_are_read_alike, RESPONSE_HEADS),
    }
    claim, seeds = claims[which]
    corpus = CORPUS / which
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    logging.disable()
    atheris.Setup([program, *options, str(corpus)], claim)
    atheris.Fuzz()


main()
