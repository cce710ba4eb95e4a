"""Panes: one message as different clients show it, each a whole document for a sandboxed frame.

Everything is worked out here, from the message's own bytes: a pane runs no script and loads nothing but the pictures
that the caller gives it an address for.
"""

from collections.abc import Callable, Mapping
from enum import StrEnum

from digest.web.preview.conditions import reveal_for_word
from digest.web.preview.dark import Scheme, scheme_sheet, settle_scheme
from digest.web.preview.disarm import ImageAddress, disarm
from digest.web.preview.inverted import invert_colors, inverted_sheet
from digest.web.preview.parts import Parts
from digest.web.preview.stripped import strip_styles
from digest.web.preview.tree import Tree, close_tree, open_tree
from digest.web.preview.word import imitate_word, word_sheet


class Pane(StrEnum):
    """One way to look at a message."""

    DESKTOP = "desktop"
    """A client that honours everything, such as Apple Mail, in light mode; for a frame of 1280 px."""
    PHONE = "phone"
    """The same document, for a frame of 375 px: media queries follow the frame's width."""
    DARK = "dark"
    """A client that honours the author's own dark mode, such as Apple Mail."""
    INVERTED = "inverted"
    """A client that turns all colours by force, such as Gmail on iOS."""
    STRIPPED = "stripped"
    """Without style elements, classes and ids, such as Naver, Daum and Gmail's mobile web."""
    IMAGES_OFF = "images-off"
    """Any client before the reader allows pictures."""
    WORD = "word"
    """Outlook classic, whose engine is Word's."""


def draw_pane(parts: Parts, pane: Pane, image_address: ImageAddress) -> str:
    """The document of one pane.

    Args:
        parts: the message.
        pane: how to show it.
        image_address: from a picture's address in the mail to one that this document may load: absolute, from the
            site's root, or `data:`; None shows the picture as a box with its alt text.

    Returns:
        HTML with its own Content-Security-Policy; elements carry their number as `data-element`. Frame it with the
        sandbox on: `allow-popups` lets its links open, `allow-same-origin` lets the page around it find elements, and
        scripts are never needed.
    """
    tree = open_tree(parts.html, reveal=reveal_for_word if pane is Pane.WORD else None)
    sheet = _PAINTERS[pane](tree)
    policy = disarm(tree, _no_address if pane is Pane.IMAGES_OFF else image_address)
    return close_tree(tree, policy=policy, sheet=sheet)


def _no_address(_url: str) -> None:
    """Pictures are off."""


def _paint_light(tree: Tree) -> str:
    settle_scheme(tree, Scheme.LIGHT)
    return scheme_sheet(Scheme.LIGHT)


def _paint_dark(tree: Tree) -> str:
    settle_scheme(tree, Scheme.DARK)
    return scheme_sheet(Scheme.DARK)


def _paint_inverted(tree: Tree) -> str:
    settle_scheme(tree, Scheme.NONE)
    invert_colors(tree)
    return f"{scheme_sheet(Scheme.LIGHT)}\n{inverted_sheet()}"


def _paint_stripped(tree: Tree) -> str:
    strip_styles(tree)
    return scheme_sheet(Scheme.LIGHT)


def _paint_word(tree: Tree) -> str:
    imitate_word(tree)
    return f"{scheme_sheet(Scheme.LIGHT)}\n{word_sheet()}"


_PAINTERS: Mapping[Pane, Callable[[Tree], str]] = {
    Pane.DESKTOP: _paint_light,
    Pane.PHONE: _paint_light,
    Pane.DARK: _paint_dark,
    Pane.INVERTED: _paint_inverted,
    Pane.STRIPPED: _paint_stripped,
    Pane.IMAGES_OFF: _paint_light,
    Pane.WORD: _paint_word,
}
"""What each pane does to the tree, and the sheet it adds."""
