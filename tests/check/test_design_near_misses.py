"""What only looks like a fault is none: a rule that cries wolf is switched off."""

import pytest
from design_mutations import GOOD_EN, GOOD_KO
from design_near_misses import NEAR_MISSES
from test_design_mutations import OURS

from digest.check.contract import check_html
from digest.check.finding import Severity


@pytest.mark.parametrize("name", NEAR_MISSES)
@pytest.mark.parametrize("good", [GOOD_KO, pytest.param(GOOD_EN, marks=pytest.mark.slow)], ids=["ko", "en"])
def test_a_near_miss_is_no_finding(name, good):
    found = check_html(NEAR_MISSES[name](good))
    assert not [each for each in found if each.rule in OURS or each.severity is Severity.ERROR]


def test_there_are_enough_of_them():
    assert len(NEAR_MISSES) >= 30
