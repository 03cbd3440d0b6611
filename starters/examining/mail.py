"""The mail server: whether it greets us, encrypts as asked, and lets us in. No mail is sent."""

from __future__ import annotations

import contextlib
import ssl

import aiosmtplib

from integrations.mail import log_in_by_token
from runtime.doctor.checks import TIMEOUT_SECONDS, Verdict, missing, ok
from runtime.settings.environment import SmtpSettings
from workers.mail_tokens import mail_tokens

_GROUP = "SUREHAND_SMTP__"


async def look_at_mail_server(smtp: SmtpSettings) -> Verdict:
    """Connect, EHLO, STARTTLS and AUTH, as before every mail.

    Raises:
        VendorError: there is no access token to be had.
    """
    where = f"{smtp.host}:{smtp.port}"
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        timeout=TIMEOUT_SECONDS - 1,
        use_tls=smtp.security == "tls",
        start_tls=False,
        local_hostname=smtp.sender.rpartition("@")[2],
    )
    try:
        await client.connect()
        return await _greet(client, smtp, where)
    except aiosmtplib.SMTPAuthenticationError:
        what = "what its token allows" if smtp.oauth is not None else f"{_GROUP}USERNAME and {_GROUP}PASSWORD"
        return missing(f"{where} refuses our credentials: correct {what}.")
    except aiosmtplib.SMTPNotSupported:
        return missing(f"{where} offers no way to log in that we know: ask who runs it which it wants.")
    except (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPTimeoutError, OSError) as error:
        if any(isinstance(one, ssl.SSLError) for one in (error, error.__cause__)):
            return missing(f"{where} shows no certificate that is trusted: have it renewed, or correct {_GROUP}HOST.")
        return missing(f"{where} does not answer: correct {_GROUP}HOST, {_GROUP}PORT or the firewall.")
    except aiosmtplib.SMTPException:
        return missing(f"{where} answers and speaks another way: correct {_GROUP}SECURITY.")
    finally:
        client.close()


async def _greet(client: aiosmtplib.SMTP, smtp: SmtpSettings, where: str) -> Verdict:
    await client.ehlo()
    if smtp.security == "starttls":
        if not client.supports_extension("starttls"):
            return missing(f"{where} offers no STARTTLS: correct {_GROUP}PORT or {_GROUP}SECURITY.")
        await client.starttls()
    if smtp.oauth is not None and smtp.username is not None:
        await log_in_by_token(client, smtp.username, mail_tokens(smtp.oauth))
    elif smtp.username is not None and smtp.password is not None:
        await client.login(smtp.username, smtp.password.get_secret_value())
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await client.quit(timeout=1)
    encrypts = "without encryption" if smtp.security == "none" else "encrypted"
    return ok(f"{where} lets us in, {encrypts}.")
