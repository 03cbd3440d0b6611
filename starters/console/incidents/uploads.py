"""Forms with files (multipart/form-data): fields first, then files one by one, straight into the evidence store."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator

from starlette.requests import Request

from starters.console.web.forms import check_token, refuse_elsewhere
from starters.service.http import bodies
from starters.service.http.errors import Problem, invalid
from starters.service.http.form_parts import FormParts, boundary_of

MOST_FILES = 20


class Upload:
    """A form with files, once it is certain that our own page sent it."""

    def __init__(self, request: Request, boundary: bytes) -> None:
        self._pieces = bodies.pieces_of(request)
        self._parts = _Parts(boundary)
        self.fields = self._parts.fields
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
        boundary = boundary_of(request)
        if not boundary:
            await bodies.pour_away(request)
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "A form is sent as a browser sends it: use the page.")
        form = cls(request, boundary)
        while not form._parts.names and await form._parts.read_on(form._pieces):
            pass
        check_token(form.fields, secret)
        for text in (*form.fields, *form.fields.values()):
            bodies.check_text(text)
        return form

    async def next_file(self) -> str | None:
        """The name of the next file; None after the last. The one before was read to its end."""
        while not self._parts.names:
            self._parts.data.clear()
            if not await self._parts.read_on(self._pieces):
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
            if not await self._parts.read_on(self._pieces):
                raise invalid("The form broke off before its end: send it again.")


class _Parts(FormParts):
    """Fields, and files after them. What was read of a file waits here."""

    MOST_FIELDS = 20
    LONGEST_FIELD = 20_000
    UNREADABLE = "The form cannot be read: send it from the page."
    LONG_HEAD = "A part of the form has too long a head: send it from the page."
    MISPLACED = "A part of the form has no name, stands twice or too late: send it from the page."

    def __init__(self, boundary: bytes) -> None:
        super().__init__(boundary)
        self.names: deque[str] = deque()
        """Of files that began and were not asked for yet."""
        self.data: deque[bytes | None] = deque()
        """Pieces of files; None where one ends."""

    def _begin_file(self, name: str | None, kind: str) -> bool:
        self.names.append(name or "")
        return True

    def _take(self, piece: bytes) -> None:
        self.data.append(piece)

    def _end_file(self) -> None:
        self.data.append(None)

    def _may_stand(self, name: str) -> bool:
        return not self.names and super()._may_stand(name)

    def _as_text(self, value: bytes) -> str:
        return super()._as_text(value).replace("\r\n", "\n")
