import pytest
from issue_samples import make_choice

from digest.render.image import choose_image, scale


def image_of(url, **fields):
    return choose_image(make_choice(**{"image": url, "image_width": 1200, "image_height": 800, **fields}).article)


@pytest.mark.parametrize(
    "name", ["a.jpg", "a.JPEG", "a.png?w=1.webp", "a.gif", "photo", "photo/600x400", "v1.2/p", "a.2019"]
)
def test_jpg_png_gif_and_addresses_without_extension_are_shown(name):
    assert image_of(f"https://img.example/{name}")


@pytest.mark.parametrize("name", ["a.webp", "a.avif", "a.svg", "a.bmp", "a.mp4", "a.webp?format=jpg"])
def test_what_some_clients_cannot_show_is_left_out(name):
    assert image_of(f"https://img.example/{name}") is None


@pytest.mark.parametrize(
    "url", ["", "http://img.example/a.jpg", "//img.example/a.jpg", "data:image/png;base64,x", "cid:a"]
)
def test_only_absolute_https_is_shown(url):
    assert image_of(url) is None


@pytest.mark.parametrize("size", [(1, 1), (88, 31), (600, 20)])
def test_icons_lines_and_counting_pixels_are_left_out(size):
    assert image_of("https://img.example/a.gif", image_width=size[0], image_height=size[1]) is None


@pytest.mark.parametrize("size", [(None, None), (1200, None), (None, 800), (0, 0), (-3, 800)])
def test_a_picture_whose_size_is_not_known_is_left_out(size):
    """Word would show it at its natural size, and other clients would jump when it arrives."""
    assert image_of("https://img.example/a.jpg", image_width=size[0], image_height=size[1]) is None


@pytest.mark.parametrize(
    ("size", "scaled"),
    [
        ((1200, 800), (600, 400)),
        ((300, 200), (300, 200)),
        ((600, 1200), (300, 600)),
        ((10_000, 10), (600, 1)),
    ],
)
def test_the_size_is_whole_pixels_in_proportion_and_never_enlarged(size, scaled):
    assert scale(*size) == scaled


def test_alt_is_the_caption_or_else_the_title():
    assert image_of("https://img.example/a.jpg", image_caption="다리 위").alt == "다리 위"
    assert image_of("https://img.example/a.jpg", title="제목").alt == "제목"
