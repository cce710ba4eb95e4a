"""Every rule on CSS, layout, images, links, reading and Korean finds its fault, and nothing else there."""

import pytest
from design_mutations import GOOD_EN, GOOD_KO, MUTATIONS

from digest.check import contrast, images, korean, layout, links, styles
from digest.check.contract import check_html
from digest.check.document import parse_html
from digest.check.finding import Finding, Severity
from digest.check.options import CheckOptions

FAMILIES = {
    styles: styles.check_styles,
    layout: layout.check_layout,
    images: images.check_images,
    links: links.check_links,
    contrast: contrast.check_contrast,
    korean: korean.check_korean,
}
RULES = [rule for family in FAMILIES for rule in family.RULES]
OURS = {rule.id for rule in RULES}


def check(html: str) -> list[Finding]:
    document = parse_html(html)
    return [finding for family in FAMILIES.values() for finding in family(document, CheckOptions())]


@pytest.mark.parametrize("good", [GOOD_KO, GOOD_EN], ids=["ko", "en"])
def test_a_good_document_has_no_finding(good):
    assert check(good) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
@pytest.mark.parametrize("good", [GOOD_KO, pytest.param(GOOD_EN, marks=pytest.mark.slow)], ids=["ko", "en"])
def test_a_single_fault_raises_its_rule_and_no_other_error(mutation, good):
    html = mutation.mutate(good)
    found = check_html(html)
    assert (mutation.rule, mutation.severity) in {(each.rule, each.severity) for each in found}
    assert {each.rule for each in found if each.severity is Severity.ERROR} <= {mutation.rule}
    ours = [each for each in found if each.rule in OURS]
    assert {each.rule for each in ours} == {mutation.rule}
    assert all(each.line and 1 <= each.line <= html.count("\n") + 1 for each in ours)
    assert all("\n" not in each.message and len(each.snippet) <= 80 for each in ours)


def test_every_rule_is_proved_by_a_mutation():
    assert {rule.id for rule in RULES} == {mutation.rule for mutation in MUTATIONS}
    assert len({mutation.name for mutation in MUTATIONS}) == len(MUTATIONS) >= 70


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_why_and_what_to_do_in_whole_sentences(rule):
    assert rule.title
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")
