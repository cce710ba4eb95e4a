"""What a message that came in says: the forms there are, Korean providers, and what must not be taken for any."""

import json
import time
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digest.mail.inbound.mbox import split_mbox
from digest.mail.inbound.read import read_message
from digest.mail.inbound.report import ReportKind

MARK = "0a" * 20
TOKEN = "A" * 39 + "b"
RETURNED = f"""Received: from a by b; Mon, 02 Mar 2026 08:00:00 +0900
From: Hanbit <news@hanbit.example>
To: kim@example.com
Subject: This week
Message-ID: <0123@hanbit.example>
X-Digest-Delivery: {MARK}

unsubscribe 수신거부
"""


def dsn(
    status="5.1.1", words="550 5.1.1 <kim@example.com>: User unknown", action="failed", recipient="kim@example.com"
):
    return f"""From: MAILER-DAEMON@mx.example.com
To: news+{MARK}@hanbit.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary=x

--x

It could not be delivered.
--x
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.com

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {words}

--x
Content-Type: message/rfc822

{RETURNED}
--x--
""".encode()


def plain(body, *, subject="Undelivered mail", sender="MAILER-DAEMON@example.com", headers=""):
    return (
        f"From: {sender}\nTo: news@hanbit.example\nSubject: {subject}\n{headers}"
        f"Content-Type: text/plain; charset=utf-8\n\n{body}"
    ).encode()


def only(raw):
    (report,) = read_message(raw).reports
    return report


@pytest.mark.parametrize(
    ("status", "words", "kind", "reason"),
    [
        ("5.1.1", "550 5.1.1 User unknown", ReportKind.HARD, "recipient_unknown"),
        ("5.1.2", "550 5.1.2 Host unknown", ReportKind.HARD, "host_unknown"),
        ("5.2.2", "552 5.2.2 mailbox full", ReportKind.SOFT, "mailbox_full"),
        ("4.4.7", "delivery time expired", ReportKind.SOFT, "temporary"),
        ("5.7.1", "550 5.7.1 blocked using zen.spamhaus.org", ReportKind.BLOCKED, "blocked"),
        ("5.7.26", "550 5.7.26 unauthenticated sender, DMARC", ReportKind.BLOCKED, "authentication"),
        ("5.2.1", "550 5.2.1 account disabled", ReportKind.SOFT, "not_accepting"),
        ("5.0.0", "550 : User unknown", ReportKind.SOFT, "recipient_unknown"),
        ("5.1.1", "550 존재하지 않는 사용자입니다", ReportKind.HARD, "recipient_unknown"),
        ("5.2.2", "552 수신자의 편지함 용량이 초과되었습니다", ReportKind.SOFT, "mailbox_full"),
    ],
)
def test_a_status_notification_is_judged_by_its_words_and_codes(status, words, kind, reason):
    report = only(dsn(status, words))
    assert (report.recipient, report.kind, report.reason, report.status) == ("kim@example.com", kind, reason, status)


def test_several_recipients_are_told_apart_where_the_empty_lines_between_them_are_lost():
    second = b"Final-Recipient: rfc822; lee@example.com\nAction: failed\nStatus: 5.2.2\nDiagnostic-Code: smtp; 552 full"
    raw = dsn().replace(b"User unknown\n\n", b"User unknown\n" + second + b"\n\n", 1)
    found = {report.recipient: report.kind for report in read_message(raw).reports}
    assert found == {"kim@example.com": ReportKind.HARD, "lee@example.com": ReportKind.SOFT}


def test_whom_our_own_headers_name_is_not_whom_a_report_is_about():
    body = (
        "Your message\n\n  To:      old@example.com\n  Subject: News\n\ndid not reach the following recipient(s):\n\n"
        "kim@example.com on Thu, 29 Apr 2010\n    Unknown recipient\n"
    )
    assert only(plain(body)).recipient == "kim@example.com"


def test_a_part_whose_type_forgets_a_semicolon_is_read():
    part = 'Content-Type: text/plain\n   charset="utf-8"\n\n---The following addresses had delivery errors---\n\n'
    raw = (
        "From: MAILER-DAEMON\nTo: news@hanbit.example\nSubject: Returned Mail: User unknown\n"
        f"Content-Type: multipart/mixed; boundary=x\n\n--x\n{part}kim@example.com [User unknown]\n\n--x--\n"
    ).encode()
    assert (only(raw).recipient, only(raw).kind) == ("kim@example.com", ReportKind.HARD)


def test_a_delay_is_soft():
    assert only(dsn("4.4.1", "451 user unknown", action="delayed")).kind is ReportKind.SOFT


@pytest.mark.parametrize("action", ["delivered", "relayed", "expanded", "deliverable", "Delivered (to mailbox)"])
def test_a_success_is_no_bounce(action):
    report = only(dsn("2.1.5", "250 2.1.5 Ok", action=action))
    assert (report.kind, report.reason, report.status) == (ReportKind.UNKNOWN, "delivered", "2.1.5")
    assert only(dsn("2.0.0", "550 5.1.1 User unknown", action="failed")).kind is ReportKind.HARD
    assert only(dsn("5.1.1", action="undeliverable")).kind is ReportKind.HARD


def test_a_success_of_amazon_is_no_bounce():
    told = {"recipients": ["kim@example.com", "lee@example.com"], "smtpResponse": "250 2.6.0 Message received"}
    raw = plain(json.dumps({"notificationType": "Delivery", "mail": {}, "delivery": told}), sender="sns@example.com")
    assert [(each.recipient, each.kind, each.reason, each.status) for each in read_message(raw).reports] == [
        ("kim@example.com", ReportKind.UNKNOWN, "delivered", "2.6.0"),
        ("lee@example.com", ReportKind.UNKNOWN, "delivered", "2.6.0"),
    ]
    for odd in ({}, {"recipients": "kim"}, {"recipients": [1, None]}):
        raw = plain(json.dumps({"notificationType": "Delivery", "delivery": odd}), sender="sns@example.com")
        assert [each for each in read_message(raw).reports if each.kind is not ReportKind.UNKNOWN] == []


@pytest.mark.parametrize(
    "stage",
    [
        "SMTP error from remote mail server after MAIL FROM:<news@hanbit.example> SIZE=1022:\n    {}",
        "SMTP error from remote mail server after initial connection:\n    {}",
        "host mx.example.com said: {} (in reply to MAIL FROM command)",
        "Connected to 192.0.2.112 but my name was rejected.\nRemote host said: {}",
        "Connected to 192.0.2.112 but sender was rejected.\nRemote host said: {}",
    ],
)
@pytest.mark.parametrize(
    "answer", ["553 5.1.0 hanbit.example does not exist", "550 Rejected", "501 Invalid domain name"]
)
def test_what_a_server_says_before_it_knows_the_recipient_is_not_their_fault(stage, answer):
    body = f"It could not be delivered.\n\n<kim@example.com>:\n{stage.format(answer)}\n"
    assert (only(plain(body)).recipient, only(plain(body)).kind) == ("kim@example.com", ReportKind.BLOCKED)
    with_fields = dsn("5.0.0", answer).replace(b"It could not be delivered.", body.encode())
    assert only(with_fields).kind is ReportKind.BLOCKED


def test_an_answer_to_the_recipient_stays_theirs():
    body = "<kim@example.com>: host mx said: 550 5.1.1 User unknown (in reply to RCPT TO command)\n"
    assert only(plain(body)).kind is ReportKind.HARD


def test_the_mark_and_the_id_of_our_message_are_found_wherever_they_come_back():
    found = read_message(dsn())
    assert found.marks == (MARK,)
    assert found.message_ids == ("0123@hanbit.example",)
    qmail = plain(f"<kim@example.com>:\nno such user\n\n--- Below this line is a copy of the message.\n\n{RETURNED}")
    assert read_message(qmail).marks == (MARK,)
    assert read_message(qmail).message_ids == ("0123@hanbit.example",)
    assert only(qmail).kind is ReportKind.HARD


@pytest.mark.parametrize(
    ("body", "subject", "kind"),
    [
        (
            "<kim@example.com>: 550 5.1.1 존재하지 않는 메일 주소입니다.",
            "반송: 메일을 전달하지 못했습니다",
            ReportKind.HARD,
        ),
        ("kim@example.com\n받는 사람의 편지함이 가득 찼습니다.", "메일 배달 실패 안내", ReportKind.SOFT),
        ("kim@example.com 휴면 계정입니다. 550 5.2.1", "[NAVER] 발송실패", ReportKind.SOFT),
        (
            "Could not be delivered to: <kim@example.com>\n  As their mailbox is full.",
            "メールエラー通知",
            ReportKind.SOFT,
        ),
    ],
)
def test_providers_that_write_in_their_own_language_are_understood(body, subject, kind):
    report = only(plain(body, subject=subject))
    assert (report.recipient, report.kind) == ("kim@example.com", kind)


def arf(fields):
    return f"""From: feedback@isp.example
To: news@hanbit.example
Subject: FW: This week
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary=x

--x

This is an abuse report.
--x
Content-Type: message/feedback-report

User-Agent: Test/1
Version: 1
{fields}
--x
Content-Type: message/rfc822

{RETURNED}
--x--
""".encode()


@pytest.mark.parametrize(
    ("fields", "recipient", "reason"),
    [
        ("Feedback-Type: abuse\nOriginal-Rcpt-To: <lee@example.com>", "lee@example.com", "abuse"),
        ("Feedback-Type: fraud", "kim@example.com", "fraud"),
        ("Feedback-Type: auth-failure", "kim@example.com", "auth-failure"),
    ],
)
def test_a_complaint_names_its_reader(fields, recipient, reason):
    report = only(arf(fields))
    assert (report.recipient, report.kind, report.reason) == (recipient, ReportKind.COMPLAINT, reason)


@pytest.mark.parametrize(
    ("subject", "headers"),
    [
        ("Out of office", ""),
        ("Re: 주간 한빛 [부재중 자동응답]", "Auto-Submitted: auto-replied\n"),
        ("자동 회신: 휴가 중입니다", ""),
        ("Hello", "X-Autoreply: yes\n"),
        ("Hello", "Precedence: auto_reply\n"),
    ],
)
def test_an_answer_of_a_program_is_known(subject, headers):
    report = only(plain("I am back on Monday.", subject=subject, sender="Kim <kim@example.com>", headers=headers))
    assert (report.recipient, report.kind) == ("kim@example.com", ReportKind.AUTO_REPLY)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("unsubscribe", ""),
        ("Unsubscribe me please", ""),
        ("수신거부", ""),
        ("구독 해지 요청", ""),
        ("Re: This week", "구독취소\n\n> 이번 주 소식"),
        (f"unsubscribe {TOKEN}", ""),
    ],
)
def test_whoever_asks_to_leave_is_heard(subject, body):
    report = only(plain(body, subject=subject, sender="Kim <kim@example.com>"))
    assert (report.recipient, report.kind) == ("kim@example.com", ReportKind.UNSUBSCRIBE)


def test_a_token_in_the_subject_is_handed_on():
    assert read_message(plain("", subject=f"unsubscribe {TOKEN}", sender="kim@example.com")).tokens == (TOKEN,)


@pytest.mark.parametrize(
    ("subject", "body"),
    [
        ("Re: This week", "Thank you!\n\n> Unsubscribe: https://hanbit.example/…\n> 수신거부"),
        ("Re: This week", "> 수신거부\n\nGreat article about mail delivery."),
        ("A question", "My mailbox is full of good things. Is 550 the number of your office?"),
        ("Stop the presses: a story", "You should write about the undelivered letters of 1950."),
        ("구독 신청은 어떻게 하나요", "궁금합니다."),
    ],
)
def test_a_letter_of_a_person_is_nothing_else(subject, body):
    assert read_message(plain(body, subject=subject, sender="Kim <kim@example.com>")).reports == ()


def test_what_amazon_tells_by_mail_is_read():
    bounce = {
        "notificationType": "Bounce",
        "bounce": {
            "bounceType": "Permanent",
            "bounceSubType": "General",
            "bouncedRecipients": [
                {
                    "emailAddress": "kim@example.com",
                    "status": "5.1.1",
                    "diagnosticCode": "smtp; 550 5.1.1 user unknown",
                },
                {"emailAddress": "lee@example.com"},
            ],
        },
    }
    reports = read_message(plain(json.dumps(bounce), subject="AWS Notification", sender="no-reply@sns.example")).reports
    assert [(each.recipient, each.kind) for each in reports] == [
        ("kim@example.com", ReportKind.HARD),
        ("lee@example.com", ReportKind.HARD),
    ]


def test_a_copy_that_took_another_way_is_the_same_message():
    way = b"Received: from x by y; Mon, 02 Mar 2026 09:00:00 +0900\nDelivered-To: news@hanbit.example\n"
    assert (
        read_message(dsn()).digest == read_message(way + dsn().replace(b"\n", b"\r\n").replace(b"\r\n", b"\n")).digest
    )
    assert read_message(dsn()).digest == read_message(dsn().replace(b"\n", b"\r\n")).digest
    assert read_message(dsn()).digest != read_message(dsn("5.2.2")).digest


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.binary(max_size=2000), st.text(max_size=800).map(lambda text: text.encode("utf-8", "replace"))))
def test_anything_can_be_read(raw):
    read_message(raw)


HUGE = {
    "one line": b"A" * 10_000_000,
    "brackets": b"Subject: x\n\n" + b"<" * 3_000_000,
    "codes": b"Subject: Undelivered\nFrom: mailer-daemon@x\n\n" + b"550 5.1.1 " * 100_000,
    "addresses": b"Subject: Undelivered\nFrom: mailer-daemon@x\n\n" + b"a@b.co\n550 x\n" * 50_000,
    "fields": b"Subject: undeliverable\n\n" + b"Action: failed\nFinal-Recipient: rfc822;a@b.co\n\n" * 20_000,
    "nested": b"\n".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d" % (n, n) for n in range(2000)),
    "headers": b"X: y\n" * 200_000,
    "a word": b"Subject: " + b"unsubscribe " * 100_000 + b"\n\n",
    "a name": b"Subject: un\n\n" + b"a." * 300_000 + b"@" + b"b." * 300_000,
    "tags": b"Subject: fail\nFrom: <>\nContent-Type: text/html\n\n" + b"<a " * 500_000,
}


@pytest.mark.parametrize("kind", HUGE)
def test_a_message_of_any_size_is_read_soon(kind):
    since = time.process_time()
    read_message(HUGE[kind])
    assert time.process_time() - since < 3


def test_a_mailbox_is_cut_into_its_messages():
    one, two = plain("a\n>From here on\n"), plain("b\n")
    begin = b"From MAILER-DAEMON Mon Mar  2 09:00:00 2026\n"
    assert split_mbox(begin + one + b"\n" + begin + two) == [one.replace(b">From", b"From") + b"\n", two]
    assert split_mbox(one) == [one]


def test_a_message_built_by_a_program_of_today_is_read():
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "kim@example.com", "news@hanbit.example", "수신 거부합니다"
    message.set_content("더 이상 보내지 마세요.")
    assert only(message.as_bytes()).kind is ReportKind.UNSUBSCRIBE
