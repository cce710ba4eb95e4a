"""What a server's reply means: the words and codes of real servers, told here in invented replies."""

import json
import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digest.deliver.transport import Outcome
from digest.model import DeliveryState
from digest.replies.classify import classify
from digest.replies.kinds import CONSEQUENCES, ReplyKind

AGREEMENT = 0.96
"""How many of the real replies are understood as their labels say, at least."""


def kind_of(reply):
    """The kind of a reply as a server sends it: "550 5.1.1 No such user"."""
    code, _, words = reply.partition(" ")
    state = DeliveryState.FAILED if code.startswith("5") else DeliveryState.DEFERRED
    return classify(Outcome(state=state, code=int(code), reply=words))


REPLIES = {
    "recipient_unknown": [
        "550 5.1.1 <kim@example.com>: Recipient address rejected: User unknown in local recipient table",
        (
            "550 5.1.1 The email account that you tried to reach does not exist. Please try double-checking "
            "the address or learn more at https://support.google.com/mail/?p=NoSuchUser x1si9.8 - gsmtp"
        ),
        "550 5.1.1 RUSR 192.0.2.1: No such user: <kim@example.com>",
        "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient kim@example.com not found by SMTP address lookup",
        "550 5.4.1 Recipient address rejected: Access denied. [AB0001.prod.protection.outlook.com]",
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "554 delivery error: dd This user doesn't have a yahoo.example account (kim@example.com) [0]",
        "550 Unrouteable address",
        "550 5.1.1 존재하지 않는 사용자입니다",
        "550 5.1.1 <blocked@example.com>: User unknown",
        "550 5.1.1 <spam@example.com> unknown user, see https://example.com/policy/spam#blocked",
        "550 5.1.1",
        "550 Invalid Recipient - https://community.mimecast.example/docs/DOC-1369#550",
    ],
    "host_unknown": [
        "550 5.1.2 <kim@nowhere.example>... Host unknown (Name server: host not found)",
        "550 5.4.4 Host or domain name not found. Name service error for name=nowhere.example type=A",
        "553 nowhere.example does not exist",
    ],
    "moved": ["551 5.1.6 User has moved to another server", "551 not our user", "550 no longer on server"],
    "not_accepting": [
        "550 5.2.1 The email account that you tried to reach is disabled.",
        "550 5.2.1 The email account that you tried to reach is inactive. https://example.com/?p=DisabledUser",
        "550 5.1.1 Inactive mbox",
        "550 5.1.1 Suspended user",
        "550 5.2.1 휴면 계정입니다",
        "554 Sorry, this account has been disabled or discontinued [#102].",
        "556 5.1.10 Recipient address has null MX",
        "521 5.3.2 System not accepting network messages",
    ],
    "mailbox_full": [
        "552 5.2.2 The email account that you tried to reach is over quota.",
        "452 4.2.2 The recipient's inbox is out of storage space",
        "550 5.2.2 STOREDRV.Deliver: mailbox full",
        "552 Requested mail action aborted: exceeded storage allocation",
        "552 5.2.2 편지함 용량이 초과되었습니다",
    ],
    "too_large": [
        "552 5.3.4 Message size exceeds fixed limit",
        "552 5.2.3 Your message exceeded the message size limits",
        "550 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient",
    ],
    "throttled": [
        "450 4.2.0 <kim@example.com>: Recipient address rejected: Greylisted",
        "421 4.7.28 Our system has detected an unusual rate of unsolicited mail originating from your IP address.",
        "451 4.7.650 The mail server [192.0.2.1] has been temporarily rate limited due to IP reputation.",
        "421 4.7.0 [TSS04] Messages from 192.0.2.1 temporarily deferred due to unexpected volume or user complaints",
        "421 4.3.1 You send too many messages.",
        "421 4.4.5 CCRT 192.0.2.1: Connection refused. Server is busy(RT)",
        "421 4.7.0 mx.example.com Error: too many connections from 192.0.2.1",
        "450 4.2.1 The user you are trying to contact is receiving mail too quickly.",
        "550 5.2.1 The user you are trying to contact is receiving mail at a rate that prevents further messages",
        "454 4.7.0 Throttling failure: Maximum sending rate exceeded.",
        "451 4.3.2 Please try again later",
        "450 잠시 후 다시 시도해 주십시오",
        "452 4.5.3 Too many recipients",
    ],
    "blocked": [
        "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org",
        (
            "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Part of their network is on our "
            "block list (S3150)."
        ),
        "550 5.7.606 Access denied, banned sending IP [192.0.2.1].",
        (
            "550 5.7.1 Gmail has detected that this message is likely suspicious due to the very low reputation of the "
            "sending domain."
        ),
        "421 4.3.2 Your IP(192.0.2.1) is filtered and this connection will be closed. You must register your IP",
        "554 5.7.1 [192.0.2.1] is listed in KISA-RBL",
        "550 Transaction failed. (SPAM_SUSPECT:IP_CONTROL)",
        "553 5.3.0 Mail from 192.0.2.1 not allowed - see https://ipcheck.proofpoint.com/?ip=192.0.2.1",
        "421 4.7.1 [TS03] All messages from 192.0.2.1 will be permanently deferred",
        "550 발신 서버 IP가 차단되었습니다",
    ],
    "spam": [
        "550 5.7.1 Our system has detected that this message is likely unsolicited mail.",
        "554 5.7.1 DAS51 192.0.2.1: Your mail is rejected automatically by anti-spam system. (E06)",
        "550 5.7.1 Message contains spam or virus. Rejected: CS01",
        "550 High probability of spam",
        "550 5.7.1 스팸으로 분류된 메일입니다",
    ],
    "authentication": [
        "550 5.7.26 Unauthenticated email from example.com is not accepted due to domain's DMARC policy.",
        "550 5.7.1 Email rejected per SPF policy; see spam rules",
        "550 5.7.515 Access denied, sending domain EXAMPLE.COM doesn't meet the required authentication level",
        "550 5.7.25 The IP address sending this message does not have a PTR record setup",
        "450 4.7.1 Client host rejected: cannot find your reverse hostname, [192.0.2.1]",
        "550 5.7.23 The message was rejected because of Sender Policy Framework violation",
        "554 5.7.1 Bad DKIM signature",
    ],
    "policy": [
        "554 5.7.9 Message not accepted for policy reasons. See https://senders.yahooinc.com/error-codes",
        "550 5.7.1 This message is not RFC 5322 compliant. To reduce spam sent to Gmail, it has been blocked.",
        "550 You are registered as spammer (by user's reject list)",
        "550 5.7.1 TRANSPORT.RULES.RejectMessage; the message was rejected by organization policy",
        "550 5.7.0",
    ],
    "relay_denied": [
        "554 5.7.1 <kim@example.com>: Relay access denied",
        "550 5.7.1 Unable to relay for kim@example.com",
        "530 5.7.57 Client not authenticated to send mail",
        "535 5.7.8 Username and Password not accepted",
        "553 5.7.1 <news@example.com>: Sender address rejected: not owned by user news",
        "550 5.1.8 <news@example.com>: Sender address rejected: Domain not found",
        "503 5.5.1 Bad sequence of commands",
        "554 Message rejected: Email address is not verified. The following identities failed the check",
        "550 5.4.5 Daily user sending limit exceeded.",
        "550 5.7.1 Your account has been suspended for abuse",
        "550 5.1.0 The sender's domain does not exist",
        "504 5.5.2 <localhost>: Helo command rejected: need fully-qualified hostname",
    ],
    "temporary": [
        "451 4.3.0 Temporary lookup failure",
        "450 4.1.1 <kim@example.com>: Recipient address rejected: unverified address: User unknown",
        "421 4.4.2 mx.example.com Error: timeout exceeded",
        "452 4.3.1 Insufficient system storage",
        "450 4.1.2 <kim@example.com>: Recipient address rejected: Domain not found",
        "450 4.2.1 Mailbox temporarily disabled",
    ],
    "permanent_unknown": [
        "550 Rejected",
        "554 Transaction failed",
        "550 Requested action not taken: mailbox unavailable",
        "550 5.2.0 Mailbox temporarily suspended",
        "554 5.4.6 Too many hops",
    ],
}
"""Replies by what they mean; the form of each is that of the server it is told of in `rules.py`."""


@pytest.mark.parametrize(("kind", "reply"), [(kind, reply) for kind, replies in REPLIES.items() for reply in replies])
def test_replies_of_known_servers_are_understood(kind, reply):
    assert kind_of(reply) == kind


def test_every_kind_has_an_example_and_a_consequence():
    assert set(REPLIES) == set(ReplyKind) - {ReplyKind.DELIVERED}
    assert set(CONSEQUENCES) == set(ReplyKind)


def test_what_was_taken_is_delivered_whatever_is_said_then():
    assert classify(Outcome(state=DeliveryState.SENT, code=250, reply="2.0.0 user unknown?")) == ReplyKind.DELIVERED


def test_what_is_not_known_is_nobodys_fault():
    unknown = Outcome(state=DeliveryState.UNCERTAIN, code=None, reply="lost while blocked in a read")
    assert not CONSEQUENCES[classify(unknown)].counts_against_sender


@pytest.mark.parametrize(
    "reply",
    [
        "550 your IP address is unknown to us",
        "554 Too many errors on this account of yours; connection closed",
        "550 5.7.1 sender address does not exist",
        "550 Host does not accept mail from dynamic addresses",
        "554 5.7.1 Message from an inactive DKIM selector",
        "550 5.7.1 invalid email format in From header",
        "535 5.7.139 Authentication unsuccessful, account is disabled",
        "550 Your IP is not listed in our directory of senders",
    ],
)
def test_what_is_said_of_the_sender_takes_no_reader_off_the_list(reply):
    assert not CONSEQUENCES[kind_of(reply)].suppress


def test_the_words_of_a_program_count_where_it_names_a_final_code():
    said = "550 5.1.1 <kim@example.com>: User unknown"
    failed = Outcome(state=DeliveryState.FAILED, code=None, reply=said)
    assert classify(failed) == ReplyKind.RECIPIENT_UNKNOWN
    assert classify(Outcome(state=DeliveryState.DEFERRED, code=None, reply=said)) == ReplyKind.TEMPORARY
    assert classify(Outcome(state=DeliveryState.FAILED, code=None, reply="user unknown")) != "recipient_unknown"


@given(
    code=st.one_of(st.none(), st.integers(200, 599)),
    words=st.one_of(st.text(), st.sampled_from([r for replies in REPLIES.values() for r in replies])),
    state=st.sampled_from([DeliveryState.DEFERRED, DeliveryState.FAILED]),
)
def test_no_reply_is_too_odd_and_only_a_final_one_takes_an_address_off_the_list(code, words, state):
    kind = classify(Outcome(state=state, code=code, reply=words))
    if code is not None and code < 500:
        assert not CONSEQUENCES[kind].suppress
    if state is DeliveryState.DEFERRED and code is None:
        assert not CONSEQUENCES[kind].suppress


@given(st.text(alphabet="user is unknown: mailbox, not <@>.", max_size=500), st.integers(1, 40))
def test_a_long_reply_is_understood_at_once(words, times):
    """No pattern takes time that grows with the square of the reply."""
    classify(Outcome(state=DeliveryState.FAILED, code=550, reply=words * times))


# Real replies

MEANINGS = {
    "userunknown": {"recipient_unknown", "not_accepting"},
    # "filtered" is Sisimai's word for a reader who is refused as unknown after DATA, or by a filter without a reason.
    "filtered": {"recipient_unknown", "not_accepting", "policy", "permanent_unknown"},
    "hostunknown": {"host_unknown"},
    "hasmoved": {"moved"},
    "notaccept": {"not_accepting"},
    "suspend": {"not_accepting"},
    "mailboxfull": {"mailbox_full"},
    "mesgtoobig": {"too_large"},
    "exceedlimit": {"too_large"},
    "toomanyconn": {"throttled"},
    "speeding": {"throttled"},
    "blocked": {"blocked"},
    # "rejected" is its word for a sender's address that is refused, for whatever reason.
    "rejected": {"relay_denied", "blocked", "authentication"},
    "requireptr": {"authentication"},
    "authfailure": {"authentication"},
    "securityerror": {"policy", "blocked", "authentication"},
    "policyviolation": {"policy"},
    "notcompliantrfc": {"policy"},
    "spamdetected": {"spam"},
    "virusdetected": {"spam"},
    "norelaying": {"relay_denied"},
    # What is nobody's fault, or is not said.
    "systemerror": {"temporary", "permanent_unknown", "throttled"},
    "mailererror": {"temporary", "permanent_unknown"},
    "networkerror": {"temporary", "permanent_unknown"},
    "expired": {"temporary", "permanent_unknown"},
    "onhold": {"temporary", "permanent_unknown"},
}
"""The labels of the samples, and the kinds that mean the same."""
REPLY = re.compile(r"^(?:.*?(?:said:|\]:|reason:|was:|<<<|\S+@\S+:|>:)\s+|[>\s]*)([45]\d\d)([ -])(.*)$")


def real_replies(raw):
    """The replies that a bounce tells of: of its Diagnostic-Code fields, else the first in its text."""
    text = raw.decode("utf-8", errors="replace").replace("\r\n", "\n")
    unfolded = re.sub(r"\n[ \t]+", " ", text)
    fields = re.findall(r"(?im)^Diagnostic-Code:\s*smtp;\s*(.*\d\d\d.*)$", unfolded)
    return [field for field in fields if not re.search(r"=$", field)] or first_reply(text)


def first_reply(text):
    lines = text.partition("\n\n")[2].split("\n")
    for number, line in enumerate(lines):
        if found := REPLY.match(line):
            rest = []
            for following in lines[number + 1 : number + 6]:
                more = re.match(rf"^\s*(?:{found[1]}[- ])?(.*)$", following)
                if not following.strip() or following.startswith(("-", ">", "<")):
                    break
                rest.append(more[1])
            return [" ".join([found[1], found[3], *rest])]
    return []


def test_real_replies_are_understood_as_their_labels_say(data_folder):
    labels = json.loads((data_folder / "bounces" / "labels.json").read_text("utf-8"))
    told = Counter()
    wrong = []
    for name, recipients in labels.items():
        replies = real_replies((data_folder / "bounces" / f"{name}.eml").read_bytes())
        if len(replies) != len(recipients) or not all(r["reply"] for r in recipients):
            continue
        for reply, recipient in zip(replies, recipients, strict=True):
            kind = kind_of_field(reply)
            is_right = kind in MEANINGS[recipient["reason"]]
            told[is_right] += 1
            if not is_right:
                wrong.append(f"{name:24} {recipient['reason']:16} {kind:18} {reply[:120]}")
    table = "\n".join(wrong)
    assert told.total() > 120
    assert told[True] / told.total() >= AGREEMENT, f"{told[True]} of {told.total()} agree; not:\n{table}"


def kind_of_field(reply):
    found = re.match(r"([45]\d\d)[ -](.*)", reply)
    code = int(found[1]) if found else None
    state = DeliveryState.DEFERRED if code and code < 500 else DeliveryState.FAILED
    return classify(Outcome(state=state, code=code, reply=found[2] if found else reply))
