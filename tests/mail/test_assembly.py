"""Messages joined from pieces that were encoded ahead: whatever comes, they say what a plain build of the same says."""

import html
import re
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr, unquote
from itertools import groupby

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from letter_samples import make_masthead, parse

from digest.errors import RenderError
from digest.mail.assembly import HTML_TYPE, STORIES, TEXT_TYPE, Heading, MessageTemplate, PartTemplate, Slot, Stories
from digest.mail.encoding import BASE64, QUOTED_PRINTABLE, choose_encoding, to_lines
from digest.mail.headers import clean_name

TOKEN = "AbC_-" * 8
INJECTIONS = (
    "김\r\nBcc: victim@example.com\r\n\r\n<script>",
    "{{ name }} {% raw %} %%NAME%%",
    "\"'><img src=x onerror=alert(1)>&amp;&#0;",
    "\u202egro.elpmaxe@mik\u202c \u2066\u2069",
    "--=_0123456789abcdef--\n\n",
    "=?utf-8?B?7ZWc?= =41=\n",
    "\ud800\udfff\x00\x1b\x85\u2028",
    ".\r\n.\r\nFrom me",
    "x" * 300,
    "가나다 " * 60,
    " \t ",
    "",
)
ANY = st.text(max_size=60) | st.text(st.characters(), max_size=30) | st.sampled_from(INJECTIONS)
NAMES = ANY | st.sampled_from(["김하늘", "Kim Haneul", 'O\'Brien, "Bo" <x@y.kr>', "Ćwiek (Ania)"])
ASCII = st.text(st.characters(max_codepoint=126), max_size=60)
SLOTS = ("name", "greeting", "unsubscribe_token", "address")


def segments(texts, escape):
    """Text and slots in any order, and the place of the stories among them."""
    slots = st.sampled_from(SLOTS).map(lambda name: Slot(name=name, escape=escape))
    run = st.lists(texts | slots, max_size=6)
    return st.tuples(run, run).map(lambda runs: [*runs[0], STORIES, *runs[1], "\n"])


ISSUES = st.sampled_from([ASCII, ANY]).flatmap(
    lambda texts: st.fixed_dictionaries(
        {
            "masthead": st.fixed_dictionaries(
                {"subject": ANY, "list_name": ANY, "is_automatic": st.booleans()},
                optional={
                    "reply_to": st.just(Address("편집국", "editor", "hanbit.example")),
                    "precedence": st.just("bulk"),
                },
            ),
            "text": segments(texts, str),
            "html": segments(texts, html.escape),
            "stories": st.lists(st.tuples(texts, texts), max_size=5),
        }
    )
)
READERS = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "address": st.sampled_from(
                ["kim@example.com", f"{'k' * 64}@{'a' * 60}.example", "a.b+c=d@xn--3e0b707e.kr"]
            ),
            "own_subject": st.just("") | ANY,
            "token": st.just("") | st.just("abcdefghijklmnopqrstuvwxyz234567abcdefgh"),
            "order": st.randoms(use_true_random=False),
        }
    ),
    min_size=1,
    max_size=2,
)


class Issue:
    """Parts with their slices made once, as an issue has them."""

    def __init__(self, masthead, text, html, stories):
        self.masthead = make_masthead(
            unsubscribe_mailto="bye@hanbit.example", feedback_id="a:b:c:hanbit-example", **masthead
        )
        self.segments = {"plain": text, "html": html}
        self.stories = stories
        self.parts = [
            PartTemplate(kind, part, choose_encoding([*filter(is_text, part), *(story[place] for story in stories)]))
            for place, (kind, part) in enumerate([(TEXT_TYPE, text), (HTML_TYPE, html)])
        ]
        self.slices = [tuple(part.slice(text) for part, text in zip(self.parts, each, strict=True)) for each in stories]
        self.template = MessageTemplate(self.masthead, *self.parts)


def is_text(segment):
    return isinstance(segment, str)


def values_of(reader):
    name = clean_name(reader["name"])
    return {"name": name, "greeting": f"{name} 님께", "unsubscribe_token": TOKEN, "address": reader["address"]}


def heading_of(reader):
    return Heading(
        address=reader["address"],
        name=reader["name"],
        message_id="<0123456789abcdef@hanbit.example>",
        unsubscribe_url=f"https://hanbit.example/digest/unsubscribe/{TOKEN}",
        delivery_token=reader["token"],
        subject=reader["own_subject"],
    )


def spoken(text):
    """What the standard library can say of a text in a header: no control characters, no lone surrogates."""
    return re.sub(r"[\ud800-\udfff]", "?", re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", text))


def content_of(issue, kind, reader, order):
    """The plain text of a part, each piece with its line ends made alike."""
    place, values = ("plain", "html").index(kind), values_of(reader)
    pieces = []
    for kind_of, run in groupby(issue.segments[kind], type):
        if kind_of is str:  # texts that follow one another are one
            pieces.append("".join(run))
        elif kind_of is Slot:
            pieces += [slot.escape(values[slot.name]) for slot in run]
        else:
            pieces += [issue.stories[number][place] for number in order]
    return b"".join(map(to_lines, pieces)).decode().replace("\r\n", "\n")


def build_plainly(issue, reader, order):
    """The same message by the standard library alone."""
    masthead, heading = issue.masthead, heading_of(reader)
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = masthead.sender
    if masthead.reply_to:
        message["Reply-To"] = masthead.reply_to
    message["To"] = Address(clean_name(heading.name), addr_spec=heading.address)
    message["Subject"] = spoken(heading.subject or masthead.subject)
    message["Date"] = format_datetime(masthead.date)
    message["Message-ID"] = heading.message_id
    message["List-Id"] = f"{clean_name(masthead.list_name)} <{masthead.list_id}>"
    message["List-Unsubscribe"] = f"<{heading.unsubscribe_url}>, <mailto:bye@hanbit.example>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Feedback-ID"] = masthead.feedback_id
    if masthead.is_automatic:
        message["Auto-Submitted"] = "auto-generated"
    if masthead.precedence:
        message["Precedence"] = masthead.precedence
    if heading.delivery_token:
        message["X-Digest-Delivery"] = heading.delivery_token
    message.set_content(content_of(issue, "plain", reader, order), params={"format": "flowed"})
    message.add_alternative(content_of(issue, "html", reader, order), subtype="html")
    return message.as_bytes()


def headers_of(content):
    """Every header's decoded value. Phrases are decoded word by word: CPython's newest parser adds spaces in them."""
    message = message_from_bytes(content, policy=policy.compat32)
    return {name: decode(name, str(value)) for name, value in message.items() if name != "Content-Type"}


def decode(name, value):
    value = value.replace("\r\n", "").replace("\n", "")
    if name in ("From", "To", "Reply-To"):
        phrase, address = parseaddr(value)
        return str(make_header(decode_header(phrase))), address
    if name == "List-Id":
        phrase, _, identifier = value.rpartition("<")
        value = f"{unquote(phrase.strip())} <{identifier}"
    return re.sub(r" +", " ", str(make_header(decode_header(value)))).strip()


def as_the_library_means_it(issue, reader, plain):
    """The headers of a plain build; of words that EmailMessage damages, the true text, which ours must have too.

    It takes any =? for the beginning of an encoded word, and loses spaces where it folds between two of them.
    """
    subject, list_name = reader["own_subject"] or issue.masthead.subject, clean_name(issue.masthead.list_name)
    name = clean_name(reader["name"])
    truths = {
        "Subject": (subject, re.sub(" +", " ", spoken(subject)).strip()),
        "List-Id": (list_name, f"{list_name} <{issue.masthead.list_id}>".strip()),
        "To": (name, (name, reader["address"])),
    }
    return {
        **plain,
        **{
            header: truth
            for header, (words, truth) in truths.items()
            if "=?" in words or without_spaces(plain[header]) == without_spaces(truth)
        },
    }


def without_spaces(value):
    return re.sub(r" ", "", str(value))


def parts_of(content):
    message = parse(content)
    assert message.get_content_type() == "multipart/alternative"
    assert not message.defects
    parts = list(message.iter_parts())
    bodies = [part.get_payload(decode=True) for part in parts]
    assert not any(part.defects for part in parts)
    kinds = [(part.get_content_type(), part.get_content_charset(), part.get_param("format")) for part in parts]
    return list(zip(kinds, bodies, strict=True))


def check_wire_form(content):
    """RFC 5322 2.1.1, RFC 2045 6.7 and 6.8, RFC 5321 2.3.8: 7-bit, CRLF only, short lines, an end to the last one."""
    assert content.isascii()
    assert not re.search(rb"\r(?!\n)|(?<!\r)\n|\0", content)
    assert content.endswith(b"--\r\n")
    head, _, body = content.partition(b"\r\n\r\n")
    assert all(len(line) <= 76 for line in body.split(b"\r\n"))
    assert all(len(line) <= 76 for line in head.split(b"\r\n") if b"=?" in line)
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))


@given(issue=ISSUES, readers=READERS)
@settings(max_examples=60, deadline=None)
def test_a_joined_message_parses_to_what_a_plain_build_of_the_same_content_parses_to(issue, readers):
    compare_with_a_plain_build(Issue(**issue), readers)


@pytest.mark.slow
@given(issue=ISSUES, readers=READERS)
@settings(max_examples=500, deadline=None)
def test_that_holds_for_five_hundred_issues_each_with_its_readers(issue, readers):
    compare_with_a_plain_build(Issue(**issue), readers)


def compare_with_a_plain_build(issue, readers):
    for reader in readers:
        order = list(range(len(issue.stories)))
        reader["order"].shuffle(order)
        order = order[: reader["order"].randint(0, len(order))]
        chosen = [issue.slices[number] for number in order]
        stories = Stories([text for text, _ in chosen], [html for _, html in chosen])
        content = issue.template.write(heading_of(reader), values_of(reader), stories)
        plain = build_plainly(issue, reader, order)
        check_wire_form(content)
        assert headers_of(content) == as_the_library_means_it(issue, reader, headers_of(plain))
        assert parts_of(content) == parts_of(plain)


HTML = [
    "<!DOCTYPE html>\n<p>",
    Slot(name="name", escape=html.escape),
    ' 님</p>\n<a href="',
    Slot(name="url", escape=html.escape),
    '">x</a>\n',
]
TEXT = ["안녕하세요, ", Slot(name="name", escape=str), " 님\n", Slot(name="url", escape=str), "\n"]
ASCII_TEXT = ["Hello ", Slot(name="name", escape=str), ",\n", Slot(name="url", escape=str), "\n"]


def write(name="김하늘", text=TEXT, **heading):
    template = MessageTemplate(make_masthead(), PartTemplate(TEXT_TYPE, text), PartTemplate(HTML_TYPE, HTML))
    heading = {
        "address": "kim@example.com",
        "name": name,
        "message_id": "<1@x.kr>",
        "unsubscribe_url": "https://x.kr/u",
        **heading,
    }
    return template.write(Heading(**heading), {"name": name, "url": "https://x.kr/u?a=1&b=2"})


@pytest.mark.parametrize("text", [TEXT, ASCII_TEXT])
@pytest.mark.parametrize("name", INJECTIONS)
def test_no_value_breaks_out_of_its_header_attribute_or_encoding(name, text):
    content, harmless = write(name, text), write("Kim", text)
    check_wire_form(content)
    assert parse(content).keys() == parse(harmless).keys()
    assert [kind for kind, _ in parts_of(content)] == [kind for kind, _ in parts_of(harmless)]
    (_, plain), (_, markup) = parts_of(content)
    value = to_lines(name)
    assert plain == to_lines(text[0]) + value + to_lines(text[2]) + b"https://x.kr/u?a=1&b=2\r\n"
    assert markup.count(b"<") == b"".join(map(to_lines, filter(is_text, HTML))).count(b"<")
    assert markup.count(b'"') == 2
    assert parse(content)["To"].addresses[0].addr_spec == "kim@example.com"


@pytest.mark.parametrize(
    "change",
    [
        {"message_id": "<1@x.kr>\r\nBcc: a@x.kr"},
        {"message_id": "<1 @x.kr>"},
        {"unsubscribe_url": "https://x.kr/>, <mailto:a@x.kr"},
        {"unsubscribe_url": "https://x.kr/\r\n\r\n<html>"},
        {"unsubscribe_url": "https://x.kr/한"},
        {"delivery_token": "abc\nBcc: a@x.kr"},
        {"delivery_token": "abc def"},
        {"address": "kim@x.kr\r\nBcc: a@x.kr"},
        {"address": "kim@x.kr>, <lee@x.kr"},
    ],
)
def test_a_link_token_or_address_that_could_end_its_header_is_refused(change):
    with pytest.raises(RenderError, match=r"cannot (stand in a header|be mailed)"):
        write(**change)


@pytest.mark.parametrize("change", [{"list_id": "a b"}, {"unsubscribe_mailto": "a@x.kr>,<b@x.kr"}])
def test_a_masthead_that_could_end_its_header_is_refused(change):
    with pytest.raises(RenderError, match="cannot stand in a header"):
        MessageTemplate(make_masthead(**change), PartTemplate(TEXT_TYPE, ["x"]), PartTemplate(HTML_TYPE, ["x"]))


def test_an_automatic_issue_says_so_and_one_that_a_person_sent_does_not():
    """RFC 3834 section 5; precedence is old and not wanted by default."""
    parts = PartTemplate(TEXT_TYPE, ["x"]), PartTemplate(HTML_TYPE, ["x"])
    heading = Heading(address="kim@example.com", message_id="<1@x.kr>", unsubscribe_url="https://x.kr/u")

    def headers(**changes):
        return parse(MessageTemplate(make_masthead(**changes), *parts).write(heading, {}))

    assert headers(is_automatic=True)["Auto-Submitted"] == "auto-generated"
    assert headers(precedence="bulk")["Precedence"] == "bulk"
    assert not {"Auto-Submitted", "Precedence", "Feedback-ID", "X-Digest-Delivery"} & set(headers())


def test_the_messages_of_an_issue_share_their_boundary_and_those_of_another_do_not():
    boundaries = {parse(write(name)).get_boundary() for name in ("Kim", "Lee")}
    assert len(boundaries) == 1
    parts = PartTemplate(TEXT_TYPE, ["x"]), PartTemplate(HTML_TYPE, ["x"])
    other = MessageTemplate(make_masthead(date=datetime(2026, 3, 9, tzinfo=UTC)), *parts)
    heading = Heading(address="kim@example.com", message_id="<1@x.kr>", unsubscribe_url="https://x.kr/u")
    assert parse(other.write(heading, {})).get_boundary() not in boundaries


def test_a_part_has_base64_where_its_text_is_not_ascii_and_a_name_changes_nothing_about_that():
    def encodings(content):
        return [part["Content-Transfer-Encoding"] for part in parse(content).iter_parts()]

    assert encodings(write("Kim")) == encodings(write("김")) == ["base64", "base64"]
    assert encodings(write("Kim", ASCII_TEXT)) == encodings(write("김", ASCII_TEXT)) == ["quoted-printable", "base64"]


@pytest.mark.parametrize("encoding", [BASE64, QUOTED_PRINTABLE])
@given(text=ANY, name=ANY)
@settings(deadline=None)
def test_the_size_of_a_part_is_that_of_its_bytes_in_the_message(encoding, text, name):
    part = PartTemplate(HTML_TYPE, [text, Slot(name="name", escape=str), STORIES], encoding)
    stories = [part.slice("이야기\n"), "지나가는 말", part.slice("x")]
    template = MessageTemplate(make_masthead(), PartTemplate(TEXT_TYPE, ["x"]), part)
    heading = Heading(address="kim@example.com", message_id="<1@x.kr>", unsubscribe_url="https://x.kr/u")
    content = template.write(heading, {"name": name}, Stories(html=stories))
    body = content.partition(b"Content-Type: text/html")[2].partition(b"\r\n\r\n")[2]
    boundary = parse(content).get_boundary().encode()
    assert part.measure({"name": name}, stories) == len(body.partition(b"\r\n--" + boundary)[0])
    decoded = list(parse(content).iter_parts())[1].get_payload(decode=True)
    assert decoded == b"".join(map(to_lines, (text, name, "이야기\n", "지나가는 말", "x")))


def test_an_empty_part_is_empty():
    assert PartTemplate(HTML_TYPE, [], BASE64).measure({}) == 0
    content = MessageTemplate(make_masthead(), PartTemplate(TEXT_TYPE, []), PartTemplate(HTML_TYPE, [], BASE64)).write(
        Heading(address="kim@example.com", message_id="<1@x.kr>", unsubscribe_url="https://x.kr/u"), {}
    )
    assert [body for _, body in parts_of(content)] == [b"", b""]


def test_a_part_has_one_place_for_stories():
    with pytest.raises(ValueError, match="one place for stories"):
        PartTemplate(TEXT_TYPE, ["a", STORIES, "b", STORIES])


def test_a_slot_without_a_value_is_no_empty_value():
    with pytest.raises(KeyError, match="name"):
        PartTemplate(TEXT_TYPE, [Slot(name="name", escape=str)]).fill({})
