"""How large a picture is, by its content alone."""

import warnings
from contextlib import suppress

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digest.errors import FetchError, UnreachableError
from digest.source.image_size import KEEP_AT_MOST, READ_AT_MOST, measure, read_image_size
from web_servers import Page, drip, huge_png, picture, serve, turned

PICTURES = {kind: picture(64, 48, kind=kind) for kind in ("JPEG", "PNG", "GIF")}
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="10" height="10"/>'


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with serve({}, tmp_path_factory.mktemp("web")) as running:
        yield running


def refusal(content: bytes) -> str:
    with pytest.raises(ValueError, match=r"^(it|the) ") as caught:
        measure(content)
    return str(caught.value)


@pytest.mark.parametrize("kind", PICTURES)
def test_jpg_png_and_gif_are_measured(kind):
    assert measure(PICTURES[kind]) == (f"image/{kind.lower()}", 64, 48)


@pytest.mark.parametrize(("orientation", "size"), [(n, (40, 30) if n < 5 else (30, 40)) for n in range(1, 9)])
def test_a_jpeg_is_as_large_as_its_exif_data_turns_it(orientation, size):
    """As browsers show it (CSS Images 3, image-orientation: from-image)."""
    assert measure(turned(orientation))[1:] == size


def test_a_jpeg_with_further_pictures_behind_it_is_a_jpeg():
    """An MPO, as telephones take it."""
    from PIL import Image

    content = picture(64, 48, kind="MPO", save_all=True, append_images=[Image.new("L", (32, 24))])
    assert measure(content) == ("image/jpeg", 64, 48)


@pytest.mark.parametrize("kind", PICTURES)
def test_the_beginning_is_enough(kind):
    large = {**PICTURES, "JPEG": picture(3000, 2000, comment=b"x" * 60_000)}[kind]
    assert measure(large[: len(large) * 9 // 10]) == measure(large)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (picture(10, 10, kind="WEBP"), "it is WebP, which some mail clients do not show; offer jpg, png or gif"),
        (b"\0\0\0 ftypavif\0\0\0\0", "it is AVIF, which"),
        (b"\0\0\0 ftypheic\0\0\0\0", "it is HEIC, which"),
        (picture(10, 10, kind="BMP"), "it is BMP, which"),
        (picture(10, 10, kind="TIFF"), "it is TIFF, which"),
        (SVG, "it is SVG, which"),
        (b"\n<!DOCTYPE html><title>not found</title>", "it is a page, not a picture"),
        (b"hello", "it is no jpg, png or gif"),
        (b"", "the file is empty"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_what_some_client_does_not_show_is_refused_by_its_kind(content, words):
    assert refusal(content).startswith(words)


@pytest.mark.parametrize(("width", "height"), [(20_000, 6_000), (60_000, 60_000)])
def test_a_picture_that_would_fill_the_memory_is_refused(width, height):
    """A few bytes that say they are billions of pixels (decompression bomb)."""
    assert refusal(huge_png(width, height)) == "it has more pixels than any picture of a mail"


@given(st.sampled_from(sorted(PICTURES)), st.data())
def test_damaged_pictures_are_refused_or_measured_and_warn_nobody(kind, data):
    content = bytearray(PICTURES[kind] if data.draw(st.booleans()) else turned(6))
    for _ in range(data.draw(st.integers(0, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(0, len(content)))]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            _, width, height = measure(bytes(content))
        except ValueError:
            return
    assert width > 0
    assert height > 0


@given(st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a"]), st.binary(max_size=300))
@example(b"GIF89a", b"\0\0\0\0\0\0\0")
def test_junk_ends_in_nothing_but_a_refusal(mark, rest):
    with suppress(ValueError):
        measure(mark + rest)


# From the web


def read(server, page, path="/photo"):
    server.pages[path] = page
    return read_image_size(server.url(path), fetch=server.fetch)


def test_a_picture_is_read_with_its_content(server):
    found = read(server, Page(body=PICTURES["PNG"]))
    assert (found.width, found.height, found.type) == (64, 48, "image/png")
    assert found.content == PICTURES["PNG"]
    assert found.url == server.url("/photo")
    assert server.requests[-1][2]["accept"].startswith("image/jpeg, image/png, image/gif")


def test_neither_name_nor_header_tells_what_a_picture_is(server):
    page = Page(body=PICTURES["JPEG"], headers={"Content-Type": "image/webp"})
    assert read(server, page, "/photo.webp").type == "image/jpeg"
    page = Page(body=picture(10, 10, kind="WEBP"), headers={"Content-Type": "image/jpeg"})
    with pytest.raises(FetchError, match="it is WebP"):
        read(server, page, "/photo.jpg")


@pytest.mark.parametrize("size", [KEEP_AT_MOST, KEEP_AT_MOST + 1, READ_AT_MOST + 1])
def test_only_whole_contents_of_a_fitting_size_are_kept(server, size):
    found = read(server, Page(body=PICTURES["GIF"].ljust(size, b"\0")))
    assert (found.width, found.height) == (64, 48)
    assert len(found.content) == (size if size <= KEEP_AT_MOST else 0)


@pytest.mark.parametrize(
    ("page", "words"),
    [
        (Page(status=404, body=PICTURES["PNG"]), "the server answered 404"),
        (Page(status=500), "the server answered 500"),
        (Page(status=204), "the server answered 204"),
        (Page(body=b"<html>"), "it is a page"),
        (Page(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + PICTURES["GIF"]), "IncompleteRead"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_a_picture_that_is_not_there_is_told(server, page, words):
    with pytest.raises(FetchError, match=words) as caught:
        read(server, page)
    assert not isinstance(caught.value, UnreachableError)


def test_a_slow_picture_is_given_up(server):
    server.pages["/slow"] = Page(write=drip)
    with pytest.raises(FetchError, match=r"no whole answer within 0\.3 s"):
        read_image_size(server.url("/slow"), fetch=server.fetch, timeout=0.3)


def test_only_https_is_read(tmp_path):
    with serve({"/": Page(body=PICTURES["PNG"])}, tmp_path, scheme="http") as plain:
        with pytest.raises(FetchError, match="it is not https"):
            read_image_size(plain.url(), fetch=plain.fetch)
        assert plain.requests == []
