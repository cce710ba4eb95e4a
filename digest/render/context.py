"""What a template can use, field by field; `context_fields` is the reference that the documentation prints."""

from collections.abc import Iterator
from dataclasses import Field, dataclass, field, fields, is_dataclass
from typing import Any, get_args

from markupsafe import Markup

from digest.language import Language


@dataclass(frozen=True, kw_only=True)
class SiteContext:
    """The publisher."""

    name: str = field(metadata={"help": "The site's name."})
    postal_address: str = field(metadata={"help": 'Where the publisher can be written to, or "".'})
    phone: str = field(metadata={"help": 'Where the publisher can be called, or "".'})


@dataclass(frozen=True, kw_only=True)
class NewsletterContext:
    """The publication."""

    slug: str = field(metadata={"help": "Its short name, as in commands and links."})
    title: str = field(metadata={"help": "Its name, as readers see it."})


@dataclass(frozen=True, kw_only=True)
class WrittenContext:
    """Words an editor wrote in Markdown; both are "" where there are none."""

    html: Markup = field(metadata={"help": "As HTML: p, a, strong, em, ul, ol, li, br and headings."})
    text: str = field(metadata={"help": "As plain text, each paragraph on one line."})


@dataclass(frozen=True, kw_only=True)
class LogoContext:
    """The publisher's sign; what stands in its place is the masthead."""

    url: str = field(metadata={"help": "Its https address."})
    width: int = field(metadata={"help": "Pixels at which it is shown."})
    height: int = field(metadata={"help": "Pixels at which it is shown."})


@dataclass(frozen=True, kw_only=True)
class SocialLinkContext:
    """Another place where the publisher is found."""

    name: str = field(metadata={"help": 'What readers call it ("YouTube").'})
    url: str = field(metadata={"help": "Its https address."})


@dataclass(frozen=True, kw_only=True)
class BrandContext:
    """How the newsletter shows whose it is."""

    masthead: str = field(metadata={"help": "The name at the top: the brand's, else the newsletter's title."})
    tagline: str = field(metadata={"help": 'The line under it, or "".'})
    logo: LogoContext | None = field(metadata={"help": "The picture in place of the name, or none."})
    accent: str = field(metadata={"help": "The one colour, #rrggbb; readable on the light papers."})
    accent_dark: str = field(metadata={"help": "The same for dark mode; readable on the dark papers."})
    footer: WrittenContext = field(metadata={"help": "The publisher's words at the end."})
    social: tuple[SocialLinkContext, ...] = field(metadata={"help": "Links for the footer, in order."})


@dataclass(frozen=True, kw_only=True)
class FigureContext:
    """A number of the issue with what it counts."""

    value: str = field(metadata={"help": 'Short enough for large type ("10", "640만", "6.4M").'})
    label: str = field(metadata={"help": 'What it counts ("기사", "조회 합계").'})


@dataclass(frozen=True, kw_only=True)
class EditionContext:
    """This issue of it."""

    date: str = field(metadata={"help": 'The edition date in words ("2019년 4월 8일").'})
    range: str = field(metadata={"help": 'The days it covers, in words ("2019년 4월 1일 ~ 7일").'})
    count: int = field(metadata={"help": "How many articles it shows, the lead included."})
    size: str = field(metadata={"help": 'The same in words ("10 articles").'})
    figures: tuple[FigureContext, ...] = field(
        metadata={"help": "The issue in numbers: articles, their views, sections; without those that say nothing."}
    )


@dataclass(frozen=True, kw_only=True)
class ImageContext:
    """A picture that every mail client can show."""

    url: str = field(metadata={"help": "Its https address; jpg, png, gif, or without an extension."})
    alt: str = field(metadata={"help": "What stands in its place when pictures are blocked: the caption or the title."})
    caption: str = field(metadata={"help": 'The line under it, or "".'})
    width: int = field(metadata={"help": "Pixels, 600 at most: the width attribute that Outlook needs."})
    height: int = field(metadata={"help": "Pixels in proportion to width."})


@dataclass(frozen=True, kw_only=True)
class ArticleContext:
    """One article at its place."""

    position: int = field(metadata={"help": "Its place in the issue; 1 is the lead."})
    is_pinned: bool = field(metadata={"help": "Whether the editor put it there, views aside."})
    title: str = field(metadata={"help": "The headline."})
    url: str = field(metadata={"help": "Its address, ready for an attribute."})
    subheads: tuple[str, ...] = field(metadata={"help": "The bullet lines under the headline; five at most."})
    excerpt: str = field(metadata={"help": 'The opening of the text, shortened: longer for the lead; or "".'})
    image: ImageContext | None = field(
        metadata={"help": "Its picture, or none: also where its size is not known, or images = false."}
    )
    section: str = field(metadata={"help": 'The section as readers know it, or "".'})
    source: str = field(metadata={"help": 'The press it comes from, or "".'})
    author: str = field(metadata={"help": 'Who wrote it, or "".'})
    published: str = field(metadata={"help": 'When it was published, in words and local time ("4월 3일 (수) 14:20").'})
    views: int = field(metadata={"help": "Views in the window; 0 where they are not known or not comparable."})
    bar: int = field(
        metadata={"help": "Length of its bar: its views in percent of the most viewed of all, 1 to 100; 0 for no bar."}
    )
    language: str = field(metadata={"help": 'Its language tag where it is not that of the issue, else "".'})
    direction: str = field(metadata={"help": '"ltr" or "rtl" where the language is not that of the issue, else "".'})


@dataclass(frozen=True, kw_only=True)
class SectionContext:
    """The articles of one section."""

    name: str = field(metadata={"help": 'The section as readers know it; "" for articles without one.'})
    heading: str = field(
        metadata={
            "help": 'What stands over it: its name, else "Other stories", or "Most read" where it is the only one.'
        }
    )
    top: ArticleContext = field(metadata={"help": "The first of its articles."})
    others: tuple[ArticleContext, ...] = field(metadata={"help": "Its other articles, in order."})


@dataclass(frozen=True, kw_only=True)
class SubscriberContext:
    """Whom a copy is for; put in when the message is written."""

    name: str = field(
        metadata={
            "help": "What the reader is called, in 40 columns at most; for use in {% if_name %}. Filled for each "
            "subscriber."
        }
    )
    greeting: str = field(
        metadata={
            "help": 'The newsletter\'s greeting with the name in it ("Hello Kim,"), and nothing for a reader without a '
            'name; "" where the newsletter has none. Filled for each subscriber.'
        }
    )


@dataclass(frozen=True, kw_only=True)
class LinksContext:
    """Where the issue's own links lead."""

    site: str = field(metadata={"help": 'The site\'s front page, or "".'})
    preferences: str = field(metadata={"help": "The subscriber's settings; filled for each subscriber."})
    unsubscribe: str = field(metadata={"help": "Ends the subscription; required. Filled for each subscriber."})
    archive: str = field(metadata={"help": 'This issue as a page of the web, the same for everybody, or "".'})


@dataclass(frozen=True, kw_only=True)
class FooterContext:
    """What the law and good manners ask for at the end."""

    address: str = field(metadata={"help": "Where this copy goes; text only. Filled for each subscriber."})
    sender: str = field(metadata={"help": "The sender's name, as in the From line."})
    is_advertising: bool = field(
        metadata={"help": "Whether Korean law asks for the sender, the address, the phone and a free way out."}
    )


@dataclass(frozen=True, kw_only=True)
class DigestContext:
    """Everything a template can use."""

    language: Language = field(metadata={"help": "The locale: its code, direction and number(n)."})
    subject: str = field(metadata={"help": "The subject of the mail."})
    preheader: str = field(metadata={"help": "The line after the subject in the inbox; hidden in the body."})
    site: SiteContext = field(metadata={"help": "The publisher."})
    newsletter: NewsletterContext = field(metadata={"help": "The publication."})
    brand: BrandContext = field(metadata={"help": "Logo, colour, masthead, footer."})
    edition: EditionContext = field(metadata={"help": "This issue."})
    intro: WrittenContext = field(metadata={"help": "The editor's words before the articles."})
    lead: ArticleContext = field(metadata={"help": "The first article."})
    articles: tuple[ArticleContext, ...] = field(metadata={"help": "The others, in order."})
    sections: tuple[SectionContext, ...] = field(
        metadata={"help": "All articles, the lead too, by section; the section of the lead first."}
    )
    links: LinksContext = field(metadata={"help": "The issue's own links."})
    subscriber: SubscriberContext = field(metadata={"help": "Whom this copy is for."})
    footer: FooterContext = field(metadata={"help": "Who gets this copy."})


@dataclass(frozen=True, kw_only=True)
class ContextField:
    """One name a template can use."""

    path: str
    """As written in a template ("lead.title"); `[]` follows a name that is looped over ("articles[].title")."""
    type: str
    """The type as Python writes it."""
    help: str
    """What it is."""


def context_fields(kind: type = DigestContext, prefix: str = "") -> tuple[ContextField, ...]:
    """Every name a template can use, outer ones first."""
    return tuple(_describe(kind, prefix))


def _describe(kind: Any, prefix: str) -> Iterator[ContextField]:
    for item in fields(kind):
        path = prefix + item.name
        yield ContextField(path=path, type=_type_name(item), help=item.metadata["help"])
        is_repeated = str(item.type).startswith("tuple")
        for part in (item.type, *get_args(item.type)):
            if is_dataclass(part):
                yield from _describe(part, f"{path}[]." if is_repeated else f"{path}.")


def _type_name(item: Field[Any]) -> str:
    name = item.type.__name__ if isinstance(item.type, type) and not get_args(item.type) else str(item.type)
    return name.replace("digest.render.context.", "")
