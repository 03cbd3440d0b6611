"""HTTP/1.1 as it comes over the wire: what is no request at all is refused in the shape of every other refusal."""

from __future__ import annotations

import uuid

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from starters.service.http import correlation
from starters.service.http.edge import SECURITY_HEADERS
from starters.service.http.errors import Problem, answer_to

_SENTENCE = "This is no HTTP request that can be read, or its headers are too large: correct it."


class Protocol(H11Protocol):
    """The server's protocol, which answers in words of ours before the application is asked."""

    def send_400_response(self, msg: str) -> None:
        """Refuse, and close: what follows on this connection cannot be told from the rest."""
        correlation_id = str(uuid.uuid4())
        mark = correlation.current.set(correlation_id)
        try:
            answer = answer_to(Problem(400, "BAD_REQUEST", _SENTENCE))
        finally:
            correlation.current.reset(mark)
        own = {**SECURITY_HEADERS, correlation.HEADER: correlation_id, "Connection": "close"}
        headers = [*answer.raw_headers, *((name.lower().encode(), value.encode()) for name, value in own.items())]
        for event in (
            h11.Response(status_code=400, headers=headers, reason=b"Bad Request"),
            h11.Data(data=bytes(answer.body)),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
