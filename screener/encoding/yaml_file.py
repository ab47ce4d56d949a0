"""YAML files as plain data, with the line of every value, so that an error can name it.

Read as YAML 1.2 core: `on`, `no` and `yes` are words, only `true` and `false` are truth values;
numbers keep their text until a model reads them, so that `1.10` stays what was written; a key
given twice is an error.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from screener.errors import StudyError

_BASE: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
Position = tuple[str | int, ...]
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)(?:[eE][-+]?[0-9]+)?\Z")

_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "null", "~", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_MOST_VALUES = 200_000


@dataclass(frozen=True)
class YamlFile:
    """The content of a file, and the line (from 1) of each value by its position."""

    name: str
    data: Any
    lines: dict[Position, int]
    sha256: str

    def line(self, position: Position) -> int:
        """Line of a value, or of the nearest thing around it that has one."""
        for end in range(len(position), -1, -1):
            if position[:end] in self.lines:
                return self.lines[position[:end]]
        return 1

    def error(self, position: Position, message: str) -> StudyError:
        """An error at a value, naming file and line."""
        return StudyError(f"{self.name}, line {self.line(position)}: {message}")


def load(path: Path, name: str | None = None) -> YamlFile:
    """Read a YAML file.

    Raises:
        StudyError: the file cannot be read, is not UTF-8 or not YAML, or gives a key twice;
            the message names file and line.
    """
    name = name or str(path)
    return parse(name, content(path, name))


def content(path: Path, name: str | None = None) -> bytes:
    """Read what a file holds.

    Raises:
        StudyError: the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise StudyError(f"{name or path}: cannot be read: {error.strerror or error}") from None


def parse(name: str, raw: bytes) -> YamlFile:
    """Make a YAML file of what it holds.

    Raises:
        StudyError: it is not UTF-8 or not YAML, or gives a key twice; the message names file and
            line.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise StudyError(f"{name}, line {line}: not UTF-8 text; save the file as UTF-8") from None
    lines: dict[Position, int] = {}
    try:
        loader = _BASE(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        raise StudyError(f"{name}{where}: not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, RecursionError) as error:
        raise StudyError(f"{name}: not valid YAML: {error}") from None
    try:
        data = None if node is None else _build(name, node, (), lines)
    except RecursionError:
        raise StudyError(f"{name}: not valid YAML: nested too deeply") from None
    return YamlFile(name, data, lines, hashlib.sha256(raw).hexdigest())


def _build(name: str, node: yaml.Node, at: Position, lines: dict[Position, int]) -> Any:
    lines[at] = node.start_mark.line + 1
    if len(lines) > _MOST_VALUES:  # aliases within aliases grow without bound
        raise StudyError(f"{name}: more than {_MOST_VALUES:,} values; divide it, or unnest aliases")
    if isinstance(node, yaml.MappingNode):
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                raise StudyError(f"{name}, line {line}: a key must be a word, not a list or map")
            if key in result:
                raise StudyError(f"{name}, line {line}: `{key}` is given twice here; keep one")
            result[key] = _build(name, value_node, (*at, key), lines)
            lines[(*at, key)] = line + (getattr(value_node, "style", None) in ("|", ">"))
        return result
    if isinstance(node, yaml.SequenceNode):
        return [_build(name, item, (*at, i), lines) for i, item in enumerate(node.value)]
    return _scalar(node) if isinstance(node, yaml.ScalarNode) else None


def _scalar(node: yaml.ScalarNode) -> str | int | float | bool | None:
    text: str = node.value
    if node.style:  # quoted or a block: text, whatever it looks like
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return text
