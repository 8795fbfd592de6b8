"""What the detectors say of the programs in broken_cases.py, broken and fixed.

`python benchmarks/atlas/broken.py [--only NAME] [--no-record]` records each that is missing, unless it is told not to,
and writes broken.json and broken.md.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from broken_cases import CASES
from rates import finished
from run import head

from lifesigns.record.launch import Child, python_command
from lifesigns.rules import all_rules, run_rule
from lifesigns.store import new_run_folder

HERE = Path(__file__).parent
HOME = Path(tempfile.gettempdir()) / "lifesigns-broken"
LIMIT_S = 600


def row(case: str, fixed: bool, record: bool) -> dict:
    """Records one program, if need be, and asks every detector."""
    home = HOME / f"{case}-{'fixed' if fixed else 'broken'}"
    if record and finished(home) is None:
        arguments = [case, *(["--fixed"] if fixed else [])]
        folder = new_run_folder(str(HERE / "broken_cases.py"), home)
        ending = Child(
            python_command("", str(HERE / "broken_cases.py"), arguments, module=False), folder, deadline_s=LIMIT_S
        ).run()
        folder.write_meta({"argv": arguments, **ending.about(), "wall_s": ending.wall_s})
    trace, wanted = finished(home), CASES[case][1]
    told = {"case": case, "kind": "fixed" if fixed else "broken", "rule": wanted}
    if trace is None:
        return {**told, "status": "not recorded, or it did not end well"}
    verdicts = {r.code: run_rule(r, trace) for r in all_rules() if r.code[0] == "D"}
    return {
        **told,
        "status": verdicts[wanted].status,
        "message": "; ".join(f.message for f in verdicts[wanted].findings),
        "others": sorted(c for c, v in verdicts.items() if v.findings and c != wanted),
    }


def main() -> None:
    """Both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--no-record", action="store_true")
    args = parser.parse_args()
    rows = [row(case, fixed, not args.no_record) for case in CASES if args.only in case for fixed in (False, True)]
    caught = sum(r["status"] == "fired" for r in rows if r["kind"] == "broken")
    told = sum("others" in r for r in rows if r["kind"] == "broken")
    alarms = sum(r["status"] == "fired" for r in rows if r["kind"] == "fixed")
    summary = f"{caught} of {told} broken programs are told of by their rule, {alarms} of the fixed ones."
    print(
        summary,
        *(f"{r['kind']:<7} {r['case']:<18} {r['rule']} {r['status']} {r.get('others')}" for r in rows),
        sep="\n",
    )
    if args.only:
        return
    about = head("benchmarks/atlas/broken.py")
    (HERE / "broken.json").write_text(json.dumps({**about, "summary": summary, "rows": rows}, indent=1) + "\n", "utf-8")
    lines = ["# Programs with one slip", "", summary, "", "| case | kind | rule | it | other rules that fired |"]
    lines += ["|---|---|---|---|---|"]
    lines += [
        f"| {r['case']} | {r['kind']} | {r['rule']} | {r['status']} | {' '.join(r.get('others', []))} |" for r in rows
    ]
    lines += ["", f"{about['command']}, {about['date']}, Python {about['python']}, {about['versions']}."]
    (HERE / "broken.md").write_text("\n".join(lines) + "\n", "utf-8")


if __name__ == "__main__":
    main()
