"""Forms with files (multipart/form-data): fields first, then files one by one, straight into the evidence store."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import AsyncIterator
from email.message import Message

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from starters.console.web.forms import check_token, refuse_elsewhere
from starters.service.http import bodies
from starters.service.http.errors import Problem, invalid

MOST_FILES = 20
_MOST_FIELDS = 20
_LONGEST_FIELD = 20_000
_LONGEST_HEADERS = 8_000
_BOUNDARY = re.compile(rb"[0-9A-Za-z'()+_,./:=? -]{1,70}\Z")
_FILE = "file"


class Upload:
    """A form with files, once it is certain that our own page sent it."""

    def __init__(self, request: Request, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self._pieces = bodies.pieces_of(request)
        self._parts = _Parts(boundary, self.fields)
        self._files = 0

    @classmethod
    async def begun(cls, request: Request, secret: str | None) -> Upload:
        """Read the fields, up to the first file. No file is kept before the form is believed.

        Args:
            request: a POST.
            secret: of the cookie that the form belongs to.

        Raises:
            Problem: 403 from elsewhere, 415, 422.
        """
        refuse_elsewhere(request)
        await bodies.refuse_packed(request)
        kind, options = parse_options_header(request.headers.get("content-type", ""))
        boundary = options.get(b"boundary", b"")
        if kind != b"multipart/form-data" or not _BOUNDARY.match(boundary):
            await bodies.pour_away(request)
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "A form is sent as a browser sends it: use the page.")
        form = cls(request, boundary)
        while not form._parts.names and await form._more():
            pass
        check_token(form.fields, secret)
        for text in (*form.fields, *form.fields.values()):
            bodies.check_text(text)
        return form

    async def next_file(self) -> str | None:
        """The name of the next file; None after the last. The one before was read to its end."""
        while not self._parts.names:
            self._parts.data.clear()
            if not await self._more():
                return None
        self._files += 1
        if self._files > MOST_FILES:
            raise invalid(f"Those are more than {MOST_FILES} files: add the rest to the incident after.")
        return self._parts.names.popleft()

    async def content(self) -> AsyncIterator[bytes]:
        """The bytes of the file that `next_file` named."""
        while True:
            while self._parts.data:
                piece = self._parts.data.popleft()
                if piece is None:
                    return
                yield piece
            if not await self._more():
                raise invalid("The form broke off before its end: send it again.")

    async def _more(self) -> bool:
        """Read a piece; False at the end."""
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            if not self._parts.ended:
                raise invalid("The form broke off before its end: send it again.") from None
            return False
        self._parts.feed(piece)
        return True


class _Parts:
    """Takes a form apart. Its parser calls back; what it finds waits here."""

    def __init__(self, boundary: bytes, fields: dict[str, str]) -> None:
        self.names: deque[str] = deque()
        """Of files that began and were not asked for yet."""
        self.data: deque[bytes | None] = deque()
        """Pieces of files; None where one ends."""
        self.ended = False
        self._fields = fields
        self._field: str | None = None
        self._text = bytearray()
        self._said: dict[str, str] = {}
        self._read = 0
        self._name, self._value = b"", b""
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

    def feed(self, piece: bytes) -> None:
        """Read on.

        Raises:
            Problem: it is no such form.
        """
        try:
            self._parser.write(piece)
        except FormParserError:
            raise invalid("The form cannot be read: send it from the page.") from None
        if self._problem is not None:
            raise self._problem

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
            self._refuse("A part of the form has too long a head: send it from the page.")
            return b""
        return data

    def _on_header(self) -> None:
        self._said[self._name.decode("latin-1").lower()] = self._value.decode("utf-8", "replace")
        self._name, self._value = b"", b""

    def _on_headers(self) -> None:
        said = Message()
        said["content-disposition"] = re.sub(r"[\r\n\x00]", " ", self._said.get("content-disposition", ""))
        name = said.get_param("name", header="content-disposition")
        if name == _FILE:
            self._field = _FILE
            self.names.append(said.get_filename() or "")
        elif self.names or not isinstance(name, str) or name in self._fields or len(self._fields) >= _MOST_FIELDS:
            self._refuse("A part of the form has no name, stands twice or too late: send it from the page.")
        else:
            self._field = name

    def _on_data(self, data: bytes, start: int, end: int) -> None:
        if self._field == _FILE:
            self.data.append(data[start:end])
        elif len(self._text) + end - start > _LONGEST_FIELD:
            self._refuse("A field of the form is too long: shorten it.")
        else:
            self._text += data[start:end]

    def _on_part_end(self) -> None:
        if self._field == _FILE:
            self.data.append(None)
        elif self._field is not None:
            self._fields[self._field] = self._text.decode("utf-8", "replace").replace("\r\n", "\n")

    def _on_end(self) -> None:
        self.ended = True
