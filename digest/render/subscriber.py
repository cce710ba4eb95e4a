"""What a template has of the person a copy is for, before there is one."""

from typing import NoReturn

from jinja2 import TemplateRuntimeError

from digest.language import Language
from digest.render.clean import clean_line
from digest.render.context import SubscriberContext
from digest.render.request import RenderRequest
from digest.render.slots import Slot
from digest.settings import OWN_WORDS


class Name(str):
    """Prints as the marker of the name; whether there is one is known of each copy only."""

    __slots__ = ()

    def __bool__(self) -> NoReturn:
        """Refuse, with a way out."""
        raise TemplateRuntimeError(
            "subscriber.name cannot be tested: not all readers have one; put what hangs on it into "
            "{% if_name %} … {% endif_name %}"
        )


def build_subscriber(request: RenderRequest, language: Language) -> SubscriberContext:
    """The name and the greeting as what marks their places."""
    setting = request.newsletter.greeting
    # Translators: the first line of a mail, to a reader whose name is known; keep it right for any name.
    words = language.gettext("Hello {name},") if setting == OWN_WORDS else setting
    greeting = Slot("name", tuple(clean_line(words).split("{name}"))).mark(request.nonce) if words else ""
    return SubscriberContext(name=Name(Slot("name").mark(request.nonce)), greeting=greeting)
