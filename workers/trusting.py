"""Takes words of people only when a starter that this worker trusts has signed them.

An update is checked where its validator runs, which is never on replay, so keys and clocks may be asked. A signal has
no validator: a refusal leaves a marker in the history, and on replay the marker is asked and neither key nor clock.
What is accepted leaves no trace, so recorded histories replay as they are. Without trusted keys nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

from pydantic import TypeAdapter, ValidationError
from temporalio import workflow
from temporalio.api.common.v1 import Payload
from temporalio.exceptions import ApplicationError
from temporalio.worker import (
    ContinueAsNewInput,
    HandleSignalInput,
    HandleUpdateInput,
    Interceptor,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from domain.cases.timeline import TimelineKind
from domain.identity.signing import SIGNED_SIGNALS, SKEW, Word, WordKind, digest_of
from runtime.temporal.signing import TrustedKeys, signature_in

USED = "surehand_used_signatures"
"""Header by which a run tells the next one which signatures it took."""
UNSIGNED = "Unsigned"
"""Type of the error that refuses an update."""
_NOT_SIGNED = (
    "This worker takes only signed words, and this one is not signed: "
    "give the process that says it a key (SUREHAND_SIGNING__KEY_FILE)."
)
_MOST_USED = 2_000
_USED = TypeAdapter(dict[str, datetime])


class TakesSignedWords(Interceptor):
    """Worker interceptor.

    Args:
        trusted: whose signatures hold; None takes unsigned words too.
    """

    def __init__(self, trusted: TrustedKeys | None) -> None:
        self._trusted = trusted

    def workflow_interceptor_class(
        self,
        input: WorkflowInterceptorClassInput,  # noqa: A002
    ) -> type[WorkflowInboundInterceptor]:
        """What wraps each workflow."""
        trusted = self._trusted

        class Checks(_Checks):
            """With the keys of this process."""

            def why_not(self, word: Word, headers: Mapping[str, Payload]) -> str | None:
                return _why_not(trusted, word, headers, self.used) if trusted is not None else None

        return Checks


class _Used:
    """Nonces of the signatures that a case took and that have not run out."""

    def __init__(self) -> None:
        self._known: dict[str, datetime] | None = None

    def __contains__(self, nonce: str) -> bool:
        return nonce in self._all()

    def take(self, headers: Mapping[str, Payload]) -> None:
        """Remember the signature that came with a word, by what the history says alone."""
        signature = signature_in(headers)
        if signature is None or not signature.is_of_its_time:
            return
        now, known = workflow.now(), self._all()
        kept = [(nonce, until) for nonce, until in known.items() if until + SKEW >= now]
        self._known = {**dict(kept[-(_MOST_USED - 1) :]), signature.nonce: signature.expires_at}

    def header(self) -> Mapping[str, Payload]:
        """For the next run; empty when there is nothing to say."""
        known = self._all()
        if not known:
            return {}
        return {USED: Payload(metadata={"encoding": b"json/plain"}, data=_USED.dump_json(known))}

    def _all(self) -> dict[str, datetime]:
        # Read when it is first asked for: words may come before the run begins.
        if self._known is None:
            told = workflow.info().headers.get(USED)
            try:
                self._known = _USED.validate_json(told.data) if told is not None else {}
            except ValidationError:
                self._known = {}
        return self._known


class _Checks(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        self.used = _Used()
        self._signals = 0
        super().init(_TellsNextRun(outbound, self.used))

    def why_not(self, word: Word, headers: Mapping[str, Payload]) -> str | None:
        """Why a word is not taken; None when it is."""
        raise NotImplementedError

    def handle_update_validator(self, input: HandleUpdateInput) -> None:  # noqa: A002
        why = self.why_not(_word(WordKind.UPDATE, input.update, input.args, input.id), input.headers)
        if why is not None:
            workflow.logger.warning("a word was refused", extra=_where(input.update, why))
            raise ApplicationError(why, type=UNSIGNED, non_retryable=True)
        super().handle_update_validator(input)

    async def handle_update_handler(self, input: HandleUpdateInput) -> Any:  # noqa: A002
        self.used.take(input.headers)
        return await super().handle_update_handler(input)

    async def handle_signal(self, input: HandleSignalInput) -> None:  # noqa: A002
        if input.signal in SIGNED_SIGNALS:
            if self._refuses(input):
                _show_refusal()
                return
            self.used.take(input.headers)
        await super().handle_signal(input)

    def _refuses(self, input: HandleSignalInput) -> bool:  # noqa: A002
        # A name of its own for each word, taken or not: the SDK remembers its first answer per name.
        self._signals += 1
        mark = f"refused-word-{self._signals}"
        if workflow.unsafe.is_replaying():
            refused = workflow.patched(mark)
        else:
            why = self.why_not(_word(WordKind.SIGNAL, input.signal, input.args, ""), input.headers)
            refused = why is not None and workflow.patched(mark)
            if why is not None:
                workflow.logger.warning("a word was refused", extra=_where(input.signal, why))
        return refused


class _TellsNextRun(WorkflowOutboundInterceptor):
    def __init__(self, next: WorkflowOutboundInterceptor, used: _Used) -> None:  # noqa: A002
        super().__init__(next)
        self._used = used

    def continue_as_new(self, input: ContinueAsNewInput) -> NoReturn:  # noqa: A002
        input.headers = {**input.headers, **self._used.header()}
        super().continue_as_new(input)


def _word(kind: WordKind, name: str, args: Sequence[object], word_id: str) -> Word:
    info = workflow.info()
    return Word(
        namespace=info.namespace,
        workflow_id=info.workflow_id,
        kind=kind,
        name=name,
        word_id=word_id,
        content=digest_of(args),
    )


def _show_refusal() -> None:
    """Put it on the timeline; nothing of the word itself, since nobody knows whose it is."""
    case = getattr(workflow.instance(), "case", None)
    if case is not None:
        case.note(TimelineKind.CASE, "A word without a valid signature was not taken")


def _where(name: str, why: str) -> dict[str, str]:
    return {"word": name, "why": why}


def _why_not(trusted: TrustedKeys, word: Word, headers: Mapping[str, Payload], used: _Used) -> str | None:
    signature = signature_in(headers)
    if signature is None:
        return _NOT_SIGNED
    if signature.nonce in used:
        return "This word is not taken: its signature was used before."
    # The library imports when it first refuses; the sandbox would import it anew, and it ends the process then.
    with workflow.unsafe.imports_passed_through():
        why = trusted.refusal(word, signature)
    return f"This word is not taken: {why}." if why is not None else None
