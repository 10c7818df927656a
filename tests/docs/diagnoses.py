"""The table of what CPI's failures mean, as the proxy, `send` and `doctor` say it."""

from proxy.cpi import explain
from proxy.cpi.explain import Diagnosis
from tests.docs.tables import code, made

BY_TEXT = {
    explain.CSRF_REQUIRED: "403 with `X-CSRF-Token: Required`",
    explain.WRONG_HOST: "404 with `Requested route (` in its text",
    explain.FLOW_FAILED: "any with an MPL id in its text",
}
"What is told by more than the status."


def all_diagnoses() -> dict[str, Diagnosis]:
    """By their words, in the order of the source."""
    return {each.cause: each for each in vars(explain).values() if isinstance(each, Diagnosis)}


def diagnosis_table() -> str:
    """Word, what it is told by, advice."""
    rows = [(code(word), told_by(each), each.advice.replace("<", "\\<")) for word, each in all_diagnoses().items()]
    return made(("diagnosis", "CPI answered", "what it means, what to do"), rows)


def told_by(diagnosis: Diagnosis) -> str:
    """Which answers mean it."""
    statuses = [str(status) for status, meant in explain._BY_STATUS.items() if meant is diagnosis]
    words = [code(word.decode()) for word, meant in explain._BY_ROUTER.items() if meant is diagnosis]
    found = statuses + ([f"`X-Cf-RouterError` {' or '.join(words)}"] if words else [])
    return "; ".join([*found, *([BY_TEXT[diagnosis]] if diagnosis in BY_TEXT else [])])
