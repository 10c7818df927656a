"""YAML read into plain values with the line of each."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.problems import ConfigurationError, Problems
from proxy.config.yaml_text import read_yaml
from tests.cases import cases


def read(text: str, **environ: str) -> tuple[dict[str, Any], Problems]:
    """The values and problems of a text."""
    return read_yaml(text, file="a.yaml", environ=environ)


def told(text: str, **environ: str) -> list[str]:
    """The problems of a text, whether it can be read or not."""
    with pytest.raises(ConfigurationError) as caught:
        read(text, **environ)[1].end()
    return [str(problem) for problem in caught.value.problems]


def test_scalars_are_text_as_written_but_for_booleans() -> None:
    """Quotes make booleans text."""
    tree, _ = read("a: 0123\nb: 2025-01-01\nc: 1:30\nd: 1.50\ne: true\nf: 'true'\ng: off\nh: !!int 5\ni: =\nj: <<\n")
    assert tree == {
        "a": "0123",
        "b": "2025-01-01",
        "c": "1:30",
        "d": "1.50",
        "e": True,
        "f": "true",
        "g": False,
        "h": "5",
        "i": "=",
        "j": "<<",
    }


def test_each_value_has_the_line_of_its_key() -> None:
    """And so has each item."""
    tree, problems = read("a:\n  b:\n  - x\n  - c: |\n      y\n")
    assert tree == {"a": {"b": ["x", {"c": "y\n"}]}}
    assert problems.origin.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "b", 0): 3,
        ("a", "b", 1): 4,
        ("a", "b", 1, "c"): 4,
    }


def test_variables_are_put_into_values_and_not_into_keys() -> None:
    """Any value can name a variable, quoted or not, in any depth."""
    tree, _ = read("${A}: [\"${A}\", '${B:-b}']\nc: x${A}\n", A="1")
    assert tree == {"${A}": ["1", "b"], "c": "x1"}


def test_what_leaves_the_rest_readable_is_told_together() -> None:
    """In one go."""
    assert told("a: 1\nb:\nc: ~\nd: ${A}\ne: !x y\na: 2\n? [f]\n: 1\n") == [
        "a.yaml:1: …: is written twice, again in line 6; remove one",
        "a.yaml:2: …: has no value; write one or remove the key",
        "a.yaml:3: …: has no value; write one or remove the key",
        "a.yaml:4: …: needs the variable A, which is not set; set it or write ${A:-default}",
        "a.yaml:5: …: begins with !, which is a tag in YAML; put it in quotes",
        "a.yaml:7: has a key that is not text; write key: value lines",
    ]


@cases("text", "", "# nothing\n", "- a\n", "a\n", "~\n")
def test_a_file_that_is_no_mapping_is_refused(text: str) -> None:
    """Nor is a word or a list."""
    assert told(text) == ["a.yaml:1: the file is empty or a list; begin with the lines `oauth_clients:` and `routes:`"]


@cases(
    "text, start",
    ("a: 1\nb: [\n", "a.yaml:3: not valid YAML: expected the node content, but found '<stream end>'"),
    ("a: 1\n b: 2\n", "a.yaml:2: not valid YAML: mapping values are not allowed here"),
    ("a: 1\nb: *sesame\n", "a.yaml:2: not valid YAML: found undefined alias …"),
    ("b: !sesame!open x\n", "a.yaml:1: not valid YAML: found undefined tag handle …"),
    ("b: %sesame\n", "a.yaml:1: not valid YAML: found character '%' that cannot start any token"),
    ("a: {b: sesame{ c}\n", "a.yaml:1: not valid YAML: expected ',' or '}', but got '{'"),
    ("a: 1\n---\nb: sesame\n", "a.yaml:2: not valid YAML: but found another document"),
    ("a: 1\nb: sesame\x01\n", "a.yaml:2: not valid YAML: a control character; remove it"),
)
def test_a_syntax_error_has_its_line_and_shows_nothing_of_the_file(text: str, start: str) -> None:
    """The line leads there; the text there may be a secret."""
    (problem,) = told(text)
    assert problem.startswith(start)
    assert "sesame" not in problem


def test_merged_mappings_stand_below_own_keys() -> None:
    """Of a list the first one wins."""
    text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  <<: [*a, *b]\n  x: 3\nd:\n  y: 4\n  <<: *b\n"
    tree, problems = read(text)
    problems.end()
    assert tree["c"] == {"x": "3", "y": "1", "z": "2"}
    assert tree["d"] == {"y": "4", "z": "2"}
    assert problems.origin.lines["d", "y"] == 7


def test_merging_what_is_no_mapping_is_refused() -> None:
    """A word or a list of words cannot be merged."""
    assert told("a:\n  b: 1\n  <<: x\n") == [
        "a.yaml:1: …: merges (<<) something that is not a mapping; name the anchor of a mapping"
    ]


def test_aliases_that_multiply_are_bounded() -> None:
    """Nine lines stand for a thousand million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (problem,) = told("\n".join(lines))
    assert "aliases (*) multiply what they name" in problem


@cases("text", "a: &a [*a]\n", "a: &a {b: *a}\n", "a: &a {<<: *a}\n", "a: " + "[" * 600, "a: " + "[" * 60 + "]" * 60)
def test_what_is_endless_or_nested_deeply_is_refused(text: str) -> None:
    """And the process lives."""
    (problem,) = told(text)
    assert "too large" in problem or "nested too deeply" in problem


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    """There is not text that does anything else."""
    with contextlib.suppress(ConfigurationError):
        tree, _ = read(text)
        assert isinstance(tree, dict)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126)).filter(lambda text: "${" not in text))
def test_quoted_text_survives(text: str) -> None:
    """What stands in single quotes is the value."""
    quoted = text.replace("'", "''")
    assert read(f"a: '{quoted}'")[0] == {"a": text}
