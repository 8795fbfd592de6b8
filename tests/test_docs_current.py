"""Generated documentation is current, and what the documents name exists."""

import re
import runpy
from pathlib import Path

import pytest

from lifesigns.rules import all_rules

ROOT = Path(__file__).parent.parent


def test_rule_pages_are_those_the_rules_make() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "make_rule_pages.py"))["pages"]()
    assert {p.name for p in made} == {p.name for p in (ROOT / "docs" / "rules").glob("*.md")}
    for path, text in made.items():
        assert path.read_text("utf-8") == text, f"{path.name} is stale: make docs"


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_links_and_codes_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text("utf-8")
    links = [x for x in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in x]
    assert not [x for x in links if not (ROOT / x).exists()]
    known = {r.code for r in all_rules()}
    assert set(re.findall(r"\bD\d{3}\b", text)) <= known


def test_the_changelog_names_every_rule() -> None:
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert not [r.code for r in all_rules() if f"{r.code} {r.name}" not in text]
