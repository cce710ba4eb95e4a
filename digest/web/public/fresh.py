"""Answers that may be kept: by browsers, feed readers and caches on the way, until they ask whether they are fresh."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response

_OF_CONTENT = frozenset({"content-length", "content-type"})


def answer_fresh(request: Request, answer: Response, *, changed_at: datetime, seconds: int) -> Response:
    """The answer with validators, or 304 where the client has it already (RFC 9110 13.2.2).

    A 304 replaces headers that were kept (RFC 9111 3.2): it carries the policy of the page, as another one would
    take its styles away.

    Args:
        request: what is answered.
        answer: as it would be sent whole.
        changed_at: the Last-Modified of it.
        seconds: how long it may be used without asking.
    """
    body = bytes(answer.body)
    answer.headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:24]}"'
    answer.headers["Last-Modified"] = format_datetime(changed_at.astimezone(UTC), usegmt=True)
    answer.headers["Cache-Control"] = f"public, max-age={seconds}"
    if not _is_kept(request.headers, answer.headers["ETag"], changed_at):
        return answer
    headers = {name: value for name, value in answer.headers.items() if name not in _OF_CONTENT}
    return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)


def _is_kept(headers: Mapping[str, str], tag: str, changed_at: datetime) -> bool:
    """Where a tag is given the date counts for nothing (RFC 9110 13.1.3); a front server may have made it weak."""
    if given := headers.get("if-none-match"):
        return given.strip() == "*" or tag in {each.strip().removeprefix("W/") for each in given[:2000].split(",")}
    try:
        since = parsedate_to_datetime(headers.get("if-modified-since", ""))
    except (TypeError, ValueError):
        return False
    return since.tzinfo is not None and changed_at.replace(microsecond=0) <= since
