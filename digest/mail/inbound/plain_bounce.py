"""Bounces as plain text: what qmail, Exim, Postfix without reports, Exchange, Notes and hundreds of others write.

They have in common that they name the address, and say something near it. So the addresses are looked for: those
that our own message was for come first, then what stands where such programs put it.
"""

import re
from collections.abc import Iterator, Sequence

from digest.mail.inbound.addresses import bare_address, find_addresses, is_role
from digest.mail.inbound.judging import (
    STATUS,
    Refusal,
    is_about_time,
    is_after_data,
    is_before_recipient,
    says_something,
)
from digest.mail.inbound.parts import Parts, all_headers, header

_SUBJECT = re.compile(
    r"undeliver|deliver\w*[ :-]{1,4}(?:status|fail|notif|report|delay|problem|incomplete|error)"
    r"|returned (?:mail|to sender)"
    r"|mail delivery|failure noti|fail(?:ed|ure)\b.{0,30}deliver|non[- ]?delivery|warning: (?:could not|message)"
    r"|rejected"
    r"|(?:could|can)(?: ?not|'t) be (?:sent|delivered)|\bbounce|delivery (?:attempts|has)|message status"
    r"|mail system error"
    r"|not (?:a )?member|unzustellbar|zur(?:ü|=fc)ck|non remis|no (?:se )?(?:ha podido )?entreg|не ?доставлен"
    r"|недоставлен|配信|配達|送信(?:エラー|できません)"
    r"|エラー(?:メール|通知)|반송|배달 ?(?:실패|되지)|전송 ?실패|발송 ?실패|전달되지|수신 ?실패|退信|投递失败"
    r"|error sending|mail failure|mensagem",
    re.IGNORECASE,
)
_SENDER = re.compile(
    r"mailer-?daemon|mail-?daemon|post_?master|mail delivery|mdaemon|mail ?administrator|bounce", re.IGNORECASE
)
_EVIDENCE = re.compile(
    r"could not be delivered|couldn'?t be delivered|not (?:be )?deliver|undeliver"
    r"|delivery (?:to|of|has|failed|failure|error|status)"
    r"|deliver your (?:message|mail)|permanent (?:fatal )?error|fatal errors?|delivery problems?|failed recipient"
    r"|did(?: not|n'?t) (?:reach|receive|like)|no valid recipients|mailbox (?:is )?(?:full|unavailable)"
    r"|unknown user|user unknown"
    r"|no such (?:user|person|address|mailbox|recipient)|invalid (?:user|recipient|address)|rejected"
    r"|unable to deliver"
    r"|transcript of session|error message below|said:|exceeded .{0,20}(?:quota|limit)|can'?t be (?:sent|delivered)"
    r"|failed to deliver"
    r"|problem delivering|not (?:a )?member of this|no longer (?:with|valid|in use|available)|доставлен"
    r"|전송(?:에|할 수| ?실패)|배달|전달되지|존재하지 않"
    r"|送信できません|配信でき|配達でき|宛先|メールアドレス.{0,20}(?:見つ|存在)|unzustell|投递",
    re.IGNORECASE,
)
_LINE_OF_RECIPIENT = re.compile(
    r"^[\s*>|-]{0,10}(?:(?:recipient|to|rcpt to|address|failed address|final recipient|original recipient|user)"
    r"[^:\n<]{0,25}:\s*)?"
    r"(?:<[^<>\s]+@[^<>\s]+>|[^\s<>@]+@[^\s<>@]+\.[^\s<>@]+)",
    re.IGNORECASE,
)
_CODE = re.compile(r"(?<![\d.@\w-])[45]\d\d(?=[ \-#:])|(?<![\d.])[45]\.\d{1,3}\.\d{1,3}(?![\d.])")
_ANSWERED = re.compile(r"(?m)^\s*[45]\d\d\s+<([^<>\s]+@[^<>\s]+)>\.\.\.")
"""Sendmail's lines for each recipient."""
_ALONE = re.compile(r"(?m)^[ \t*]*<?([^\s<>@:]+@[^\s<>@:]+\.[A-Za-z]{2,})>?(?=[ \t:]|$)")
"""An address at the beginning of a line."""
_ECHO = re.compile(r"(?mi)^[ \t]*To:([^\n]*)\n[ \t]*Subject:")
_SAID = re.compile(r"^(?:<<<|>>>|---)")
_MOST_RECIPIENTS = 50


def looks_like_bounce(parts: Parts) -> bool:
    """Whether a program tells of a mail that did not arrive; letters of people are not to be taken for one."""
    if all_headers(parts.message, "X-Failed-Recipients"):
        return True
    is_from_program = _is_from_program(parts)
    has_subject = bool(_SUBJECT.search(header(parts.message, "Subject")))
    has_evidence = bool(_EVIDENCE.search(parts.text))
    return (is_from_program and (has_subject or has_evidence)) or (has_subject and has_evidence)


def _is_from_program(parts: Parts) -> bool:
    if parts.message.get("X-MLServer"):
        return True
    path = header(parts.message, "Return-Path").strip()
    sender = f"{header(parts.message, 'From')} {header(parts.message, 'Sender')}"
    return path == "<>" or bool(_SENDER.search(sender)) or bool(_SENDER.search(path))


def read_plain(parts: Parts) -> tuple[Refusal, ...]:
    """What a plain text says of each recipient it names."""
    recipients = _recipients(parts)
    segments = _segments(parts.text, recipients)
    is_alone = len(recipients) == 1
    return tuple(
        _refusal(segment, recipient, is_alone=is_alone) for recipient, segment in zip(recipients, segments, strict=True)
    )


def _recipients(parts: Parts) -> list[str]:
    named = [
        address for value in all_headers(parts.message, "X-Failed-Recipients") for address in find_addresses(value)
    ]
    if named:
        return _unlike(named)
    own = _own_recipients(parts)
    excluded = _not_recipients(parts) - {address.lower() for address in own}
    excluded |= _echoed(parts.text, excluded)
    written = [each for each in find_addresses(parts.text) if each.lower() not in excluded]
    both = [each for each in written if each.lower() in {address.lower() for address in own}]
    both += [each for each in _ALONE.findall(parts.text) if both and each.lower() not in excluded]
    both += [each for each in _ANSWERED.findall(parts.text) if each.lower() not in excluded]
    lines = [
        address
        for line in parts.text.split("\n")
        if _LINE_OF_RECIPIENT.match(line)
        for address in list(find_addresses(line))[:1]
        if address.lower() not in excluded and not is_role(address)
    ]
    plain = [each for each in written if not is_role(each)]
    anybody = list(find_addresses(parts.text))
    return _unlike(both or lines or plain[:1] or own[:1] or written[:1] or anybody[:1]) or [""]


def _echoed(text: str, excluded: set[str]) -> set[str]:
    """Whom the headers of our message, as a report repeats them, were for: where it names somebody else."""
    echoed = {each.lower() for found in _ECHO.findall(text) for each in find_addresses(found)}
    named = {each.lower() for each in find_addresses(text) if not is_role(each)}
    return echoed if named - echoed - excluded else set()


def _own_recipients(parts: Parts) -> list[str]:
    """Whom our message was for, by what came back of it."""
    fields = [*all_headers(parts.returned, "To"), *all_headers(parts.returned, "X-Envelope-To")]
    found = [address for value in fields for address in find_addresses(value)]
    return _unlike([*found, *re.findall(r"\bfor <?([^\s<>;@]+@[^\s<>;]+)>?;", parts.returned_text[:20_000])])


def _not_recipients(parts: Parts) -> set[str]:
    """Who wrote the report, and to whom; and who wrote the message it is about."""
    values = [
        header(parts.message, name) for name in ("From", "To", "Return-Path", "Sender", "Reply-To", "Delivered-To")
    ]
    values += [header(parts.returned, name) for name in ("From", "Return-Path", "Sender", "Reply-To")]
    return {address.lower() for value in values for address in [bare_address(value)] if address}


def _unlike(addresses: Sequence[str]) -> list[str]:
    """Each once, whatever its letter case."""
    return list({address.lower(): address for address in reversed(addresses)}.values())[::-1][:_MOST_RECIPIENTS]


def _segments(text: str, recipients: Sequence[str]) -> list[str]:
    """The part of the text that is about each recipient: from where they are named to where the next one is."""
    lower = text.lower()
    places = [lower.find(recipient.lower()) if recipient else -1 for recipient in recipients]
    starts = sorted({lower.rfind("\n", 0, place) + 1 for place in places if place >= 0})
    segments = []
    for place in places:
        start = lower.rfind("\n", 0, place) + 1 if place >= 0 else 0
        end = min((each for each in starts if each > start), default=len(text))
        segments.append(text[start:end] if len(recipients) > 1 else text)
    return segments


def _refusal(segment: str, recipient: str, *, is_alone: bool) -> Refusal:
    words = _telling(segment, recipient, is_alone=is_alone)
    is_final = not (is_about_time(words) or (is_about_time(segment) and not _CODE.search(words)))
    status = STATUS.search(words)
    return Refusal(
        recipient=recipient,
        words=words,
        status=status[1] if status else "",
        is_final=is_final,
        is_after_data=is_after_data(segment),
        is_before_recipient=is_before_recipient(segment),
    )


def _telling(segment: str, recipient: str, *, is_alone: bool) -> str:
    """The words that tell why: a server's answer about this recipient, another one, or what stands near the address.

    Among several recipients an answer that names this one is the answer, even where it does not say much.
    """
    answers = list(_answers(segment))
    own = [each for each in answers if recipient and recipient.lower() in each.lower()]
    near = [*_near(segment, recipient), " ".join(segment.split())]
    candidates = own if own and not is_alone else [*own, *answers, *near]
    words = [each for each in candidates if len(each.split()) > 1] or candidates
    return next(filter(says_something, words), words[0])


def _answers(text: str) -> Iterator[str]:
    """Each line with an answer's code, with the lines that go on with it: indented, or with the same code (550-…)."""
    answer: list[str] = []
    code = ""
    for line in [*text.split("\n"), ""]:
        found = _CODE.search(line)
        is_indented = line.startswith((" ", "\t")) and bool(line.strip())
        if answer and (found[0] == code if found else is_indented):
            answer.append(_said(line))
            continue
        if answer:
            yield " ".join(answer)
        answer, code = ([_said(line)], found[0]) if found else ([], "")


def _said(line: str) -> str:
    """A line of a transcript without its marks."""
    return _SAID.sub("", line.lstrip("> ")).strip()


def _near(text: str, recipient: str) -> Iterator[str]:
    """What stands beside an address, below it and above it, wherever it stands."""
    places = [found.start() for found in re.finditer(re.escape(recipient), text, re.IGNORECASE)] if recipient else []
    for place in places[:10]:
        yield text[place + len(recipient) :].partition("\n")[0].strip(" <>:;,.*")
        below = [each for each in re.split(r"\n\s*\n", text[place:].partition("\n")[2]) if each.strip()]
        yield from (" ".join(each.split()) for each in below[:2])
        yield text[:place].rpartition("\n")[2].strip(" <>:;,.*")
        above = [line.strip() for line in text[:place].split("\n") if line.strip() and not _RULE.match(line)]
        yield from above[-2:]


_RULE = re.compile(r"^\W*$|^\s*[-=*]{3,}")
