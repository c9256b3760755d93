"""Values of JSON files, one or several after one another, of printed Python values, and of objects dumped as lists.

Programs often print or save ``repr`` of their results: ``{'text': ' So', 'start': np.float64(0.5)}``, or
``Segment(id=1, start=0.0, words=[Word(start=0.0, end=0.4, word=' So')])``. Names of such objects are left out.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audiosearch.errors import TranscriptError
from audiosearch.transcripts.numbers import Fields

_NEXT = re.compile(r"\n(?=[ \t]*[\[{])")
_NAMES = {"nan": float("nan"), "inf": float("inf"), "null": None, "true": True, "false": False}


def read_documents(path: Path, text: str, faults: list[str]) -> Iterator[tuple[str, Any]]:
    """Each value with its location; lines of JSON that are malformed are left out.

    Args:
        faults: gets a sentence for each that is left out.

    Raises:
        TranscriptError: no line is JSON.
    """
    decoder, position, count = json.JSONDecoder(), 0, 0
    printed = _printed(text)
    if printed is not None:
        yield f"{path}", printed
        return
    while (position := _skip_space(text, position)) < len(text):
        location = f"{path}, line {text.count(chr(10), 0, position) + 1}"
        try:
            value, position = decoder.raw_decode(text, position)
        except (ValueError, RecursionError) as error:
            line, reason = location, str(error)
            if isinstance(error, json.JSONDecodeError):
                line, reason = f"{path}, line {error.lineno}", error.msg
            following = _NEXT.search(text, position + 1)
            faults.append(f"{line}: is not valid JSON ({reason}).")
            if following is None or not (count or _is_line(text, following.end())):
                if count:
                    return
                raise TranscriptError(faults[-1]) from error
            position = following.end()
            continue
        count += 1
        yield location, value


def _is_line(text: str, position: int) -> bool:
    """True if the line at this position holds a whole value, as in files of one value a line."""
    try:
        json.loads(text[position:].partition("\n")[0].rstrip(", \r"))
    except (ValueError, RecursionError):
        return False
    return True


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
        values = [_value(node.value) for node in ast.parse(text).body if isinstance(node, ast.Expr)]
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
