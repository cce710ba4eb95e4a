"""Inbox rows: each client shows as many columns as it has, and says what it cut."""

from digest_message import write_mail
from hypothesis import given
from hypothesis import strategies as st

from digest.render.width import display_width
from digest.web.preview.inbox import CLIENTS, PHONE_SCREEN, WIDE_SCREEN, inbox_rows
from digest.web.preview.parts import open_parts


def rows_of(**mail):
    preheader = mail.pop("preheader", "")
    body = f'<body><div style="display:none">{preheader}</div><p>본문이 이어진다</p></body>'
    return {row.client.name: row for row in inbox_rows(open_parts(write_mail(body, **mail)))}


def test_there_are_rows_for_both_screens_and_korean_clients():
    assert {client.screen for client in CLIENTS} == {WIDE_SCREEN, PHONE_SCREEN}
    assert sum("네이버" in client.name or "다음" in client.name for client in CLIENTS) == 3


def test_a_short_message_is_shown_whole_and_goes_on_with_the_body():
    row = rows_of(subject="주간 한빛", preheader="다리 위 보행로")["iOS Mail"]
    assert (row.sender, row.subject, row.cut) == ("한빛뉴스", "주간 한빛", ())
    assert row.preheader == "다리 위 보행로 본문이 이어진다"


def test_where_the_line_is_shared_a_long_subject_leaves_no_preheader():
    rows = rows_of(subject="가" * 60, preheader="다리")
    assert rows["Gmail (web)"].subject == "가" * 46 + "…"
    assert rows["Gmail (web)"].preheader == ""
    assert rows["Gmail (web)"].cut == ("subject", "preheader")


def test_a_list_without_preheaders_cuts_none():
    row = rows_of(preheader="다리" * 70)["다음 메일 (web)"]
    assert (row.preheader, row.cut) == ("", ())


def test_the_address_stands_in_for_a_missing_name():
    assert rows_of(name="")["Gmail (web)"].sender == "news@hanbit.example"


@given(st.text("가나다 abc👨‍👩‍👧\u0301", max_size=120), st.text("가나다 abc", max_size=200))
def test_no_row_is_wider_than_its_client_has_room(subject, preheader):
    for row in rows_of(subject=subject, preheader=preheader).values():
        assert display_width(row.sender) <= row.client.sender
        if row.client.shares_line:
            assert display_width(row.subject) + display_width(row.preheader) <= row.client.subject
        else:
            assert display_width(row.subject) <= row.client.subject
            assert display_width(row.preheader) <= row.client.preheader
