"""Warnings that a mail is late, which are no bounces yet."""

import json

import pytest

from digest.mail.inbound.read import read_message

EXIM = """This message was created automatically by mail delivery software.
A message that you sent has not yet been delivered to one or more of its
recipients after more than 24 hours on the queue on mx.example.com.

No action is required on your part. Delivery attempts will continue for
some time, and this warning may be repeated at intervals if the message
remains undelivered.
"""
GMAIL = """This is an automatically generated Delivery Status Notification

THIS IS A WARNING MESSAGE ONLY.

YOU DO NOT NEED TO RESEND YOUR MESSAGE.

Delivery to the following recipient has been delayed:

     kim@example.com

Message will be retried for 2 more day(s)
"""
GIVEN_UP = "I'm not going to try again; this message has been in the queue too long. I've given up. Sorry.\n"


def says(body):
    head = "From: Mailer-Daemon@mx.example.com\nTo: news@hanbit.example\nSubject: Warning: message delayed\n\n"
    return read_message(f"{head}{body}\n<kim@example.com>: 452 4.2.2 mailbox full\n".encode())


@pytest.mark.parametrize("body", [EXIM, GMAIL])
def test_a_warning_in_words_is_a_delay(body):
    assert says(body).is_delay


def test_what_was_given_up_is_no_delay():
    assert not says(GIVEN_UP).is_delay
    assert not says(GIVEN_UP + EXIM).is_delay


def test_no_hard_bounce_of_the_real_ones_is_taken_for_a_delay(data_folder):
    folder = data_folder / "bounces"
    labels = json.loads((folder / "labels.json").read_text("utf-8"))
    hard = [name for name, people in labels.items() if any(person["hard"] for person in people)]
    assert len(hard) > 50
    assert [name for name in hard if read_message((folder / f"{name}.eml").read_bytes()).is_delay] == []
