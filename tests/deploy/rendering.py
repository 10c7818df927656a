"""Helm's templates, as far as the chart uses them; whatever else stands in one is an error.

`{{ .Values.name }}`, `{{- with … }}` to `{{- end }}`, `{{- if … }}` around a whole file, and a few functions. What Helm
itself makes of the chart can be looked at by `helm template deploy/helm/cpi-oauth-proxy`.
"""

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_WITH = re.compile(r"[ \n]*\{\{- with (\S+) \}\}(.*?)\s*\{\{- end \}\}", re.DOTALL)
_IF = re.compile(r"\{\{- if (not )?(\S+) \}\}\n(.*)\{\{- end \}\}\n", re.DOTALL)
_ACTION = re.compile(r"(?:\s*\{\{-|\{\{) (.+?) \}\}")
_WORD = re.compile(r'\([^)]*\)|"[^"]*"|\S+')
_CONFIGMAP = '(print $.Template.BasePath "/configmap.yaml")'


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart with values."""

    folder: Path
    values: Mapping[str, Any]
    release: str = "cpi"

    def manifests(self) -> dict[str, Any]:
        """What the templates become, by kind."""
        files = sorted((self.folder / "templates").iterdir())
        read = [yaml.safe_load(self.text(each.name)) for each in files]
        return {each["kind"]: each for each in read if each}

    def text(self, template: str) -> str:
        source = (self.folder / "templates" / template).read_text(encoding="utf-8")
        if whole := _IF.fullmatch(source):
            source = whole[3] if bool(self._value(whole[2], None)) is not bool(whole[1]) else ""
        return self._filled(_WITH.sub(self._with, source), None)

    def _with(self, found: re.Match[str]) -> str:
        value = self._value(found[1], None)
        return self._filled(found[2], value) if value else ""

    def _filled(self, text: str, dot: Any) -> str:
        return _ACTION.sub(lambda found: _text(self._pipeline(found[1], dot)), text)

    def _pipeline(self, text: str, dot: Any) -> Any:
        first, *rest = text.split(" | ")
        function, *words = _WORD.findall(first)
        value = self._called(function, words, dot) if words else self._value(function, dot)
        for step in rest:
            name, *words = _WORD.findall(step)
            value = _PIPED[name](value, *(self._value(word, dot) for word in words))
        return value

    def _called(self, function: str, words: list[str], dot: Any) -> Any:
        if function == "include":
            assert words == [_CONFIGMAP, "."]
            return self.text("configmap.yaml")
        return _CALLED[function](*(self._value(word, dot) for word in words))

    def _value(self, word: str, dot: Any) -> Any:
        if word == ".":
            return dot
        if word.startswith('"'):
            return word[1:-1]
        if word.isdecimal():
            return int(word)
        root, *names = word.removeprefix(".").split(".")
        chart = yaml.safe_load((self.folder / "Chart.yaml").read_text(encoding="utf-8"))
        value: Any = {"Values": self.values, "Release": {"Name": self.release}, "Chart": _capitalized(chart)}[root]
        for name in names:
            value = value[name]
        return value


def _capitalized(chart: Mapping[str, Any]) -> dict[str, Any]:
    return {name[0].upper() + name[1:]: value for name, value in chart.items()}


def _text(value: Any) -> str:
    assert isinstance(value, str | int), value
    return str(value).lower() if isinstance(value, bool) else str(value)


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value).rstrip("\n")


def _nindent(text: str, width: int) -> str:
    return "".join(f"\n{' ' * width}{line}" for line in text.split("\n"))


_CALLED: dict[str, Callable[..., Any]] = {
    "toYaml": _yaml,
    "toJson": json.dumps,
    "ternary": lambda one, other, chosen: one if chosen else other,
    "add": lambda one, other: one + other,
}
_PIPED: dict[str, Callable[..., Any]] = {
    "nindent": _nindent,
    "quote": lambda value: json.dumps(str(value)),
    "default": lambda value, instead: value or instead,
    "sha256sum": lambda text: hashlib.sha256(text.encode()).hexdigest(),
}
