"""Forms with a file (multipart/form-data), read as a stream: small fields first, then the file, piece by piece."""

from __future__ import annotations

from collections.abc import AsyncIterator

from starlette.requests import Request

from starters.service.http import bodies
from starters.service.http.errors import Problem, invalid
from starters.service.http.form_parts import FormParts, boundary_of


class Form:
    """One form, as far as it was read.

    Call `to_file` first; then read `file` to its end; then look at `fields`, which may stand behind the file too.
    """

    def __init__(self, request: Request, boundary: bytes) -> None:
        self.fields: dict[str, str] = {}
        self.file_name = ""
        self.file_type = ""
        self._pieces = bodies.pieces_of(request)
        self._parts = _Parts(boundary)

    @classmethod
    async def of(cls, request: Request) -> Form:
        """The form of a request.

        Raises:
            Problem: 415 where it is none, 422 where it says nothing of its parts.
        """
        boundary = boundary_of(request)
        if boundary is None:
            await bodies.pour_away(request)
            raise Problem(415, "UNSUPPORTED_MEDIA_TYPE", "This takes multipart/form-data with one part named `file`.")
        if not boundary:
            await bodies.pour_away(request)
            raise invalid("The form names no boundary that can be used: correct it.")
        return cls(request, boundary)

    async def to_file(self) -> None:
        """Read up to the file.

        Raises:
            Problem: there is none, or the form cannot be read.
        """
        while self._parts.file is None:
            if not await self._parts.read_on(self._pieces):
                raise invalid("The form has no file: send one in a part named `file`.")
        self.file_name, self.file_type = self._parts.file
        self.fields = self._parts.fields

    async def file(self) -> AsyncIterator[bytes]:
        """The file, piece by piece, and the rest of the form after it."""
        while True:
            for piece in self._parts.taken():
                yield piece
            if not await self._parts.read_on(self._pieces):
                for piece in self._parts.taken():
                    yield piece
                return


class _Parts(FormParts):
    """One file among fields. What was read of it is kept here until it is fetched."""

    MOST_FIELDS = 10
    LONGEST_FIELD = 4_000
    UNREADABLE = "The form cannot be read: correct its parts."
    LONG_HEAD = "A part of the form says too much of itself: shorten its headers."
    MISPLACED = "A part of the form has no name, stands twice, or is one too many: correct it."

    def __init__(self, boundary: bytes) -> None:
        super().__init__(boundary)
        self.file: tuple[str, str] | None = None
        self._waiting: list[bytes] = []

    def feed(self, piece: bytes) -> None:
        """Read on; what follows the form's end is nobody's."""
        if not self.ended:
            super().feed(piece)

    def taken(self) -> list[bytes]:
        """What was read of the file since the last time."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def _begin_file(self, name: str | None, kind: str) -> bool:
        if self.file is not None:
            return False
        self.file = (name or "file", kind)
        return True

    def _take(self, piece: bytes) -> None:
        self._waiting.append(piece)
