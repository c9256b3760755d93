"""Values of JSON files, one or several after one another, of printed Python values, and of objects dumped as lists.

Programs often print or save ``repr`` of their results: ``{'text': ' So', 'start': np.float64(0.5)}``, or
``Segment(id=1, start=0.0, words=[Word(start=0.0, end=0.4, word=' So')])``. Names of such objects are left out.
"""

from __future__ import annotations

import ast
import json
import re
import warnings
from pathlib import Path
from typing import Any

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.numbers import Fields

MAX_FAULTS = 1000
"""Maximum number of lines that are no JSON before one that is."""

_NEXT = re.compile(r"\n(?=[\[{])")
_NAMES = {"nan": float("nan"), "inf": float("inf"), "null": None, "true": True, "false": False}


def read_documents(path: Path, text: str, faults: list[str]) -> list[tuple[str, Any]]:
    """Each value with its location; lines that are malformed or no JSON, such as those of a log, are left out.

    Args:
        faults: gets a sentence for each that is left out.

    Raises:
        TranscriptError: no line is JSON.
    """
    printed = _printed(text)
    if printed is not None:
        return [(f"{path}", printed)]
    decoder = json.JSONDecoder()
    documents: list[tuple[str, Any]] = []
    counted, line, position = 0, 1, 0
    while (position := _skip_space(text, position)) < len(text):
        line += text.count("\n", counted, position)
        counted = position
        location = f"{path}, line {line}"
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            reason = str(error)
            if isinstance(error, json.JSONDecodeError):
                location, reason = f"{path}, line {error.lineno}", error.msg
            faults.append(f"{location}: is not valid JSON ({reason}).")
            following = _NEXT.search(text, position + 1)
            if following is None or (not documents and len(faults) == MAX_FAULTS):
                break
            position = following.end()
            continue
        documents.append((location, _unquoted(value)))
    if faults and not documents:
        raise TranscriptError(faults[0])
    return documents


def _unquoted(value: Any) -> Any:
    """A value that was written as a text with JSON in it, or a list of such; else the value itself."""
    if isinstance(value, list):
        return [_unquoted(item) if isinstance(item, str) else item for item in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _skip_space(text: str, position: int) -> int:
    while position < len(text) and text[position] in " \t\r\n\x1e,":
        position += 1
    return position


_PYTHON = re.compile(r"\s*(?:[\[({]\s*)*(?:'|\w+\(|\()")
"""Start of a printed Python value: a text in single quotes, an object or a tuple."""


def _printed(text: str) -> Any:
    """A printed Python value, or several on lines of their own as a list; None if the text is none."""
    if not _PYTHON.match(text):
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of numbers like 0.5x
            body = ast.parse(text).body
        values = [_value(node.value) for node in body if isinstance(node, ast.Expr)]
    except (SyntaxError, TypeError, ValueError, RecursionError, MemoryError):
        return None
    return values[0] if len(values) == 1 else values or None


def _value(node: ast.expr) -> Any:
    """Value of an expression without names and operations; ValueError if it has others."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
        return [_value(item) for item in node.elts]
    if isinstance(node, ast.Dict):
        keys = (None if key is None else _value(key) for key in node.keys)
        return {str(key): _value(value) for key, value in zip(keys, node.values, strict=True)}
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -float(_value(node.operand))
    if isinstance(node, ast.Call):
        if node.keywords:
            return {item.arg or "": _value(item.value) for item in node.keywords}
        return _value(node.args[0]) if len(node.args) == 1 else [_value(item) for item in node.args]
    if isinstance(node, ast.Name) and node.id in _NAMES:
        return _NAMES[node.id]
    raise ValueError(ast.dump(node)[:40])


def as_object(value: object) -> Fields | None:
    """An object, also of one that was dumped as a list, such as ``[0.0, 0.4, " So", 0.9]``; None if it is none.

    The two numbers before the text are start and end, or else the two after it; a list of objects are the words.
    """
    if isinstance(value, dict):
        return value
    if not isinstance(value, list):
        return None
    texts = [number for number, item in enumerate(value) if isinstance(item, str)]
    if not texts:
        return None
    before, after = value[: texts[0]], value[texts[0] + 1 :]
    times, rest = (before[-2:], after) if len(before) > 1 else (after[:2], after[2:])
    if len(times) < 2 or not all(_is_number(item) for item in times):
        return None
    fields = {"text": value[texts[0]], "start": times[0], "end": times[1]}
    if len(before) < 3 and rest and _is_number(rest[0]):
        fields["probability"] = rest[0]
    words = (item for item in rest if isinstance(item, list) and item and any(map(as_object, item)))
    return {**fields, "words": next(words, None)}


def with_parallel_lists(document: dict[str, Any]) -> dict[str, Any]:
    """A document in which pieces and their starts are lists beside one another, with a list of objects instead."""
    texts, starts = document.get("tokens"), document.get("timestamps")
    if not isinstance(texts, list) or not isinstance(starts, list) or len(texts) != len(starts):
        return document
    pieces = [{"text": text, "startsec": start} for text, start in zip(texts, starts, strict=True)]
    return {**document, "tokens": pieces} if all(isinstance(text, str) for text in texts) else document


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
