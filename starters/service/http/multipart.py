"""Forms with a file (multipart/form-data), read as a stream: small fields first, then the file, piece by piece."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from email.message import Message

from python_multipart.exceptions import MultipartParseError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from starters.service.http import bodies
from starters.service.http.errors import Problem, invalid

_MOST_FIELDS = 10
_LONGEST_FIELD = 4_000
_LONGEST_HEADERS = 8_000
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}\Z")


class Form:
    """One form, as far as it was read.

    Call `to_file` first; then read `file` to its end; then look at `fields`, which may stand behind the file too.
    """

    def __init__(self, request: Request) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self.file_type = ""
        self._pieces = bodies.pieces_of(request)
        self._parts = _Parts()

    @classmethod
    async def of(cls, request: Request) -> Form:
        """The form of a request.

        Raises:
            Problem: 415 where it is none, 422 where it says nothing of its parts.
        """
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data":
            await bodies.pour_away(request)
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "This takes multipart/form-data with one part named `file`.")
        if not _BOUNDARY.match(boundary):
            await bodies.pour_away(request)
            raise invalid("The form names no boundary that can be used: correct it.")
        form = cls(request)
        form._parts.begin(boundary)
        return form

    async def to_file(self) -> None:
        """Read up to the file.

        Raises:
            Problem: there is none, or the form cannot be read.
        """
        while self._parts.file is None:
            if not await self._more():
                raise invalid("The form has no file: send one in a part named `file`.")
        self.file_name, self.file_type = self._parts.file
        self.fields = self._parts.fields

    async def file(self) -> AsyncIterator[bytes]:
        """The file, piece by piece, and the rest of the form after it."""
        while True:
            for piece in self._parts.taken():
                yield piece
            if not await self._more():
                for piece in self._parts.taken():
                    yield piece
                return

    async def _more(self) -> bool:
        """Read a piece; False at the end."""
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            if not self._parts.ended:
                raise invalid("The form broke off before its end: send it again.") from None
            return False
        if not self._parts.ended:
            self._parts.feed(piece)
        return True


class _Parts:
    """Takes a form apart. Its parser calls back; what it finds is kept here until it is fetched."""

    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self.file: tuple[str, str] | None = None
        self.ended = False
        self._parser: MultipartParser | None = None
        self._headers: dict[str, str] = {}
        self._read_headers = 0
        self._name, self._value = b"", b""
        self._field: str | None = None
        self._text = bytearray()
        self._waiting: list[bytes] = []
        self._problem: Problem | None = None

    def begin(self, boundary: bytes) -> None:
        """Look for parts between these boundaries."""
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_part_data": self._on_data,
                "on_part_end": self._on_part_end,
                "on_header_field": self._on_header_name,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_end": self._on_end,
            },
        )

    def feed(self, piece: bytes) -> None:
        """Read on.

        Raises:
            Problem: it is no such form.
        """
        assert self._parser is not None  # noqa: S101 - begun before
        try:
            self._parser.write(piece)
        except MultipartParseError:
            raise invalid("The form cannot be read: correct its parts.") from None
        if self._problem is not None:
            raise self._problem

    def taken(self) -> list[bytes]:
        """What was read of the file since the last time."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def _refuse(self, sentence: str) -> None:
        self._problem = self._problem or invalid(sentence)

    def _on_part_begin(self) -> None:
        self._headers, self._read_headers, self._text = {}, 0, bytearray()
        self._name, self._value, self._field = b"", b"", None

    def _on_header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += self._counted(data[start:end])

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += self._counted(data[start:end])

    def _counted(self, piece: bytes) -> bytes:
        self._read_headers += len(piece)
        if self._read_headers > _LONGEST_HEADERS:
            self._refuse("A part of the form says too much of itself: shorten its headers.")
            return b""
        return piece

    def _on_header_end(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        said = Message()
        said["content-disposition"] = re.sub(r"[\r\n\x00]", " ", self._headers.get("content-disposition", ""))
        name = said.get_param("name", header="content-disposition")
        if name == "file" and self.file is None:
            self.file = (said.get_filename() or "file", self._headers.get("content-type", ""))
            self._field = "file"
        elif not isinstance(name, str) or name in self.fields or name == "file" or len(self.fields) >= _MOST_FIELDS:
            self._refuse("A part of the form has no name, stands twice, or is one too many: correct it.")
        else:
            self._field = name

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field == "file":
            self._waiting.append(data[start:end])
        elif len(self._text) + end - start > _LONGEST_FIELD:
            self._refuse("A field of the form is too long: shorten it.")
        else:
            self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._field is not None and self._field != "file":
            self.fields[self._field] = self._text.decode("utf-8", "replace")

    def _on_end(self) -> None:
        self.ended = True
