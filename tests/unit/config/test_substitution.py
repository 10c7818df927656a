"""Variables in texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.substitution import has_variable, substituted
from tests.cases import cases, grouped_cases

ENVIRON = {"A": "1", "EMPTY": "", "NESTED": "${A}"}


@cases(
    "text, result",
    ("x${A}y${A}", "x1y1"),
    ("${EMPTY}", ""),
    ("${EMPTY:-d}", "d"),
    ("${UNSET:-d:-e}", "d:-e"),
    ("${UNSET:-}", ""),
    ("${A:-d}", "1"),
    ("${NESTED}", "${A}"),
    ("$${A}", "${A}"),
    ("$A $ $$ {A}", "$A $ $$ {A}"),
    ("${UNSET:-a\nb}", "a\nb"),
)
def test_a_reference_becomes_the_variable_s_value(text: str, result: str) -> None:
    """Or its default; `$${` is a plain `${`."""
    assert substituted(text, ENVIRON) == result


def test_an_unset_variable_is_named_and_nothing_else_is_shown() -> None:
    """What stands around it may be secret."""
    with pytest.raises(ValueError, match=r"needs the variable UNSET, which is not set") as caught:
        substituted("sesame${UNSET}", ENVIRON)
    assert "sesame" not in str(caught.value)


@cases("text", "${", "${A", "${}", "${1}", "${A-b}", "${A B}")
def test_a_reference_that_is_not_well_formed_is_refused(text: str) -> None:
    """A `${` without a variable's name and `}` is nobody's wish."""
    with pytest.raises(ValueError, match=r"has \$\{ without a variable"):
        substituted(text, ENVIRON)


@given(st.text().filter(lambda text: "${" not in text))
def test_a_text_without_references_stays(text: str) -> None:
    """Nothing but references is touched."""
    assert substituted(text, ENVIRON) == text


@given(st.text())
def test_a_value_goes_in_as_it_is(value: str) -> None:
    """Its references, too."""
    assert substituted("<${A}>", {"A": value}) == f"<{value}>"


@grouped_cases("found, text", (True, ["${A}", "a ${A:-b} c", "$${A} ${B}"]), (False, ["$${A}", "$A", ""]))
def test_a_reference_is_found(text: str, found: bool) -> None:
    """An escaped one is a text."""
    assert has_variable(text) == found
