"""Own answers of the proxy, and diagnoses, from the source."""

from collections.abc import Iterator

from proxy import errors
from proxy.cpi import explain
from proxy.cpi.explain import Diagnosis
from proxy.errors import ProxyError
from tests.docs.tables import code, made

BY_TEXT = {
    explain.CSRF_REQUIRED: "403 with `X-CSRF-Token: Required`",
    explain.WRONG_HOST: "404 with `Requested route (` in its text",
    explain.FLOW_FAILED: "any with an MPL id in its text",
}
"What is told by more than the status."


def own_answers() -> Iterator[type[ProxyError]]:
    """Of the proxy."""
    for each in vars(errors).values():
        if isinstance(each, type) and issubclass(each, ProxyError) and "code" in vars(each):
            yield each


def all_diagnoses() -> dict[str, Diagnosis]:
    """By word, in the source's order."""
    return {each.cause: each for each in vars(explain).values() if isinstance(each, Diagnosis)}


def diagnosis_table() -> str:
    """Word, sign, advice."""
    rows = [(code(word), told_by(each), each.advice.replace("<", "\\<")) for word, each in all_diagnoses().items()]
    return made(("diagnosis", "CPI answered", "what it means, what to do"), rows)


def told_by(diagnosis: Diagnosis) -> str:
    """Which answers mean it."""
    statuses = [str(status) for status, meant in explain._BY_STATUS.items() if meant is diagnosis]
    words = [code(word.decode()) for word, meant in explain._BY_ROUTER.items() if meant is diagnosis]
    found = statuses + ([f"`X-Cf-RouterError` {' or '.join(words)}"] if words else [])
    return "; ".join([*found, *([BY_TEXT[diagnosis]] if diagnosis in BY_TEXT else [])])
