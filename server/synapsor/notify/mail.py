"""People who are told by e-mail: plain text, handed to one server through TLS; a header takes no line of anybody else's."""

from __future__ import annotations

import datetime as dt
import email.policy
import ssl
from collections.abc import Collection, Iterator
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final

import aiosmtplib
import anyio

from synapsor.config.notify import Email, Smtp
from synapsor.notify.message import Message
from synapsor.notify.notice import Notice
from synapsor.notify.posting import SECONDS, Outcome
from synapsor.notify.wording import details, everything, headline, topic, where
from synapsor.secrets import Secret
from synapsor.web.asking import about_tls

_MOST_SUBJECT: Final = 150
_POLICY: Final = email.policy.SMTP
_PERMANENT: Final = 500


class MailChannel:
    """Sends each message to the people of one channel."""

    def __init__(
        self,
        channel: Email,
        smtp: Smtp,
        *,
        password: Secret | None,
        tls: ssl.SSLContext,
        console_url: str | None,
        seconds: float = SECONDS,
    ) -> None:
        self._channel = channel
        self._smtp = smtp
        self._password = password
        self._tls = tls
        self._console_url = console_url
        self._seconds = seconds

    async def send(self, message: Message, now: dt.datetime, *, reached: Collection[str] = ()) -> Outcome:
        """Hand a message to the server once, for those of the channel whom it has not reached yet."""
        people = [address for address in self._channel.to if address not in reached]
        if not people:
            return Outcome()  # who was missing is no longer told here
        try:
            with anyio.fail_after(self._seconds):
                refused, _ = await aiosmtplib.send(
                    self.letter(message, now),
                    sender=self._channel.from_,
                    recipients=people,
                    hostname=self._smtp.host,
                    port=self._smtp.port,
                    username=self._smtp.user,
                    password=self._password.reveal() if self._password else None,
                    use_tls=self._smtp.tls == "tls",
                    start_tls=self._smtp.tls == "starttls",
                    tls_context=self._tls,
                    local_hostname=self._channel.from_.partition("@")[2],
                    timeout=self._seconds,
                )
        except TimeoutError:
            return Outcome(why="timeout", again=True)
        except (aiosmtplib.SMTPException, OSError) as error:
            return _outcome(error)
        if not refused:
            return Outcome()
        return Outcome(
            why="some_recipients_refused",
            again=any(code < _PERMANENT for code, _ in refused.values()),
            reached=tuple(address for address in people if address not in refused),
        )

    def letter(self, message: Message, now: dt.datetime) -> EmailMessage:
        """Return a message as it is sent."""
        letter = EmailMessage(policy=_POLICY)
        subject = f"[Synapsor] {headline(message)}"
        letter["Subject"] = subject if len(subject) <= _MOST_SUBJECT else f"{subject[:_MOST_SUBJECT]}…"
        letter["From"] = self._channel.from_
        letter["To"] = ", ".join(self._channel.to)
        letter["Date"] = format_datetime(now)
        letter["Message-ID"] = f"<{message.id}@{self._channel.from_.partition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter["X-Synapsor-Delivery"] = message.id
        letter.set_content(self.shown(message, now))
        return letter

    def shown(self, message: Message, now: dt.datetime) -> str:
        """Return the text."""
        return "".join(f"{line}\n" for line in self._lines(message, now))

    def _lines(self, message: Message, now: dt.datetime) -> Iterator[str]:
        yield f"{headline(message)}."
        if message.is_digest:
            yield f"Look at all of it: {everything(self._console_url)}"
        for notice in message.notices:
            yield ""
            yield from self._notice(notice, now, digest=message.is_digest)
        if message.total > len(message.notices):
            yield ""
            yield f"And {message.total - len(message.notices)} more."

    def _notice(self, notice: Notice, now: dt.datetime, *, digest: bool) -> Iterator[str]:
        if digest:
            yield topic(notice)
        for words in details(notice, now):
            yield f"  {words.label:<10} {words.text}"
        yield f"  {'look at it':<10} {where(notice, self._console_url)}"


async def reached(
    smtp: Smtp, *, password: Secret | None, tls: ssl.SSLContext, sender: str, seconds: float = SECONDS
) -> str:
    """Return why no letter could be handed over now, in one word, or ""; it connects, logs in where there is a password, and sends nothing."""
    client = aiosmtplib.SMTP(
        hostname=smtp.host,
        port=smtp.port,
        use_tls=smtp.tls == "tls",
        start_tls=smtp.tls == "starttls",
        tls_context=tls,
        local_hostname=sender.partition("@")[2],
        timeout=seconds,
    )
    try:
        with anyio.fail_after(seconds):
            await client.connect()
            if smtp.user is not None and password is not None:
                await client.login(smtp.user, password.reveal())
            await client.quit()
    except TimeoutError:
        return "timeout"
    except (aiosmtplib.SMTPException, OSError) as error:
        return _outcome(error).why
    finally:
        client.close()
    return ""


def _outcome(error: aiosmtplib.SMTPException | OSError) -> Outcome:
    """Return what an error means; its text may quote what was sent, and is not told."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        codes = [refused.code for refused in error.recipients]
        return Outcome(why="recipients_refused", again=any(code < _PERMANENT for code in codes))
    if isinstance(error, aiosmtplib.SMTPResponseException) and not isinstance(error, _NOT_OF_THE_LETTER):
        return Outcome(why=f"smtp_{error.code}", again=not _PERMANENT <= error.code < _PERMANENT + 100)
    return Outcome(why=_why(error), again=True)


def _why(error: aiosmtplib.SMTPException | OSError) -> str:
    if about_tls(error):
        return "tls_refused"
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return "login_refused"  # a password is put right, and then all of it may go out
    if isinstance(error, aiosmtplib.SMTPTimeoutError):
        return "timeout"
    # A bare error is how a missing STARTTLS, or a missing login, is told; without it nothing is handed over.
    return "not_offered" if type(error) is aiosmtplib.SMTPException else "not_connected"


_NOT_OF_THE_LETTER: Final = (aiosmtplib.SMTPAuthenticationError, aiosmtplib.SMTPConnectResponseError)
