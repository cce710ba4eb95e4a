"""The JSON endpoints, described as OpenAPI 3.1 for those who write against them and for those who test them."""

from typing import Any

from digest import __version__

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
        "email": {"type": "string", "maxLength": 320, "description": "The person's address."},
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


PATHS: dict[str, Any] = {
    "/subscribe": {
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
                "422": _answer("A value is wrong.", _ERROR),
                "429": _answer("Too many requests of one client.", _ERROR),
                "503": {"description": "The database is busy; try again."},
            },
        }
    }
}
DESCRIPTION: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "digest", "version": __version__, "license": {"name": "MIT", "identifier": "MIT"}},
    "paths": PATHS,
}
