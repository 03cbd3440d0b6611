"""What Slack shows to one person: a sentence that only they see, and a dialog that asks for a reason."""

from __future__ import annotations

import json

from pydantic import SecretStr

from domain.model import JsonValue
from integrations.slack.blocks import escape
from integrations.slack.session import SlackSession

REJECT_DIALOG = "reject_request"
REASON_BLOCK = "reason"
LONGEST_REASON = 1_500
"""Characters; the message that shows it has room for this much (Block Kit: 2,000 in a field)."""


class SlackAnswers:
    """Answers people where they pressed.

    Args:
        token: of the bot, with the scope chat:write.
        base_url: of the Web API.
        timeout_seconds: for one whole call.
    """

    def __init__(self, *, token: SecretStr, base_url: str, timeout_seconds: float) -> None:
        self._session = SlackSession(token, base_url, timeout_seconds)

    async def whisper(self, channel: str, user: str, text: str) -> None:
        """Show a sentence to one person in a channel (chat.postEphemeral). Twice is harmless.

        Raises:
            VendorError: Slack refused it or could not be reached.
        """
        block = {"type": "section", "text": {"type": "plain_text", "text": text[:3_000], "emoji": False}}
        await self._session.call(
            lambda client: client.chat_postEphemeral(
                channel=channel, user=user, text=escape(text[:3_000]), blocks=[block], link_names=False
            ),
            write=True,
        )

    async def ask_reason(self, trigger_id: str, about: dict[str, JsonValue]) -> None:
        """Open the dialog that asks why a request is rejected (views.open).

        Args:
            trigger_id: of the click; Slack takes it for three seconds, once.
            about: what is rejected; it comes back with the answer.

        Raises:
            VendorError: Slack refused it or could not be reached.
        """
        view = {
            "type": "modal",
            "callback_id": REJECT_DIALOG,
            "private_metadata": json.dumps(about, separators=(",", ":")),
            "title": _plain("Reject"),
            "submit": _plain("Reject"),
            "close": _plain("Cancel"),
            "blocks": [
                {
                    "type": "input",
                    "block_id": REASON_BLOCK,
                    "label": _plain("Why? The case goes on by your reason."),
                    "element": {
                        "type": "plain_text_input",
                        "action_id": REASON_BLOCK,
                        "multiline": True,
                        "min_length": 1,
                        "max_length": LONGEST_REASON,
                    },
                }
            ],
        }
        await self._session.call(lambda client: client.views_open(trigger_id=trigger_id, view=view), write=True)


def _plain(text: str) -> dict[str, object]:
    return {"type": "plain_text", "text": text, "emoji": False}
