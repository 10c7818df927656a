"""The book of token requests."""

from proxy.sandbox.grants import Grant, GrantBook, GrantOutcome, TokenRequest
from proxy.sandbox.registration import Method, PresentedCredentials

BASIC = PresentedCredentials(client_id="a", secret="geheim", method=Method.BASIC)


def request(credentials: PresentedCredentials | None = BASIC) -> TokenRequest:
    """A token request."""
    return TokenRequest(method="POST", path="/oauth/token", parameters={}, params_in="query", credentials=credentials)


def test_the_book_counts_by_client_and_outcome() -> None:
    """What carried no credentials stands under the empty name."""
    book = GrantBook()
    book.enter("neo", request(), GrantOutcome.GRANTED)
    book.enter("neo", request(), GrantOutcome.GRANTED)
    book.enter("neo", request(None), GrantOutcome.REFUSED)
    assert book.as_dict() == {
        "": {"granted": 0, "refused": 1, "disturbed": 0},
        "a": {"granted": 2, "refused": 0, "disturbed": 0},
    }
    assert (book.count("a"), book.count("a", GrantOutcome.REFUSED), book.count("b")) == (2, 0, 0)


def test_an_entry_says_how_the_client_authenticated_and_no_secret() -> None:
    """Server, place of the parameters and outcome are there, too."""
    book = GrantBook()
    book.enter("xsuaa", request(), GrantOutcome.DISTURBED)
    expected = Grant(
        server="xsuaa", oauth_client="a", auth_method=Method.BASIC, params_in="query", outcome=GrantOutcome.DISTURBED
    )
    assert list(book) == [expected]
    assert "geheim" not in repr(expected) + repr(request())


def test_a_cleared_book_is_empty() -> None:
    """Requests that were begun are forgotten with it."""
    book = GrantBook()
    book.begin(request())
    assert book.requested["a"] == 1
    book.enter("neo", request(None), GrantOutcome.REFUSED)
    assert next(iter(book)).auth_method is Method.NONE
    book.clear()
    assert (len(book), book.as_dict(), book.requested["a"]) == (0, {}, 0)
