import io
import json
import re
import subprocess
import sys
from html.parser import HTMLParser

import pytest
from rich.console import Console

from lifesigns.diagnose import explain
from lifesigns.model import Evidence, Finding, Trace, Verdict
from lifesigns.model.series import series
from lifesigns.report.charts import anchor, evidence_charts, overview_charts
from lifesigns.report.html import html
from lifesigns.report.terminal import render

LOADING = {"src", "href", "srcset", "data", "poster", "action"}


class Page(HTMLParser):
    """Tags with their attributes, ids, and the text of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        self._in_script = tag == "script"
        if self._in_script:
            self.scripts.append("")

    def handle_endtag(self, tag) -> None:
        self._in_script = False

    def handle_data(self, data) -> None:
        if self._in_script:
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def text(told) -> str:
    return html(told.diagnosis, told.trace, told.rules)


@pytest.fixture(scope="module")
def page(text) -> Page:
    return Page(text)


def test_hostile_text_makes_no_element(page, text) -> None:
    assert [tag for tag, _ in page.tags].count("script") == 3
    assert "img" not in {tag for tag, _ in page.tags}
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert "&lt;/script&gt;&lt;script&gt;alert(1)" in text
    assert "\x1b" not in text


def test_the_page_loads_nothing(page) -> None:
    for tag, attrs in page.tags:
        assert tag not in {"link", "iframe", "object", "embed", "base"}
        for name in LOADING & set(attrs):
            assert re.match(r"#", attrs[name] or ""), (tag, attrs)
    policy = next(a for t, a in page.tags if t == "meta" and a.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in (policy["content"] or "")


def test_every_chart_has_a_specification_and_every_link_a_target(page) -> None:
    specs = json.loads(page.scripts[0])
    drawn = [a["data-spec"] for _, a in page.tags if a.get("data-spec")]
    assert sorted(drawn) == sorted(specs) == sorted(set(drawn))
    assert set(drawn) == {
        anchor("loss.value", "loss/0"),
        anchor("env.episode_return", "env/0"),
        anchor("optimizer.gradient_norm", "optimizer/0"),
    }
    ids = {a["id"] for _, a in page.tags if a.get("id")}
    assert {a["href"] for t, a in page.tags if t == "a"} <= {f"#{one}" for one in ids}


def test_the_library_is_embedded_once(page) -> None:
    assert sum("vegaEmbed=" in script for script in page.scripts) == 1
    assert page.scripts[2].count("vegaEmbed(") == 1


def test_defects_causes_blind_reasons_and_rule_pages_are_there(text, told) -> None:
    for part in (
        "Defects present",
        "What explains this outcome",
        "/home/me/train.py:12",
        "Cheapest next test",
    ):
        assert part in text
    assert "<code>policy.entropy</code> was not recorded" in text
    assert "ZeroDivisionError: by zero" in text
    assert "Incomplete (killed)" in text
    assert '<details class="rule" id="rule-D901">' in text
    assert "rule-D903" not in text
    assert "&lt;b&gt;this&lt;/b&gt;" in text
    assert text.index("Defects present") < text.index("What explains") < text.index("Findings and their evidence")


def values(spec: dict, key: str) -> list[dict]:
    return [row for rows in spec["datasets"].values() for row in rows if key in row]


def test_a_chart_has_the_limit_the_step_and_the_points_that_are_not_finite(told) -> None:
    charts = evidence_charts(told.diagnosis, told.trace)
    loss = charts["loss.value", "loss/0"].spec
    marks = values(loss, "t")
    assert {row["t"] for row in marks} == {"D901", "nan", "inf"}
    assert next(row for row in marks if row["t"] == "D901")["x"] == 100.0
    points = values(loss, "y")
    assert 1000 < len(points) <= 2000
    assert {50.0, -50.0} <= {row["y"] for row in points}
    gradient = charts["optimizer.gradient_norm", "optimizer/0"]
    assert "12 of 20 columns are drawn" in gradient.note
    assert {row["c"] for row in values(gradient.spec, "c")} >= {"layer19.weight", "layer0.weight"}
    assert [row["y"] for row in values(gradient.spec, "t") if "limit" in row["t"]] == [1e-8]


def test_the_return_curve_has_the_band_of_random_actions(told) -> None:
    (returns, loss) = overview_charts(told.trace, {})
    band = next(row for row in values(returns.spec, "y2"))
    assert (band["y"], band["y2"]) == pytest.approx((2.0, 38.0))
    assert loss.title == "loss.value of loss"


def test_a_page_without_series_has_no_scripts(quiet) -> None:
    page = Page(html(quiet.diagnosis, quiet.trace, quiet.rules))
    assert page.scripts == []


def test_the_heavy_libraries_are_imported_only_for_a_page() -> None:
    code = (
        "import sys, lifesigns.report.html, lifesigns.report.json_report, lifesigns.diagnose;"
        "print([m for m in ('altair', 'vl_convert', 'rich', 'jinja2', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "meta", [{"argv": 3, "versions": ["x"], "wall_s": "soon", "ended": 5}, {"argv": "abc", "versions": None}]
)
def test_metadata_of_any_type_are_shown_or_left_out(meta, quiet) -> None:
    trace = Trace(meta, health={"own_share": "much", "failures": 3, "unread_bytes": "x"})
    assert "lifesigns" in html(explain(trace, (), ()), trace, ())
    render(explain(trace, (), ()), trace, Console(file=io.StringIO()))


@pytest.mark.parametrize("y", [[], [float("nan")] * 5, [1e308, -1e308] * 40, [0.0] * 3, [1e-9, 1e9]])
def test_any_values_can_be_drawn(y) -> None:
    found = [
        series("loss.value", "backward", y, subject="loss/0"),
        series("log.a", "logged", y, x=[float("inf")] * len(y)),
    ]
    evidence = [
        Evidence(s.name, s.subject, 1.0, limit, step=step)
        for s in found
        for limit in (0.0, float("nan"), None)
        for step in (float("inf"), 1.0, None)
    ]
    finding = Finding("D901", "r", "m", "note", "run", tuple(evidence))
    trace = Trace(series=tuple(found))
    told = explain(trace, (), (Verdict("D901", "r", "fired", (finding,)),))
    json.dumps([c.spec for c in evidence_charts(told, trace).values()], allow_nan=False)
    json.dumps([c.spec for c in overview_charts(trace, {})], allow_nan=False)
