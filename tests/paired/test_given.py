"""Settings of a discount that are not called by a usual name."""

from types import SimpleNamespace

import pytest

from lifesigns.dyes.reward.readings import readings_of, settings_of
from lifesigns.paired import given
from lifesigns.paired.experiments import Facts

SOURCE = "def advantages(deltas, gamma):\n    a = 0.0\n    for d in deltas:\n        a = d + gamma * 0.95 * a\n"


def fires(tmp_path, decay, source=SOURCE):
    file = tmp_path / "train.py"
    file.write_text(source, "utf-8")
    plan = SimpleNamespace(log=SimpleNamespace(sites=[(str(file), 4, str(file), 4, "advantages", "", 0)]))
    facts = Facts("discounting", {"settings": {"gamma": [["gamma", 0.99]]}, "decay": decay, "responses": 9})
    given.unnamed_lambda(plan, facts)
    return [r for r in readings_of(facts.data, settings_of(facts.data)) if r.wanted and not r.matches]


def test_a_number_of_the_source_is_taken_for_lambda(tmp_path):
    assert not fires(tmp_path, 0.99 * 0.95)


@pytest.mark.parametrize("decay", [0.99**2, 0.99 * 0.9])
def test_another_fading_is_still_told(tmp_path, decay):
    assert fires(tmp_path, decay)


def test_gamma_itself_is_no_lambda(tmp_path):
    assert fires(tmp_path, 0.99**2, SOURCE.replace("0.95", "0.99"))
