"""Every rule of the mail, proved both ways: a single fault raises it and no other error; sound mails raise nothing."""

import re
from collections import Counter

import design_mutations
import pytest
from disguised_mutations import DISGUISED
from faulty_mail import swap
from good_mail import LOCALES, good_html, good_mail
from mutations import MUTATIONS
from near_misses import NEAR_MISSES

from digest.check.contract import RULES, check_html, check_mail
from digest.check.finding import Severity
from digest.check.levels import LEVELS

MINE = {mutation.rule for mutation in MUTATIONS}
EVERY = [*MUTATIONS, *DISGUISED]


@pytest.mark.parametrize("locale", LOCALES)
def test_a_good_mail_has_no_findings(locale):
    assert check_mail(good_mail(locale)) == ()
    assert check_html(good_html(locale)) == ()


@pytest.mark.parametrize("mutation", EVERY, ids=lambda mutation: f"{mutation.rule}: {mutation.name}")
def test_a_single_fault_raises_its_rule_and_no_other_error(mutation):
    findings = check_mail(mutation.make())
    assert (mutation.rule, mutation.severity) in {(finding.rule, finding.severity) for finding in findings}
    wanted = {mutation.rule} if mutation.severity is Severity.ERROR else set()
    assert {finding.rule for finding in findings if finding.severity is Severity.ERROR} == wanted, findings
    assert all(map(is_told_in_one_line, findings))


def is_told_in_one_line(finding):
    return 0 < len(finding.message) < 400 and "\n" not in finding.message and len(finding.snippet) <= 80


@pytest.mark.parametrize("name", NEAR_MISSES)
def test_what_only_looks_like_a_fault_is_none(name):
    assert check_mail(NEAR_MISSES[name]()) == ()


def test_there_are_more_than_enough_of_them():
    assert len(MUTATIONS) >= 120
    assert len(NEAR_MISSES) >= 30
    assert len({mutation.name for mutation in EVERY}) == len(EVERY)


def test_each_rule_on_mail_text_and_markup_has_its_mutations():
    prefixes = (
        "MSG-",
        "TXT-",
        "DOC-",
        "CHR-",
        "PH-",
        "EL-",
        "ATTR-",
        "HID-",
        "SRC-",
        "PRE-",
        "AD-",
        "LNK-UNSUB",
        "SIZE-CLIP",
    )
    assert {rule for rule in RULES if rule.startswith(prefixes)} == MINE
    assert min(Counter(mutation.rule for mutation in MUTATIONS).values()) >= 1


WHOLE_BODY = {"ghost-div", "only-images", "few-words"}
"""They replace the body, and with it what other rules look for."""
OF_THE_DESIGN = [mutation for mutation in design_mutations.MUTATIONS if mutation.name not in WHOLE_BODY]


@pytest.mark.slow
@pytest.mark.parametrize("mutation", OF_THE_DESIGN, ids=lambda mutation: f"{mutation.rule}: {mutation.name}")
def test_a_fault_of_the_design_raises_no_other_error_of_the_whole_contract(mutation):
    findings = check_mail(good_mail("ko", html=mutation.mutate(good_html("ko"))))
    assert (mutation.rule, mutation.severity) in {(finding.rule, finding.severity) for finding in findings}
    assert {finding.rule for finding in findings if finding.severity is Severity.ERROR} <= {mutation.rule}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_a_mutation_of_each_severity_that_its_page_names(rule):
    mutations = (*MUTATIONS, *design_mutations.MUTATIONS)
    assert {mutation.severity for mutation in mutations if mutation.rule == rule} == LEVELS[rule].severities


def test_the_page_of_checks_has_every_rule():
    assert set(LEVELS) == set(RULES)


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_why_and_what_instead(rule):
    assert not rule.title.endswith(".")
    assert rule.why.endswith(".")
    assert rule.fix.endswith(".")


def test_errors_come_first_then_parts_then_lines():
    html = swap(good_html("ko"), "</h1>", "</h1><!-- remark -->{{ x }}")
    html = swap(html, "</body>", "<iframe></iframe></body>")
    findings = check_mail(good_mail("ko", html=html, subject="{{ subject }}"))
    assert [finding.rule for finding in findings] == ["MSG-SUBJ", "PH-LEFT", "EL-FORBID", "SRC-COMMENT"]
    assert findings[1].line < findings[2].line


def test_a_fault_that_repeats_is_told_once_with_its_number():
    html = re.sub("<img ", '<img onclick="x()" ', good_html("ko")) + "<!-- a --><!-- b -->"
    (remark,) = [finding for finding in check_html(html) if finding.rule == "SRC-COMMENT"]
    assert remark.message.endswith("(2 times)")
