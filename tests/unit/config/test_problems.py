"""Where problems are, and how they are told."""

import pytest

from proxy.config.problems import ConfigurationError, DocumentSource, Problem, Problems, spelled

ORIGIN = DocumentSource(
    file="a.yaml",
    lines={("listen",): 1, ("routes",): 3, ("routes", 0): 4, ("routes", 0, "path"): 5, ("routes", 0, "tls"): 6},
)


def test_a_problem_is_one_line_with_file_line_path_and_text() -> None:
    """Editors can jump there."""
    problem = Problem(file="a.yaml", line=3, path="routes[0].timeout", text="is wrong, write 1s")
    assert str(problem) == "a.yaml:3: routes[0].timeout: is wrong, write 1s"


def test_a_problem_without_line_or_path_leaves_them_out() -> None:
    """What is not known is not shown."""
    assert str(Problem(file="a.yaml", line=None, path="", text="is wrong")) == "a.yaml: is wrong"


def test_a_problem_has_no_line_ends_or_terminal_controls() -> None:
    """Keys may have some."""
    assert str(Problem(file="a\n", line=1, path="\x1b[1m", text="ü\r")) == "a?:1: ?[1m: ü?"


def test_a_location_is_spelled_as_users_write_it() -> None:
    """Keys with dots, indices in brackets."""
    assert spelled(("routes", 0, "allow", 1)) == "routes[0].allow[1]"
    assert spelled(()) == ""


def test_the_line_of_what_is_missing_is_that_of_what_it_is_missing_in() -> None:
    """The innermost part has it."""
    assert ORIGIN.problem(("routes", 0, "tls", "ca_file"), "x").line == 6
    assert ORIGIN.problem(("routes", 0, "upstream"), "x").line == 4
    assert ORIGIN.problem(("nowhere",), "x").line is None


def test_the_first_problem_at_a_place_is_kept_and_all_are_in_the_order_of_the_file() -> None:
    """What follows from a problem at the same place is not told."""
    problems = Problems(ORIGIN)
    problems.add(("routes", 0, "path"), "first")
    problems.add(("routes", 0, "path"), "second")
    problems.add(("listen", 0, "address"), "third")
    with pytest.raises(ConfigurationError) as caught:
        problems.end()
    assert caught.value.problems == (
        Problem(file="a.yaml", line=1, path="listen.address", text="third"),
        Problem(file="a.yaml", line=5, path="routes[0].path", text="first"),
    )
    assert str(caught.value) == "a.yaml:1: listen.address: third\na.yaml:5: routes[0].path: first"


def test_no_problems_are_no_error() -> None:
    """The end is quiet when nothing was noted."""
    problems = Problems(ORIGIN)
    problems.end()
    problems.add((), "x")
    with pytest.raises(ConfigurationError):
        problems.end()


def test_options_are_called_by_the_names_of_their_origin() -> None:
    """Those of variables."""
    origin = DocumentSource(
        file="environment", names={"token_url": "CPI_TOKEN_URL", "client_secret": "CPI_CLIENT_SECRET"}
    )
    problem = origin.problem(("oauth_clients", "default", "token_url"), "beside `client_secret` or `other`")
    assert str(problem) == "environment: CPI_TOKEN_URL: beside `CPI_CLIENT_SECRET` or `other` (in a file)"
