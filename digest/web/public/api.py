"""The JSON endpoints, described as OpenAPI 3.1 for those who write against them and for those who test them."""

from typing import Any

from digest import __version__
from digest.mail.inbound.webhook import KINDS, LONGEST
from digest.returns.act import Deed
from digest.web.public.webhooks import MOST_ENTRIES

_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["error"],
    "additionalProperties": False,
    "properties": {
        "error": {
            "type": "object",
            "required": ["field", "message"],
            "additionalProperties": False,
            "properties": {
                "field": {"type": "string", "description": 'Which value is wrong; "" for the whole.'},
                "message": {"type": "string"},
            },
        }
    },
}
_SIGN_UP: dict[str, Any] = {
    "type": "object",
    "required": ["email", "consent"],
    "properties": {
        "email": {"type": "string", "format": "email", "maxLength": 320, "description": "The person's address."},
        "newsletters": {
            "type": "array",
            "items": {"type": "string"},
            "description": "Slugs; none for all there are.",
        },
        "language": {"type": "string", "maxLength": 320, "description": "Of the mail that asks for confirmation."},
        "consent": {"const": True, "description": "That the person agreed to the words you showed."},
        "website": {
            "type": "string",
            "maxLength": 320,
            "description": "A field that your form hides: what has something in it is accepted and dropped.",
        },
    },
}


def _answer(description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


_PAGE: dict[str, Any] = {"content": {"text/html": {"schema": {"type": "string"}}}}
_TOKEN: dict[str, Any] = {"name": "token", "in": "path", "required": True, "schema": {"type": "string"}}
PATHS: dict[str, Any] = {
    "/unsubscribe/{token}": {
        "get": {
            "operationId": "showUnsubscribe",
            "summary": "A page with a button; it changes nothing.",
            "parameters": [_TOKEN],
            "responses": {
                "200": {"description": "The page.", **_PAGE},
                "404": {"description": "The link is not ours, or was cut.", **_PAGE},
            },
        },
        "post": {
            "operationId": "unsubscribe",
            "summary": "Leave with one click (RFC 8058).",
            "parameters": [_TOKEN],
            "requestBody": {
                "content": {
                    "application/x-www-form-urlencoded": {
                        "schema": {
                            "type": "object",
                            "required": ["List-Unsubscribe"],
                            "properties": {"List-Unsubscribe": {"const": "One-Click"}},
                        }
                    }
                },
            },
            "responses": {
                "200": {
                    "description": "The person is out, or was before.",
                    "content": {"text/plain": {"schema": {"type": "string"}}, **_PAGE["content"]},
                },
                "404": {"description": "The link is not ours, or was cut.", **_PAGE},
                "413": {"description": "The body is longer than 16 KiB."},
                "503": {"description": "The database is busy; try again."},
            },
        },
    },
    "/subscribe": {
        "get": {
            "operationId": "showForm",
            "summary": "The form as a page.",
            "responses": {"200": {"description": "The page.", **_PAGE}},
        },
        "post": {
            "operationId": "subscribe",
            "summary": "Ask for a subscription; the person confirms it by a link in a mail.",
            "requestBody": {"required": True, "content": {"application/json": {"schema": _SIGN_UP}}},
            "responses": {
                "202": _answer(
                    "Accepted, whether or not the address is known.",
                    {
                        "type": "object",
                        "required": ["status"],
                        "additionalProperties": False,
                        "properties": {"status": {"const": "accepted"}},
                    },
                ),
                "400": _answer("The body is no JSON object.", _ERROR),
                "413": {"description": "The body is longer than 16 KiB."},
                "415": _answer("It is neither JSON nor a form.", _ERROR),
                "422": _answer("A value is wrong.", _ERROR),
                "429": _answer("Too many requests of one client.", _ERROR),
                "503": {"description": "The database is busy; try again."},
            },
        },
    },
}
_TEXT: dict[str, Any] = {"type": "string", "maxLength": LONGEST}
_ENTRY: dict[str, Any] = {
    "type": "object",
    "required": ["kind"],
    "anyOf": [{"required": ["recipient"]}, {"required": ["mark"]}],
    "additionalProperties": False,
    "properties": {
        "recipient": {**_TEXT, "minLength": 1, "description": "The address it is about."},
        "mark": {
            "type": "string",
            "pattern": "^[0-9A-Fa-f]{40}$",
            "description": "X-Digest-Delivery of the mail it is about, which names person and issue.",
        },
        "message_id": {**_TEXT, "description": "Message-ID of the mail; with recipient it names the issue."},
        "kind": {"enum": [str(kind) for kind in KINDS]},
        "reason": {**_TEXT, "description": "A word for it, such as mailbox_full."},
        "status": {"type": "string", "pattern": r"^([245]\.[0-9]{1,3}\.[0-9]{1,3})?$"},
        "diagnostic": {**_TEXT, "description": "The server's own words."},
        "id": {**_TEXT, "description": "Names the event: a second one with the same changes nothing."},
    },
}
_RESULTS: dict[str, Any] = {
    "type": "object",
    "required": ["results"],
    "additionalProperties": False,
    "properties": {"results": {"type": "array", "items": {"enum": [str(deed) for deed in Deed]}}},
}
WEBHOOKS: dict[str, Any] = {
    "/webhooks/bounces": {
        "post": {
            "operationId": "reportBounces",
            "summary": "Tell of bounces, complaints and requests to leave.",
            "security": [{"token": []}],
            "requestBody": {
                "required": True,
                "content": {
                    "application/json": {
                        "schema": {"type": "array", "minItems": 1, "maxItems": MOST_ENTRIES, "items": _ENTRY}
                    }
                },
            },
            "responses": {
                "200": _answer("What followed from each, in their order.", _RESULTS),
                "400": _answer("The body is no JSON list.", _ERROR),
                "401": _answer("The token is missing or wrong.", _ERROR),
                "413": {"description": "The body is longer than 1 MiB."},
                "422": _answer("An entry is wrong; none was acted upon.", _ERROR),
                "503": {"description": "The database is busy; try again."},
            },
        }
    },
}
"""What mail services other than SES call; Amazon defines what it sends itself."""


def describe_api(*, with_webhooks: bool) -> dict[str, Any]:
    """The description of what a workspace serves, as plain JSON values."""
    described: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": "digest", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": {**PATHS, **(WEBHOOKS if with_webhooks else {})},
    }
    if with_webhooks:
        described["components"] = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}}
    return described
