"""The library of templates: where they are found, what their mistakes look like, and that their context is whole."""

import re
import shutil
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import get_args

import pytest
from issue_samples import make_request, make_shown
from jinja2 import meta, nodes

from digest.errors import RenderError
from digest.render import TemplateLibrary, context_fields, render_issue
from digest.render.context import (
    ArticleContext,
    DigestContext,
    FigureContext,
    ImageContext,
    SectionContext,
    SocialLinkContext,
)

PACKAGED = Path(__file__).parents[2] / "templates"
THEMES = ("compact", "sections", "weekly")
NOT_SHOWN = {
    "newsletter.slug",
    "edition.date",
    "edition.count",
    "edition.figures",
    "sections[].name",
    "sections[].top",
    "sections[].others",
    "subscriber.name",
}
"""Fields that are there for other templates."""
LOCAL_NAMES = {
    "article": ArticleContext,
    "image": ImageContext,
    "section": SectionContext,
    "figure": FigureContext,
    "place": SocialLinkContext,
}
"""What macros and loops of the templates call their values."""
FROM_THE_PAGE = {"parts", "family", "end"}
"""Names that the shared page gives to what extends it."""


@pytest.fixture
def workspace(tmp_path) -> Path:
    """A workspace with a copy of everything that came with digest."""
    return shutil.copytree(PACKAGED, tmp_path / "templates")


def write(folder: Path, name: str, content: str) -> Path:
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    return folder


def edit(file: Path, old: str, new: str) -> None:
    content = file.read_text(encoding="utf-8")
    assert old in content
    file.write_text(content.replace(old, new), encoding="utf-8")


def render_with(folder: Path, template="weekly"):
    return render_issue(make_request(make_shown(2), template=template), TemplateLibrary([folder]))


def test_three_themes_come_with_digest_and_what_they_share_is_none():
    assert TemplateLibrary().names() == THEMES


@pytest.mark.parametrize("theme", THEMES)
def test_a_theme_says_on_its_first_line_what_it_is(theme):
    first = (PACKAGED / theme / "digest.html").read_text(encoding="utf-8").splitlines()[0]
    assert re.fullmatch(rf"{{# {theme}: .+ #}}", first)


@pytest.mark.parametrize("theme", THEMES)
def test_a_workspace_may_override_one_block_of_a_theme_under_the_same_name(tmp_path, theme):
    own = (
        '{{% extends "packaged/{theme}/digest.html" %}}{{% block onward %}}<tr><td>우리 자리</td></tr>{{% endblock %}}'
    )
    rendering = render_with(write(tmp_path, f"{theme}/digest.html", own.format(theme=theme)), theme)
    assert "<td>우리 자리</td>" in rendering.html
    assert "더 많은 기사 읽기" not in rendering.html
    assert "수신거부" in rendering.html


def test_a_workspace_may_override_one_block_of_every_theme_at_once(tmp_path):
    own = '{% extends "packaged/shared/page.html" %}{% block onward %}{% endblock %}'
    write(tmp_path, "shared/page.html", own)
    assert not [theme for theme in THEMES if "더 많은 기사 읽기" in render_with(tmp_path, theme).html]


def test_a_workspace_may_override_one_block_of_the_plain_text(tmp_path):
    own = '{% extends "packaged/weekly/digest.txt" %}{% block masthead %}우리 신문{% endblock %}'
    text = render_with(write(tmp_path, "weekly/digest.txt", own)).text
    assert text.startswith("우리 신문\n")
    assert "1. 한강" in text


def test_a_workspace_may_override_one_file_only(tmp_path):
    style = (PACKAGED / "weekly" / "style.css").read_text(encoding="utf-8")
    html = render_with(write(tmp_path, "weekly/style.css", style.replace("27px", "29px"))).html
    assert "font-size:29px" in html
    assert "font-size:27px" not in html


def test_a_style_sheet_may_add_to_the_original(tmp_path):
    own = '{% include "packaged/weekly/style.css" %}\n.headline { letter-spacing: 1px; }'
    html = render_with(write(tmp_path, "weekly/style.css", own)).html
    assert re.search(r'class="headline" style="[^"]*font-size:27px[^"]*letter-spacing:1px', html)


def test_the_style_sheet_of_a_workspace_wins_beside_an_original_too(tmp_path):
    write(tmp_path, "weekly/style.css", ".headline { letter-spacing: 1px; }")
    write(tmp_path, "weekly/digest.html", '{% extends "packaged/weekly/digest.html" %}')
    assert "letter-spacing:1px" in render_with(tmp_path).html


def test_a_workspace_may_add_a_template(tmp_path):
    write(tmp_path, "evening/digest.html", '{% extends "weekly/digest.html" %}{% block figures %}{% endblock %}')
    write(tmp_path, "evening/digest.txt", '{% extends "weekly/digest.txt" %}')
    assert TemplateLibrary([tmp_path]).names() == ("compact", "evening", "sections", "weekly")
    rendering = render_with(tmp_path, "evening")
    assert 'class="headline"' in rendering.html
    assert 'class="text figures"' not in rendering.html


def test_the_folder_name_of_the_originals_is_no_template(tmp_path):
    write(tmp_path, "packaged/digest.html", "x")
    assert TemplateLibrary([tmp_path]).names() == THEMES


def test_the_files_of_a_template_are_its_own_and_those_it_shares():
    assert set(TemplateLibrary().files("weekly")) == {
        *(f"weekly/{name}" for name in ("digest.html", "digest.txt", "style.css", "enhance.css")),
        *(
            f"shared/{name}"
            for name in ("page.html", "parts.html", "page.txt", "parts.txt", "style.css", "enhance.css")
        ),
    }


def test_the_files_of_an_override_are_its_own_and_the_original(tmp_path):
    write(tmp_path, "weekly/digest.html", '{% extends "packaged/weekly/digest.html" %}')
    files = TemplateLibrary([tmp_path]).files("weekly")
    assert files["weekly/digest.html"] == tmp_path / "weekly" / "digest.html"
    assert files["packaged/weekly/digest.html"] == PACKAGED / "weekly" / "digest.html"


def test_a_template_that_makes_up_a_name_may_use_every_file(workspace):
    edit(workspace / "weekly" / "digest.html", '{% include "style.css" %}', '{% include "weekly/" ~ "style.css" %}')
    assert "sections/style.css" in TemplateLibrary([workspace]).files("weekly")


@pytest.mark.parametrize("name", ["weekly/enhance.css", "shared/style.css", "shared/parts.txt", "shared/page.html"])
def test_the_hash_changes_with_any_file_it_uses(workspace, name):
    before = TemplateLibrary([workspace]).hash("weekly")
    assert before == TemplateLibrary().hash("weekly")
    (workspace / name).write_text((workspace / name).read_text(encoding="utf-8") + "\n", encoding="utf-8")
    assert TemplateLibrary([workspace]).hash("weekly") != before


def test_the_hash_does_not_change_with_the_file_of_another_template(workspace):
    before = TemplateLibrary([workspace]).hash("weekly")
    (workspace / "compact" / "style.css").write_text("", encoding="utf-8")
    assert TemplateLibrary([workspace]).hash("weekly") == before


@pytest.mark.parametrize(
    ("name", "old"), [("weekly/digest.html", "{{ lead.title }}"), ("shared/page.html", "{{ figure.value }}")]
)
def test_a_misspelt_field_is_an_error_that_names_file_and_line(workspace, name, old):
    edit(workspace / name, old, "{{ newsletter.titel }}")
    with pytest.raises(RenderError, match=rf"template {name}, line \d+: .*titel"):
        render_with(workspace)


def test_a_misspelt_field_is_placed_in_the_override_not_in_what_it_extends(tmp_path):
    own = '{% extends "packaged/weekly/digest.html" %}\n{% block onward %}\n{{ site.titel }}\n{% endblock %}'
    with pytest.raises(RenderError, match=r"template weekly/digest.html, line 3: .*titel"):
        render_with(write(tmp_path, "weekly/digest.html", own))


@pytest.mark.parametrize("name", ["weekly/digest.txt", "shared/page.txt"])
def test_broken_syntax_is_an_error_that_names_file_and_line(workspace, name):
    edit(workspace / name, "{% endblock %}", "{% endblock }")
    library = TemplateLibrary([workspace])
    with pytest.raises(RenderError, match=rf"template {name}, line \d+"):
        render_issue(make_request(make_shown(2)), library)
    with pytest.raises(RenderError, match=rf"template {name}, line \d+"):
        library.hash("weekly")


def test_a_missing_include_is_an_error(workspace):
    edit(workspace / "weekly" / "digest.html", 'include "style.css"', 'include "stile.css"')
    with pytest.raises(RenderError, match=r"weekly/stile.css"):
        render_with(workspace)


def test_none_is_never_printed(workspace):
    edit(workspace / "weekly" / "digest.html", "{{ lead.title }}", "{{ lead.image }}")
    with pytest.raises(RenderError, match="None"):
        render_with(workspace)


@pytest.mark.parametrize("kind", ["html", "txt"])
def test_a_template_without_unsubscribe_link_is_refused(workspace, kind):
    edit(workspace / "shared" / f"page.{kind}", "{{ links.unsubscribe }}", "https://news.example")
    with pytest.raises(RenderError, match=f"template weekly/digest.{kind} has no unsubscribe link"):
        render_with(workspace)


def test_a_slot_that_was_tampered_with_is_refused(workspace):
    edit(workspace / "shared" / "page.html", "{{ links.preferences }}", "{{ links.preferences|upper }}")
    edit(workspace / "shared" / "page.txt", "{{ links.preferences }}", "{{ links.preferences[:-2] }}")
    with pytest.raises(RenderError, match="damaged"):
        render_with(workspace)


NO_ISSUES = {"site", "notice"}
"""Folders of pages and single mails, which have values of their own."""


def test_every_name_in_a_template_is_a_field_and_every_field_is_used():
    used = set()
    environment = TemplateLibrary()._environment
    for file in PACKAGED.rglob("*.*"):
        if file.parent.name in NO_ISSUES:
            continue
        tree = environment.parse(file.read_text(encoding="utf-8"))
        unknown = meta.find_undeclared_variables(tree) - environment.globals.keys() - FROM_THE_PAGE
        assert unknown <= {field.name for field in fields(DigestContext)}, file
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
