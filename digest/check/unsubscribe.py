"""Which links of a page end a subscription, told by what they say."""

import re
from collections.abc import Iterator

from lxml.html import HtmlElement

from digest.check.document import HtmlDocument
from digest.check.visible import words_of

KOREAN = re.compile(r"(?:수신|구독)\s*(?:을|를)?\s*(?:거부|해지|취소|중단|철회)")
ENGLISH = re.compile(r"unsubscribe|opt[\s-]?out", re.IGNORECASE)
_OTHERS = re.compile(
    r"d[ée]sabonn|d[ée]sinscri|abmelden|abbestellen|darse de baja|cancelar (?:la )?suscripci|cancelar (?:a )?inscri"
    r"|descadastr|disiscri|annulla iscri|afmeld|uitschrijv|avregistrera|avsluta prenum|afmeld|frameld|peruuta tilaus"
    r"|wypis|odhl[aá]si|leiratkoz|dezabon|отписа|отказаться|відписа|απεγγραφ|abonelik|الغاء|إلغاء|הסר|ยกเลิก|hủy đăng"
    r"|berhenti berlangganan|配信停止|配信解除|購読解除|登録解除|退订|取消订阅|退訂|取消訂閱",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"unsub|opt-?out", re.IGNORECASE)


def find_unsubscribe_links(document: HtmlDocument) -> Iterator[HtmlElement]:
    """Every link a reader can see that says, in its own text, that it ends the subscription."""
    for link, text in _texts_of_links(document).items():
        if _says_so(text, link):
            yield link


def _says_so(text: str, link: HtmlElement) -> bool:
    if any(pattern.search(text) for pattern in (KOREAN, ENGLISH, _OTHERS)):
        return True
    is_other_script = bool(text) and not re.search(r"[A-Za-z가-힣]", text)
    # A catalogue of a workspace's own may hold a word of any language: its address tells then.
    return is_other_script and bool(_ADDRESS.search(link.get("href", "")))


def _texts_of_links(document: HtmlDocument) -> dict[HtmlElement, str]:
    """What each link says, its label and the names of its pictures included."""
    texts: dict[HtmlElement, str] = {}
    for words in words_of(document):
        if words.link is not None and words.hidden_by is None:
            texts[words.link] = f"{texts.get(words.link, words.link.get('aria-label', ''))} {words.ink}"
    return texts
