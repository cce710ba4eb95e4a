import pytest

from digest.render import TemplateLibrary


@pytest.fixture(scope="session")
def library() -> TemplateLibrary:
    return TemplateLibrary()
