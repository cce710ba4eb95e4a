"""How a newsletter shows whose it is: the brand's settings as a template can use them."""

from markupsafe import Markup

from digest.color import Color, nearest_readable, parse_color
from digest.render.clean import clean_line
from digest.render.context import BrandContext, LogoContext, SocialLinkContext, WrittenContext
from digest.render.links import clean_url
from digest.render.markdown import markdown_html, markdown_text
from digest.render.request import RenderRequest
from digest.settings import BrandSettings

DARK_PAPERS = (Color(0x1C, 0x1B, 0x19), Color(0x13, 0x12, 0x11))
"""The sheet and the page around it in dark mode, as in `templates/shared/enhance.css`."""
DARK_CONTRAST = 6.5
"""More than text needs: at 4.5 a saturated colour glares on a dark paper."""
_INK = Color(0x1D, 0x1B, 0x18)


def build_brand(request: RenderRequest) -> BrandContext:
    """The brand of a newsletter.

    Raises:
        RenderError: an address in its settings cannot be used.
    """
    return brand_of(request.brand, request.newsletter.title)


def brand_of(brand: BrandSettings, name: str) -> BrandContext:
    """The brand as templates can use it.

    Args:
        brand: its settings.
        name: stands at the top where the settings name no masthead.

    Raises:
        RenderError: an address in its settings cannot be used.
    """
    accent = parse_color(brand.accent) or _INK
    return BrandContext(
        masthead=clean_line(brand.masthead) or clean_line(name),
        tagline=clean_line(brand.tagline),
        logo=_build_logo(brand),
        accent=str(accent),
        accent_dark=str(nearest_readable(accent, *DARK_PAPERS, ratio=DARK_CONTRAST)),
        footer=read_markdown(brand.footer),
        social=tuple(
            SocialLinkContext(name=clean_line(name) or clean_url(url), url=clean_url(url))
            for name, url in brand.social.items()
        ),
    )


def read_markdown(source: str, *, heading: str = "h3") -> WrittenContext:
    """The editor's Markdown as both parts of a mail show it.

    Args:
        source: Markdown.
        heading: what its headings become; it must not skip a level after those above it.
    """
    # The words in it are escaped already, and nothing else comes out of `markdown_html` but a few bare tags.
    html = Markup(markdown_html(source, heading=heading))  # noqa: S704
    return WrittenContext(html=html, text=markdown_text(source))


def _build_logo(brand: BrandSettings) -> LogoContext | None:
    if not (brand.logo and brand.logo_width and brand.logo_height):
        return None
    return LogoContext(url=clean_url(brand.logo), width=brand.logo_width, height=brand.logo_height)
