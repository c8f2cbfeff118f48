"""A matcher for the part of CDDL (RFC 8610) that our grammar uses.

Validators that are to be had refuse right data: one mistakes choices between maps, and
does not take floats for numbers.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

_TOKEN = re.compile(
    r"\s+|;[^\n]*|(=>|\.\.|\.[a-z]+|[=/:,?*+(){}\[\]])"
    r'|("[^"]*")|(-?\d+)|([A-Za-z][\w-]*)'
)
_PRELUDE: dict[str, type | tuple[type, ...]] = {
    "tstr": str, "bytes": bytes, "int": int, "float": float, "bool": bool,
    "nil": type(None), "any": object,
}  # fmt: skip


def _tokens(text: str) -> Iterator[str]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        assert found, text[at : at + 40]
        if found.lastindex:
            yield found[0]
        at = found.end()


@dataclass(frozen=True)
class Entry:
    """A member of a map or an array: *least* times (to once, or to any number)."""

    least: int
    many: bool
    key: str | None
    type: Any


class Grammar:
    """Rules by name; ``fits`` says whether a value is what one describes."""

    def __init__(self, text: str) -> None:
        self._tokens = [*_tokens(text), ""]
        self._at = 0
        self._rules: dict[str, Any] = {}
        while self._next:
            name = self._take()
            self._expect("=")
            self._rules[name] = self._type()

    @property
    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self) -> str:
        self._at += 1
        return self._tokens[self._at - 1]

    def _expect(self, token: str) -> None:
        taken = self._take()
        assert taken == token, f"{taken} is not {token}"

    def _type(self) -> Any:
        choices = [self._controlled()]
        while self._next == "/":
            self._take()
            choices.append(self._controlled())
        return ("choice", *choices)

    def _controlled(self) -> Any:
        left = self._simple()
        if self._next.startswith("."):
            return (self._take(), left, self._simple())
        return left

    def _simple(self) -> Any:
        token = self._take()
        if token == "(":
            inner = self._type()
            self._expect(")")
            return inner
        if token in "{[":
            return (token, self._group("}" if token == "{" else "]"))
        if token[0] == '"':
            return ("literal", token[1:-1])
        if re.fullmatch(r"-?\d+", token):
            return ("literal", int(token))
        return ("name", token)

    def _group(self, end: str) -> list[Entry]:
        entries = []
        while self._next != end:
            occurs = self._take() if self._next in "?*+" else ""
            key = None
            if self._tokens[self._at + 1] in (":", "=>"):
                wild = self._tokens[self._at + 1] == "=>"
                key = None if wild else self._next
                self._at += 2
            entries.append(
                Entry(occurs in ("", "+"), occurs in ("*", "+"), key, self._type())
            )
            if self._next == ",":
                self._take()
        self._expect(end)
        return entries

    def fits(self, rule: str, value: Any) -> bool:
        """Return whether *value* is what *rule* describes."""
        return self._fits(self._rules[rule], value)

    def _fits(self, kind: Any, value: Any) -> bool:
        match kind:
            case ("choice", *choices):
                return any(self._fits(choice, value) for choice in choices)
            case ("literal", wanted):
                return type(value) is type(wanted) and value == wanted
            case ("name", name) if name in self._rules:
                return self._fits(self._rules[name], value)
            case ("name", name):
                right = isinstance(value, _PRELUDE[name])
                return right and (name != "int" or not isinstance(value, bool))
            case (".ne", inner, ("literal", other)):
                return self._fits(inner, value) and value != other
            case (".size", inner, size):
                return self._fits(inner, value) and self._fits(size, len(value))
            case ("..", ("literal", low), ("literal", high)):
                return type(value) is int and low <= value <= high
            case ("{", entries):
                return isinstance(value, dict) and self._map(entries, value)
            case ("[", entries):
                return isinstance(value, list) and self._array(entries, value)
        raise AssertionError(kind)

    def _map(self, entries: list[Entry], value: dict[str, Any]) -> bool:
        known = {entry.key for entry in entries}
        if None not in known and value.keys() - known:
            return False
        for entry in entries:
            if entry.key is None:
                continue
            if entry.key not in value:
                if entry.least:
                    return False
            elif not self._fits(entry.type, value[entry.key]):
                return False
        return True

    def _array(self, entries: list[Entry], value: list[Any]) -> bool:
        at = 0
        for entry in entries:
            count = 0
            while at < len(value) and (entry.many or count < 1):
                if not self._fits(entry.type, value[at]):
                    break
                at, count = at + 1, count + 1
            if count < entry.least:
                return False
        return at == len(value)
