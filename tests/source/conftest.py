"""Files as publishers make them, and how they are read."""

import gzip
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from digest.source import FileOptions

READ_AT = datetime(2019, 4, 8, 9, 0, 0, 500, tzinfo=UTC)


@pytest.fixture
def options():
    """Options for a Korean site; keyword arguments replace some."""

    def make(**changes):
        return FileOptions(**{"timezone": ZoneInfo("Asia/Seoul"), "read_at": READ_AT, **changes})

    return make


@pytest.fixture
def write(tmp_path):
    """A file of that name with that content; one that ends in .gz is compressed."""

    def make(name, content, encoding="utf-8"):
        data = content if isinstance(content, bytes) else content.encode(encoding)
        path = tmp_path / name
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return make
