"""`make fuzz`: looks for octets for which the claims do not hold, guided by the branches that they reach.

    python -m tests.fuzz requests|responses [libFuzzer's options, such as -max_total_time=3600]

What is found is written to a file `crash-…`, and becomes a case of test_findings.py. Needs atheris (CPython 3.11 or
newer on Linux), which `make fuzz` installs.
"""

import asyncio
import logging
import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["proxy"]):
    from tests.fuzz.claims import requests_are_read_as_they_are, responses_are_read_as_they_are
    from tests.fuzz.seeds import REQUESTS, RESPONSES

CLAIMS = {
    "requests": (requests_are_read_as_they_are, REQUESTS),
    "responses": (responses_are_read_as_they_are, RESPONSES),
}
CORPUS = Path(".fuzz")


def main() -> None:
    """Runs until the options say stop, or something is found."""
    program, which, *options = sys.argv
    claim, seeds = CLAIMS[which]
    corpus = CORPUS / which
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds):
        (corpus / f"seed-{number}").write_bytes(seed)
    logging.disable()
    loop = asyncio.new_event_loop()
    atheris.Setup([program, *options, str(corpus)], lambda octets: loop.run_until_complete(claim(octets)))
    atheris.Fuzz()


main()
