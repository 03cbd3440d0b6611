"""Where the access tokens for the mail server come from, by the settings."""

from __future__ import annotations

from integrations.mail_tokens import FetchedTokens, FileTokens, MailTokens, TokenClient
from runtime.settings.mail import OauthSettings


def mail_tokens(oauth: OauthSettings) -> MailTokens:
    """The source of tokens that the settings name."""
    if oauth.token_file is not None:
        return FileTokens(oauth.token_file)
    return FetchedTokens(
        TokenClient(
            token_url=oauth.token_url or "",
            client_id=oauth.client_id or "",
            client_secret=oauth.client_secret,
            refresh_token=oauth.refresh_token,
            scopes=tuple(oauth.scopes.split()),
        )
    )
