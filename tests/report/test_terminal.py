import io

import pytest
from rich.console import Console

from lifesigns.report.terminal import render, render_rule, runs_table


def text(told, width: int = 80, **options) -> str:
    out = io.StringIO()
    render(told.diagnosis, told.trace, Console(file=out, width=width, **options))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_no_line_is_wider_than_the_terminal(told, quiet, width: int) -> None:
    for one in (told, quiet):
        assert max(map(len, text(one, width).splitlines())) <= width


def test_the_parts_come_in_order_and_the_last_line_is_a_command(told) -> None:
    shown = text(told)
    parts = [
        "It is not learning",
        "DEFECTS PRESENT",
        "WHAT EXPLAINS",
        "CHECKS",
        "CLEAR",
        "BLIND",
        "CRASHED",
        "RECORDING",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert "lifesigns explain D901" in shown
    assert shown.rstrip().splitlines()[-1].strip() == "lifesigns diagnose 20250101-120000-train --html report.html"


def test_a_defect_has_its_place_and_source_line(told) -> None:
    defects = text(told).split("WHAT EXPLAINS")[0]
    assert "numerical-overflow" in defects
    assert "/home/me/train.py:12" in defects
    assert "| loss.backward()" in defects
    assert "loss.value = nan (limit inf) at backward 100" in defects


def test_a_cause_has_words_range_evidence_remedy_and_test(told) -> None:
    first = told.diagnosis.causes[0]
    causes = text(told, 200).split("WHAT EXPLAINS")[1].split("CHECKS")[0]
    assert f"{first.words} ({first.range[0]}–{first.range[1]} %)" in causes
    assert first.remedy in causes
    assert first.next_test in causes


def test_blind_reasons_are_grouped_with_their_rules(told) -> None:
    shown = " ".join(text(told).split())
    assert "`policy.entropy` was not recorded: D904 always-blind, D906 blind-as-well" in shown
    assert "D905 always-crashed: ZeroDivisionError: by zero" in shown
    assert "2 of 6 checks fired; 1 clear, 2 blind, 1 crashed" in shown


def test_recording_health_and_own_overhead_are_said(told) -> None:
    shown = text(told)
    assert "own share of that time: 2.1 %" in shown
    assert "recorder failed in torch: 2" in shown
    assert "9 bytes" in shown
    assert "Incomplete (killed)" in shown


def test_a_run_without_findings_is_not_called_healthy(quiet) -> None:
    shown = text(quiet)
    assert "No problems found by 1 of 2 checks; 1 clear, 1 blind" in shown
    assert "None proven." in shown
    assert "is healthy" not in shown


def test_text_from_a_run_cannot_steer_the_terminal(told) -> None:
    assert not {"\x1b", "\x07"} & set(text(told))


def test_no_color_and_markup_of_rich_are_left_alone(told, monkeypatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    shown = text(told, force_terminal=True)
    assert "\x1b[31m" not in shown
    assert "\x1b[1;31m" not in shown
    assert "[numerical-overflow]" in shown


def test_runs_table_has_a_row_for_each_run() -> None:
    out = io.StringIO()
    rows = [
        ("a", {"script": "x.py", "ended": "finished", "wall_s": 90, "started": "2025-01-02T03:04:05"}),
        ("b", {}),
    ]
    Console(file=out, width=80).print(runs_table(rows))
    lines = out.getvalue().splitlines()
    assert len(lines) == 3
    assert "2025-01-02 03:04" in lines[1]
    assert "1.5 min" in lines[1]
    assert "unknown" in lines[2]


def test_the_page_of_a_rule_is_shown(told) -> None:
    out = io.StringIO()
    render_rule(told.rules[0], Console(file=out, width=80))
    assert "When it is wrong" in out.getvalue()
    assert "numerical-overflow" in out.getvalue()
    assert max(map(len, out.getvalue().splitlines())) <= 80
