"""What a rendering is made from, and what comes out of it."""

from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

from digest.model import Choice, Window
from digest.render.campaign import Campaign
from digest.settings import BrandSettings, NewsletterSettings, SiteSettings


@dataclass(frozen=True, kw_only=True)
class RenderRequest:
    """One variant of one issue: the same request always gives the same bytes."""

    site: SiteSettings
    newsletter: NewsletterSettings
    edition: date
    """The edition date, in the newsletter's timezone."""
    window: Window
    """The time it covers; its timezone is that of all times shown."""
    shown: tuple[Choice, ...]
    """The articles in order, at least one; the first is the lead."""
    locale: str
    """Language of the variant."""
    nonce: str
    """16 to 63 hexadecimal digits, new for each issue: marks the slots."""
    brand: BrandSettings = field(default_factory=BrandSettings)
    """How the newsletter looks."""
    subject: str | None = None
    """The editor's subject line instead of the newsletter's pattern."""
    intro: str = ""
    """Words before the articles, in Markdown."""
    most_viewed: int | None = None
    """The views that a bar of full length stands for; None for the most among those shown."""
    excerpt_share: float = 1.0
    """How much of their usual length excerpts keep: less where a mail would be clipped; 0 leaves them out."""

    @cached_property
    def campaign(self) -> Campaign:
        """What links to the publisher's articles carry."""
        return Campaign.of(self.site, self.newsletter, self.edition)


@dataclass(frozen=True, kw_only=True)
class Rendering:
    """One variant of one issue, ready to be filled for each subscriber."""

    subject: str
    """One line, 70 columns at most."""
    preheader: str
    """One line, 20 to 140 characters."""
    html: str
    """The HTML part, styles inlined; still holds slot markers."""
    text: str
    """The plain-text part; still holds slot markers."""
