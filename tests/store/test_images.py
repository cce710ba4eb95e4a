"""Pictures as they were read, in the store."""

from dataclasses import replace
from datetime import timedelta

import pytest

from digest.errors import StoreError
from digest.store.images import StoredImage, drop_images_read_before, get_image_content, get_images, save_image
from workspaces import NOW

URL = "https://img.hanbit.example/1.jpg"
GOOD = StoredImage(url=URL, width=1200, height=675, type="image/jpeg", read_at=NOW)
BROKEN = StoredImage(url=URL, problem="the server answered 404", read_at=NOW + timedelta(hours=1))


def save(database, *images, content=b""):
    with database.transaction():
        for image in images:
            save_image(database, image, content=content)


def test_a_picture_comes_back_as_it_was_kept_without_its_content(database):
    other = replace(BROKEN, url=URL + "?2")
    save(database, GOOD, other, content=b"\xff\xd8")
    assert get_images(database, [URL, other.url, "https://unknown.example/"]) == {URL: GOOD, other.url: other}
    assert get_images(database, []) == {}
    assert (GOOD.is_good, other.is_good) == (True, False)


def test_contents_are_had_one_by_one_where_they_were_kept(database):
    save(database, GOOD, content=b"\xff\xd8")
    save(database, replace(GOOD, url="https://img.hanbit.example/large.jpg"))
    assert get_image_content(database, URL) == b"\xff\xd8"
    assert get_image_content(database, "https://img.hanbit.example/large.jpg") is None
    assert get_image_content(database, "https://unknown.example/") is None


def test_what_was_read_last_replaces_all_that_was_known(database):
    save(database, GOOD, content=b"\xff\xd8")
    save(database, BROKEN)
    assert get_images(database, [URL]) == {URL: BROKEN}
    assert get_image_content(database, URL) is None
    save(database, GOOD)
    assert get_images(database, [URL]) == {URL: GOOD}


def test_pictures_read_before_a_moment_are_forgotten(database):
    save(database, GOOD, replace(BROKEN, url="https://img.hanbit.example/2.jpg"))
    with database.transaction():
        assert drop_images_read_before(database, NOW) == 0
        assert drop_images_read_before(database, NOW + timedelta(seconds=1)) == 1
    assert get_images(database, [URL]) == {}


def test_many_pictures_are_looked_up_at_once(database):
    """More than the parameters that SQLite takes in one statement."""
    urls = [f"https://img.hanbit.example/{number}?가=“나”" for number in range(40_000)]
    save(database, replace(GOOD, url=urls[39_999]))
    assert set(get_images(database, urls)) == {urls[39_999]}


def test_a_moment_of_reading_has_a_timezone(database):
    with pytest.raises(StoreError, match="no timezone"):
        save(database, replace(GOOD, read_at=NOW.replace(tzinfo=None)))
