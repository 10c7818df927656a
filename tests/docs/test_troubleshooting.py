"""Exactly the words for failures are explained."""

import asyncio

from proxy.config.load import load
from proxy.config.store import StoreSettings
from proxy.cpi.explain import explain
from proxy.trial.examination import Examination
from tests.docs.diagnoses import BY_TEXT, all_diagnoses, own_answers
from tests.docs.pages import ROOT, prose, table, words
from tests.system.command import free_port

PAGE = ROOT / "docs" / "troubleshooting.md"
FATES = {"sender_left", "crashed"}
"Codes of exchanges that ended without an answer."


def test_each_own_answer_is_explained_and_no_other() -> None:
    """Code, status, title."""
    told = [(words(code)[0], int(status), title) for code, status, title, _ in table(PAGE, "The proxy's own answers")]
    assert sorted(told) == sorted((each.code, each.status, each.title) for each in own_answers())


def test_each_diagnosis_is_explained_and_no_other() -> None:
    """By its word."""
    told = [words(row[0])[0] for row in table(PAGE, "What CPI's failures mean")]
    assert told == list(all_diagnoses())


def test_what_is_told_by_more_than_the_status_is_so() -> None:
    """By words of the table."""
    required = explain(403, [(b"X-CSRF-Token", b"Required")], b"")
    nobody = explain(404, [], b"404 Not Found: Requested route ('x') does not exist.")
    failed = explain(400, [], b"The MPL ID for the failed message is : AGpyvUXKUZJ-xCKXdYXps-l8FDTq")
    assert {required, nobody, failed} == set(BY_TEXT)


async def test_each_check_of_doctor_is_explained_and_no_other() -> None:
    """Whatever becomes of it."""
    configuration = await asyncio.to_thread(load, ROOT / "config" / "minimal.yaml", {"CPI_CLIENT_SECRET": "s"})
    nowhere = f"https://127.0.0.1:{free_port()}"
    clients = {
        name: each.model_copy(update={"token_url": f"{nowhere}/token"})
        for name, each in configuration.oauth_clients.items()
    }
    routes = {each.name: each.model_copy(update={"upstream": nowhere}) for each in configuration.routes}
    there = configuration.model_copy(update={"oauth_clients": clients, "routes": tuple(routes.values())})
    database = StoreSettings(postgres="postgresql://proxy@127.0.0.1:1/x", keys_file=ROOT / "nowhere")
    found = []
    for store in (database, StoreSettings(path=ROOT / "nowhere")):
        with_store = there.model_copy(update={"store": store})
        found += [each.check async for each in Examination(with_store, {}).findings(routes)]
    rows = await asyncio.to_thread(table, PAGE, "What doctor checks")
    told = [words(row[0])[0] for row in rows]
    assert told == list(dict.fromkeys(found))


def test_words_in_other_pages_are_explained_here() -> None:
    """None only looks like one."""
    known = {each.code for each in own_answers()} | set(all_diagnoses()) | FATES
    for page in (ROOT / "docs").glob("*.md"):
        shown = {word for word in words(prose(page)) if word.startswith(("grant_", "upstream_")) and "=" not in word}
        assert shown <= known | {"grant_", "grant_at_start", "upstream_idle_timeout", "upstream_status"}, page.name
    assert set(words(prose(PAGE))) >= FATES
