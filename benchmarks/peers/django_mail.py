"""Django's mail over one connection that is kept: python django_mail.py HOST PORT CONNECTIONS COUNT PARTS.

Django has no more than one connection; the number is there because every peer is called in the same way.
"""

import json
import sys
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection

BATCH = 100

host, port, _, count, file = sys.argv[1:]
parts = json.loads(Path(file).read_text(encoding="utf-8"))
settings.configure(EMAIL_BACKEND="django.core.mail.backends.smtp.EmailBackend", EMAIL_HOST=host, EMAIL_PORT=int(port))


def make_message(number, connection):
    message = EmailMultiAlternatives(
        parts["subject"],
        parts["text"],
        parts["from"],
        [f"reader{number}@mail{number % 500}.example.com"],
        headers=parts["headers"],
        connection=connection,
    )
    message.attach_alternative(parts["html"], "text/html")
    return message


with get_connection() as kept:
    for first in range(0, int(count), BATCH):
        numbers = range(first, min(first + BATCH, int(count)))
        kept.send_messages([make_message(number, kept) for number in numbers])
