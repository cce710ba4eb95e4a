"""The library of templates: where they are found, what their mistakes look like, and that their context is whole."""

import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args

import pytest
from issue_samples import make_request, make_shown
from jinja2 import meta, nodes

from digest.errors import RenderError
from digest.render import TemplateLibrary, context_fields, render_issue
from digest.render.context import ArticleContext, DigestContext, ImageContext

PACKAGED = Path(__file__).parents[2] / "templates"
NOT_SHOWN = {"newsletter.slug", "edition.date"}
"""Fields that are there for other templates."""
LOCAL_NAMES = {"article": ArticleContext, "image": ImageContext}
"""What macros and loops of the templates call their values."""


@pytest.fixture
def workspace(tmp_path) -> Path:
    shutil.copytree(PACKAGED / "weekly", tmp_path / "weekly")
    return tmp_path


def render_with(folder: Path):
    return render_issue(make_request(make_shown(2)), TemplateLibrary([folder]))


def edit(file: Path, old: str, new: str) -> None:
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new), encoding="utf-8")


def test_a_workspace_may_override_one_file_only(tmp_path):
    (tmp_path / "weekly").mkdir()
    style = (PACKAGED / "weekly" / "style.css").read_text(encoding="utf-8")
    (tmp_path / "weekly" / "style.css").write_text(style.replace("#a8201a", "#0b4f6c"), encoding="utf-8")
    html = render_with(tmp_path).html
    assert "#0b4f6c" in html
    assert "#a8201a" not in html


def test_a_workspace_may_add_a_template(workspace):
    (workspace / "weekly").rename(workspace / "daily")
    library = TemplateLibrary([workspace])
    assert library.names() == ("daily", "weekly")
    assert render_issue(make_request(template="daily"), library).html


def test_the_hash_changes_with_any_file_and_only_then(workspace):
    before = TemplateLibrary([workspace]).hash("weekly")
    assert before == TemplateLibrary().hash("weekly")
    edit(workspace / "weekly" / "enhance.css", "#131211", "#141312")
    assert TemplateLibrary([workspace]).hash("weekly") != before


def test_a_misspelt_field_is_an_error_that_names_file_and_line(workspace):
    edit(workspace / "weekly" / "digest.html", "{{ newsletter.title }}</h1>", "{{ newsletter.titel }}</h1>")
    with pytest.raises(RenderError, match=r"template weekly/digest.html, line \d+: .*titel"):
        render_with(workspace)


def test_broken_syntax_is_an_error_that_names_file_and_line(workspace):
    edit(workspace / "weekly" / "digest.txt", "{% if articles %}", "{% if articles }")
    with pytest.raises(RenderError, match=r"template weekly/digest.txt, line \d+"):
        render_with(workspace)


def test_a_missing_include_is_an_error(workspace):
    edit(workspace / "weekly" / "digest.html", 'include "style.css"', 'include "stile.css"')
    with pytest.raises(RenderError, match=r"weekly/stile.css"):
        render_with(workspace)


def test_none_is_never_printed(workspace):
    edit(workspace / "weekly" / "digest.html", "{{ newsletter.title }}</h1>", "{{ lead.image }}</h1>")
    with pytest.raises(RenderError, match="None"):
        render_with(workspace)


@pytest.mark.parametrize("name", ["digest.html", "digest.txt"])
def test_a_template_without_unsubscribe_link_is_refused(workspace, name):
    edit(workspace / "weekly" / name, "{{ links.unsubscribe }}", "https://news.example")
    with pytest.raises(RenderError, match=f"template weekly/{name} has no unsubscribe link"):
        render_with(workspace)


def test_a_slot_that_was_tampered_with_is_refused(workspace):
    edit(workspace / "weekly" / "digest.html", "{{ links.preferences }}", "{{ links.preferences|upper }}")
    edit(workspace / "weekly" / "digest.txt", "{{ links.preferences }}", "{{ links.preferences[:-2] }}")
    with pytest.raises(RenderError, match="damaged"):
        render_with(workspace)


def test_every_name_in_a_template_is_a_field_and_every_field_is_used():
    used = set()
    environment = TemplateLibrary()._environment
    for file in ("digest.html", "digest.txt"):
        tree = environment.parse((PACKAGED / "weekly" / file).read_text(encoding="utf-8"))
        unknown = meta.find_undeclared_variables(tree) - environment.globals.keys()
        assert unknown <= {field.name for field in fields(DigestContext)}
        for attribute in tree.find_all(nodes.Getattr):
            _resolve(attribute, used)
    described = {(_owner(item.path), item.path.rpartition(".")[2]): item.path for item in context_fields()}
    unused = {path for (owner, name), path in described.items() if "." in path and (owner, name) not in used}
    assert unused == NOT_SHOWN


def _resolve(node, used):
    """The type of an expression; notes each field of a dataclass that it reads."""
    if isinstance(node, nodes.Name):
        types = {field.name: field.type for field in fields(DigestContext)} | LOCAL_NAMES
        return types.get(node.name)
    owner = _resolve(node.node, used) if isinstance(node, nodes.Getattr) else None
    owner = next((part for part in (owner, *get_args(owner)) if is_dataclass(part)), None)
    if owner is None:
        return None
    types = {field.name: field.type for field in fields(owner)}
    assert node.attr in types, f"line {node.lineno}: {owner.__name__} has no {node.attr}"
    used.add((owner.__name__, node.attr))
    return types[node.attr]


def _owner(path: str) -> str:
    """The dataclass that a path's last name is a field of."""
    kind: object = DigestContext
    for name in path.replace("[]", "").split(".")[:-1]:
        declared = next(field.type for field in fields(kind) if field.name == name)
        kind = next(part for part in (declared, *get_args(declared)) if is_dataclass(part))
    return kind.__name__


def test_every_field_has_a_help_text():
    described = context_fields()
    assert all(item.help and item.type for item in described)
    paths = [item.path for item in described]
    assert len(paths) == len(set(paths))
    assert {"lead.title", "articles[].title", "lead.image.width", "links.unsubscribe"} <= set(paths)
