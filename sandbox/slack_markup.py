"""Shows Slack's markup as Slack does: bold, italics, code, and nothing that was not escaped on the way in."""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_SIGN = re.compile(
    r"```(?P<fence>.+?)```|`(?P<code>[^`\n]+)`|(?<!\w)\*(?P<bold>[^*\n]+)\*(?!\w)|<(?P<control>[^<>]+)>", re.DOTALL
)


def marked_up(text: str) -> Markup:
    """HTML for a `mrkdwn` text.

    Mentions and links, which Slack would act on, are shown as what they are: `<!channel>` in somebody's text leaps to
    the eye here.
    """
    shown, end = Markup(""), 0
    for sign in _SIGN.finditer(text):
        shown += _plain(text[end : sign.start()]) + _sign(sign)
        end = sign.end()
    return shown + _plain(text[end:])


def _sign(sign: re.Match[str]) -> Markup:
    if sign["fence"] is not None:
        return Markup("<pre>{}</pre>").format(_plain(sign["fence"].strip("\n"), breaks=False))
    if sign["code"] is not None:
        return Markup("<code>{}</code>").format(_plain(sign["code"]))
    if sign["bold"] is not None:
        return Markup("<b>{}</b>").format(_plain(sign["bold"]))
    return Markup('<span class="control">&lt;{}&gt;</span>').format(sign["control"])


def _plain(text: str, *, breaks: bool = True) -> Markup:
    """Text with Slack's three entities read, and everything escaped for HTML."""
    for entity, letter in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(entity, letter)
    return escape(text).replace("\n", Markup("<br>")) if breaks else escape(text)
