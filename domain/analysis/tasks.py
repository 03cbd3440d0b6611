"""The tasks that a text hands out: who is to do what by when, with the words that say so."""

from __future__ import annotations

import re
from datetime import date, timedelta

from pydantic import Field

from domain.analysis.text import WORD, read
from domain.model import Term, Value

MOST_TASKS = 100
_LONGEST_LINE = 2_000
_BOX = re.compile(r"^(?:(?:[-*\u2022]|\d{1,2}[.)])\s{0,4})?\[(?P<done>[ xX])\]\s+(?P<words>.+)$")
_MARKED = re.compile(
    r"(?i)^(?:(?:[-*\u2022]|\d{1,2}[.)])\s{0,4})?(?:TODO|ACTION(?: ITEM)?|AI|TASK|NEXT STEP)\b\s*[:\-]\s*(?P<words>.+)$"
)
_NUMBERED = re.compile(r"^(?:\d{1,2}[.)]|[-*\u2022])\s+(?P<words>.+)$")
_ASKED = re.compile(r"(?i)\b(?:please|kindly|could you|can you|would you|make sure to|remember to|don't forget to)\s+(?P<words>.+)$")  # fmt: skip  # noqa: E501
_PROMISED = re.compile(r"^(?P<owner>I|We|[A-ZÀ-Þ][a-zß-ÿ]{1,20}(?: [A-ZÀ-Þ][a-zß-ÿ]{1,20})?) (?:will|to|must|needs? to|has to|have to|should|shall)\s+(?P<words>.+)$")  # fmt: skip  # noqa: E501
_OWNER = re.compile(
    r"(?:^|\s)@(?P<handle>[\w.-]{2,40})|\((?P<named>[A-ZÀ-Þ][a-zß-ÿ]{1,20}(?: [A-ZÀ-Þ][a-zß-ÿ]{1,20})?)\)"
)
_LEADING_OWNER = re.compile(r"^(?P<owner>[A-ZÀ-Þ][a-zß-ÿ]{1,20}(?: [A-ZÀ-Þ][a-zß-ÿ]{1,20})?):\s+(?P<words>.+)$")
_ISO = re.compile(r"\b(\d{4})-(\d\d)-(\d\d)\b")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DUE = re.compile(
    rf"(?i)\b(?:by|until|before|due|on)\s+(?:the\s+)?(?P<due>\d{{4}}-\d\d-\d\d|today|tonight|tomorrow|eod|"
    rf"end of (?:the )?(?:day|week|month)|next week|(?:next )?(?:{'|'.join(_DAYS)}))\b"
)
_PRESSING = re.compile(r"(?i)\b(?:urgent(?:ly)?|asap|immediately|critical|blocker|right away|as soon as possible)\b")
_CAN_WAIT = re.compile(r"(?i)\b(?:when you have time|no rush|low priority|nice to have|eventually|someday)\b")
_AFTER = re.compile(r"(?i)\b(?:after|once|depends on|when)\s+(?:step|task)\s+#?(?P<number>\d{1,2})\b")
_VERBS = frozenset({
    "add", "approve", "archive", "ask", "assign", "book", "build", "call", "cancel", "change", "check", "clean",
    "close", "collect", "compare", "confirm", "contact", "copy", "create", "delete", "deliver", "deploy", "disable",
    "document", "draft", "email", "enable", "escalate", "export", "file", "fix", "follow", "generate", "import",
    "inform", "install", "investigate", "invite", "make", "merge", "migrate", "monitor", "move", "notify", "open",
    "order", "organise", "organize", "pay", "plan", "prepare", "publish", "purchase", "record", "refund", "remove",
    "rename", "renew", "replace", "reply", "report", "request", "reset", "resolve", "restart", "restore", "review",
    "rotate", "run", "schedule", "send", "set", "share", "ship", "sign", "submit", "tell", "test", "train", "transfer",
    "update", "upgrade", "upload", "validate", "verify", "write",
})  # fmt: skip
"""Imperatives that begin a step; a line of a list that begins otherwise is no task by itself."""


class TaskPriority(Term):
    """How soon, as far as the words say."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"


class Task(Value):
    """One thing to do."""

    number: int
    """In the order of the text, from 1."""
    action: str
    owner: str = ""
    """Name or handle, as the text gives it; empty when it gives none."""
    due: str = ""
    """Its words, such as `by Friday`."""
    due_on: date | None = None
    """As a day, where the words give one and, for `tomorrow`, the text's own day is known."""
    priority: TaskPriority = TaskPriority.NORMAL
    done: bool = False
    after: tuple[int, ...] = ()
    """Numbers of tasks that come first, where the text says so."""
    confidence: float = Field(ge=0, le=1)
    reason: str
    """What shows that it is a task."""


class TaskList(Value):
    """What a text hands out."""

    tasks: tuple[Task, ...]
    open: int
    without_owner: int
    """Open tasks that nobody has."""
    without_due: int
    ready: bool
    """There is something to do, and each open task has an owner."""
    reasons: tuple[str, ...]


def extract(text: str, *, written_on: date | None = None) -> TaskList:
    """Find the tasks in minutes, a mail or a plan.

    Args:
        text: plain text or Markdown.
        written_on: the day it was written, against which `tomorrow` and `by Friday` are read.
    """
    found: list[Task] = []
    for line in _candidates(text):
        seen = _recognise(line)
        if seen is not None and len(found) < MOST_TASKS:
            words, owner, done, confidence, reason = seen
            found.append(_task(len(found) + 1, words, owner, done, confidence, reason, written_on))
    return _listed(found)


def _candidates(text: str) -> list[str]:
    """Lines of lists as they stand, and the sentences of everything else."""
    rows: list[str] = []
    for whole in text.splitlines():
        line = whole.strip()
        if _BOX.match(line) or _MARKED.match(line) or _NUMBERED.match(line):
            rows.append(line[:_LONGEST_LINE])
        else:
            rows += [sentence[:_LONGEST_LINE] for sentence in read(line).sentences]
    return rows


_Seen = tuple[str, str, bool, float, str]
"""Words, owner, done, confidence and reason."""


def _recognise(line: str) -> _Seen | None:
    """None when it is no task."""
    box = _BOX.match(line)
    if box:
        return box["words"], "", box["done"] != " ", 0.95, "A box to tick."
    marked = _MARKED.match(line)
    if marked:
        return marked["words"], "", False, 0.95, "It is marked as an action."
    numbered = _NUMBERED.match(line)
    return _understand(numbered["words"] if numbered else line, 0.65 if numbered else 0.5)


def _understand(words: str, confidence: float) -> _Seen | None:
    leading = _LEADING_OWNER.match(words)
    if leading and _begins_with_verb(leading["words"]):
        return leading["words"], leading["owner"], False, 0.85, "A name, and what they do."
    promised = _PROMISED.match(words)
    if promised and not words.rstrip().endswith("?"):
        if promised["owner"] in ("It", "This", "That", "There", "You", "They"):
            return None
        return promised["words"], promised["owner"], False, 0.75, "Somebody is to do it."
    asked = _ASKED.search(words)
    if asked and _begins_with_verb(asked["words"]):
        return asked["words"], "", False, 0.7, "It is asked for."
    if _begins_with_verb(words):
        return words, "", False, confidence, "It begins with what to do."
    return None


def _begins_with_verb(words: str) -> bool:
    first = WORD.search(words)
    return first is not None and first.start() <= 2 and first.group().lower() in _VERBS


def _task(  # noqa: PLR0917 - the order of `_recognise`
    number: int, words: str, owner: str, done: bool, confidence: float, reason: str, written_on: date | None
) -> Task:
    due = _DUE.search(words) or _ISO.search(words)
    named = _OWNER.search(words)
    pressing, can_wait = _PRESSING.search(words), _CAN_WAIT.search(words)
    return Task(
        number=number,
        action=_OWNER.sub("", words).strip().rstrip(".?!;, ")[:300],
        owner=owner or ((named["handle"] or named["named"]) if named else ""),
        due=due.group() if due else "",
        due_on=day_of(due.group(), written_on) if due else None,
        priority=TaskPriority.HIGH if pressing else TaskPriority.LOW if can_wait else TaskPriority.NORMAL,
        done=done,
        after=tuple(int(match["number"]) for match in _AFTER.finditer(words) if int(match["number"]) < number),
        confidence=confidence,
        reason=reason,
    )


def day_of(words: str, written_on: date | None) -> date | None:
    """The day that words such as `by Friday` name; None when they name none, or no day is known to count from."""
    iso = _ISO.search(words)
    if iso:
        try:
            return date(int(iso[1]), int(iso[2]), int(iso[3]))
        except ValueError:
            return None
    ahead = _days_ahead(words.lower(), written_on.weekday()) if written_on is not None else None
    return written_on + timedelta(days=ahead) if written_on is not None and ahead is not None else None


def _days_ahead(words: str, today: int) -> int | None:
    if any(word in words for word in ("today", "tonight", "eod", "end of day", "end of the day")):
        return 0
    if "tomorrow" in words:
        return 1
    if "end of week" in words or "end of the week" in words:
        return (_DAYS.index("friday") - today) % 7
    named = [weekday for weekday, name in enumerate(_DAYS) if name in words]
    return ((named[0] - today) % 7 or 7) if named else None


def _listed(found: list[Task]) -> TaskList:
    still_open = [task for task in found if not task.done]
    ownerless = [task for task in still_open if not task.owner]
    reasons = []
    if not still_open:
        reasons.append("There is nothing left to do." if found else "No task was found.")
    if ownerless:
        reasons.append(f"Nobody has task {', '.join(str(task.number) for task in ownerless)}.")
    return TaskList(
        tasks=tuple(found),
        open=len(still_open),
        without_owner=len(ownerless),
        without_due=sum(not task.due for task in still_open),
        ready=bool(still_open) and not ownerless,
        reasons=tuple(reasons) or ("Each open task has an owner.",),
    )
