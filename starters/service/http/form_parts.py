"""Takes forms (multipart/form-data) apart as they come in: who may stand where is for those who read them to say."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from email.message import Message

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from starters.service.http.errors import Problem, invalid

_LONGEST_HEADERS = 8_000
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}\Z")


def boundary_of(request: Request) -> bytes | None:
    """What stands between the parts of a form: None where the request is no form, empty where none can be used."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data":
        return None
    boundary = options.get(b"boundary", b"")
    return boundary if _BOUNDARY.match(boundary) else b""


class FormParts(ABC):
    """One form, as far as it was read. Its parser calls back; fields are kept here, files are for those below."""

    FILE = "file"
    """The name of parts that are files."""
    MOST_FIELDS: int
    LONGEST_FIELD: int
    UNREADABLE: str
    """What to say of a form that is none."""
    LONG_HEAD: str
    """What to say of a part whose headers are too long."""
    MISPLACED: str
    """What to say of a part that has no name, or must not stand there."""

    def __init__(self, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.ended = False
        self._said: dict[str, str] = {}
        self._read = 0
        self._name, self._value = b"", b""
        self._field: str | None = None
        self._text = bytearray()
        self._problem: Problem | None = None
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_begin,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_header_field": self._on_name,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_headers,
                "on_end": self._on_end,
            },
        )

    async def read_on(self, pieces: AsyncIterator[bytes]) -> bool:
        """Read a piece; False at the end.

        Raises:
            Problem: it is no such form, or it broke off.
        """
        try:
            piece = await anext(pieces)
        except StopAsyncIteration:
            if not self.ended:
                raise invalid("The form broke off before its end: send it again.") from None
            return False
        self.feed(piece)
        return True

    def feed(self, piece: bytes) -> None:
        """Read on.

        Raises:
            Problem: it is no such form.
        """
        try:
            self._parser.write(piece)
        except FormParserError:
            raise invalid(self.UNREADABLE) from None
        if self._problem is not None:
            raise self._problem

    @abstractmethod
    def _begin_file(self, name: str | None, kind: str) -> bool:
        """A file begins; False where none may."""

    @abstractmethod
    def _take(self, piece: bytes) -> None:
        """A piece of the file that began."""

    def _end_file(self) -> None:  # noqa: B027 - whoever takes one file has nothing to do
        """The file has ended."""

    def _may_stand(self, name: str) -> bool:
        """Whether a field may stand here."""
        return name not in self.fields and len(self.fields) < self.MOST_FIELDS

    def _as_text(self, value: bytes) -> str:
        return value.decode("utf-8", "replace")

    def _refuse(self, sentence: str) -> None:
        self._problem = self._problem or invalid(sentence)

    def _on_begin(self) -> None:
        self._said, self._read, self._field = {}, 0, None
        self._name, self._value, self._text = b"", b"", bytearray()

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += self._counted(data[start:end])

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _counted(self, data: bytes) -> bytes:
        self._read += len(data)
        if self._read > _LONGEST_HEADERS:
            self._refuse(self.LONG_HEAD)
            return b""
        return data

    def _on_header(self) -> None:
        self._said[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name, self._value = b"", b""

    def _on_headers(self) -> None:
        said = Message()
        said["content-disposition"] = re.sub(r"[\r\n\x00]", " ", self._said.get("content-disposition", ""))
        name = said.get_param("name", header="content-disposition")
        if name == self.FILE and self._begin_file(said.get_filename(), self._said.get("content-type", "")):
            self._field = self.FILE
        elif not isinstance(name, str) or name == self.FILE or not self._may_stand(name):
            self._refuse(self.MISPLACED)
        else:
            self._field = name

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field == self.FILE:
            self._take(data[start:end])
        elif len(self._text) + end - start > self.LONGEST_FIELD:
            self._refuse("A field of the form is too long: shorten it.")
        else:
            self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._field == self.FILE:
            self._end_file()
        elif self._field is not None:
            self.fields[self._field] = self._as_text(bytes(self._text))

    def _on_end(self) -> None:
        self.ended = True
