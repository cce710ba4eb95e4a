"""Where things stand on the preview page."""

import re
import shutil
import sqlite3
from contextlib import closing, contextmanager

from playwright.sync_api import expect


def shown(page):
    return page.locator("ol.articles > li").evaluate_all("rows => rows.map(row => row.dataset.article)")


def article(page, article_id):
    return page.locator(f'[data-article="{article_id}"]')


def decisions(preview):
    with closing(sqlite3.connect(preview.file.with_name("digest.db"))) as database:
        return database.execute("SELECT article_id, kind FROM editor_decision ORDER BY position, article_id").fetchall()


def frame_of(page):
    page.wait_for_selector("#stage iframe:not(.coming)")
    return page.locator("#stage iframe:not(.coming)").content_frame


def wait_for_pane(page, pane):
    expect(page.locator("#stage iframe:not(.coming)")).to_have_attribute("src", re.compile(f"pane/{pane}\\?"))


def wait_for_order(page, *article_ids):
    rows = page.locator("ol.articles > li .title")
    expect(rows).to_have_text([re.compile(rf" {article_id}$") for article_id in article_ids])


@contextmanager
def overridden(preview, addition):
    """The weekly template of the workspace, which ends the articles with something more; yields how to change it."""
    file = preview.file.parent / "templates" / "weekly" / "digest.html"
    file.parent.mkdir(parents=True)

    def write(more):
        row = f"<tr><td>{more}</td></tr>"
        block = f"{{% block stories %}}{{{{ super() }}}}\n{row}{{% endblock %}}"
        file.write_text(f'{{% extends "packaged/weekly/digest.html" %}}\n{block}', encoding="utf-8")

    try:
        write(addition)
        yield write
    finally:
        shutil.rmtree(file.parents[1])


def has_text_in_frame(page, text):
    expect(frame_of(page).locator("body")).to_contain_text(text)
