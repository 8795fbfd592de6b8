"""Files that cannot be read: one diagnostic each, with its line, and never a crash; mutated source and real modules."""

from __future__ import annotations

import os
import sysconfig
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lifesigns.lints.read import FileReport, Job, lint_here
from lifesigns.lints.rules import lint_rules
from lifesigns.report.lint_json import to_json
from lifesigns.report.sarif import to_sarif

DEEP_CALLS = "import torch\nx = a" + ".b()" * 900 + "\n"
BAD = {
    "syntax error": (b"import torch\nx = 1\ndef f(:\n    pass\n", 3, "syntax error: invalid syntax"),
    "unclosed": (b"import torch\nx = (1,\ny = 2\n", 2, "syntax error: '(' was never closed"),
    "indentation": (b"import torch\nif x:\npass\n", 3, "expected an indented block"),
    "Python 2 print": (b"import torch\nprint 'loss', 3\n", 2, "Python 2: "),
    "Python 2 except": (b"import torch\ntry:\n    f()\nexcept ValueError, e:\n    pass\n", 4, "Python 2: "),
    "Python 2 octal": (b"import torch\nmode = 0755\n", 2, "Python 2: "),
    "binary": (bytes(range(256)) * 20, 1, "holds zero bytes"),
    "a zero byte late": (b"import torch\n" + b"x = 1\n" * 2000 + b"\0", 2002, "holds zero bytes"),
    "UTF-16": ("import torch\n".encode("utf-16"), 1, "holds zero bytes"),
    "Latin-1 undeclared": (b"import torch\n\n\nname = '\xe9'\n", 4, "not utf-8: byte 0xe9"),
    "Latin-1 undeclared at the top": (b"name = '\xe9'\n", 1, "not utf-8: byte 0xe9"),
    "unknown encoding": (b"# -*- coding: klingon -*-\nimport torch\n", 1, "encoding cannot be told"),
    "encoding that is none": (b"# coding: rot13\nimport torch\n", 1, "encoding cannot be told"),
    "undefined encoding": (b"# coding: undefined\nimport torch\n", 1, ""),
    "too many brackets": (b"import torch\nx = " + b"(" * 900 + b")" * 900, 2, "nested"),
    "deep sum": (b"import torch\nx = " + b"-" * 60_000 + b"1", 1, "nested too deeply"),
    "deep chain": (b"import torch\nx = a" + b".b" * 60_000, 1, "nested too deeply"),
    "deep indentation": (
        b"import torch\n" + b"".join(b" " * i + b"if x:\n" for i in range(120)) + b" " * 120 + b"pass\n",
        102,
        "too many levels of indentation",
    ),
    "huge": (b"import torch\n" + b"x = 1\n" * 600_000, 1, "MB is taken to be generated"),
    "one line": (b"import torch\nx = [" + b"1, " * 100_000 + b"]\n", 1, "taken to be generated"),
}


def lint(*paths: Path) -> list[FileReport]:
    return lint_here(Job(tuple((p, p.name) for p in paths), preview=True, always=frozenset(paths)))


@pytest.mark.parametrize("name", BAD)
def test_one_diagnostic_with_its_line(tmp_path: Path, name: str) -> None:
    data, line, said = BAD[name]
    path = tmp_path / "bad.py"
    path.write_bytes(data)
    (report,) = lint(path)
    assert report.unread is not None
    assert (report.unread.line, said in report.unread.reason) == (line, True), report.unread
    assert not report.hits
    assert not report.crashed


def test_a_bad_file_leaves_the_others_alone(tmp_path: Path) -> None:
    (tmp_path / "bad.py").write_text("def f(:\n")
    (tmp_path / "good.py").write_text(
        "import torch\nimport bad\nobs, r, term, trunc, info = env.step(a)\nprint(term)\n"
    )
    bad, good = lint(tmp_path / "bad.py", tmp_path / "good.py")
    assert bad.unread is not None
    assert [h.finding.code for h in good.hits] == ["L501"]


@pytest.mark.parametrize(
    "data",
    [b"", b"\n\n", b"\xef\xbb\xbfimport torch\n", b"# coding: latin-1\nimport torch\nx = '\xe9'\n",
     b"import torch\r\nx = 1\r\n"],
    ids=["empty", "blank", "byte order mark", "declared Latin-1", "Windows line ends"],
)  # fmt: skip
def test_these_are_fine(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "fine.py"
    path.write_bytes(data)
    (report,) = lint(path)
    assert report == FileReport("fine.py", report.lines, looked=report.looked)


def test_what_is_no_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "gone.py").symlink_to(tmp_path / "nowhere.py")
    pipe, gone = lint(tmp_path / "pipe.py", tmp_path / "gone.py")
    assert pipe.unread is not None
    assert pipe.unread.reason == "not a regular file"
    assert gone.unread is not None
    assert gone.unread.reason.startswith("cannot be opened")


def test_deep_but_parsable_code_gives_one_diagnostic_at_most(tmp_path: Path) -> None:
    path = tmp_path / "deep.py"
    path.write_text(DEEP_CALLS + "loss = " + " + ".join(["loss"] * 800) + "\nloss.backward()\n")
    (report,) = lint(path)
    assert not report.crashed


def test_cyclic_imports_classes_and_values_end(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "from b import *\nfrom b import B, g\nimport torch\nclass A(B):\n    def step(self):\n"
        "        return self.step()\n"
        "def f(x):\n    return g(x)\nx = f(x)\nx = y\ny = x\nloss = loss + f(loss)\nloss.backward()\nA().step()\n"
    )
    (tmp_path / "b.py").write_text(
        "from a import *\nfrom a import A, f\nimport torch\nclass B(A):\n    pass\ndef g(x):\n    return f(x)\n"
    )
    for report in lint(tmp_path / "a.py", tmp_path / "b.py"):
        assert report.unread is None
        assert not report.crashed


SNIPPETS = [code for r in lint_rules() for code in (*r.wrong.values(), *r.right.values())]
JUNK = [
    "(",
    ")",
    ":",
    "\n",
    "    ",
    "lambda x: ",
    "*",
    "[0]",
    "self.",
    "yield ",
    "await ",
    "= ",
    ", ",
    "'",
    "\\",
    "é",
    "x",
]


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(data=st.data())
def test_mutated_source_never_crashes_a_rule(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    import textwrap

    code = textwrap.dedent(data.draw(st.sampled_from(SNIPPETS)))
    other = textwrap.dedent(data.draw(st.sampled_from(SNIPPETS)))
    lines = code.splitlines() + other.splitlines()
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        what = data.draw(st.sampled_from(["drop", "double", "swap", "junk", "rename"]))
        if what == "drop" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(at, lines[at])
        elif what == "swap":
            lines[0], lines[at] = lines[at], lines[0]
        elif what == "rename":
            lines[at] = lines[at].replace("loss", "x").replace("env", "loss")
        else:
            cut = data.draw(st.integers(0, len(lines[at])))
            lines[at] = lines[at][:cut] + data.draw(st.sampled_from(JUNK)) + lines[at][cut:]
    path = tmp_path_factory.getbasetemp() / "mutated.py"
    path.write_text("import torch, torch.nn as nn, torch.nn.functional as F, gymnasium as gym\n" + "\n".join(lines))
    (report,) = lint(path)
    assert not report.crashed, report.crashed
    to_json([report])
    to_sarif([report], lint_rules(), "0")


@settings(max_examples=100, deadline=None, derandomize=True)
@given(data=st.binary(max_size=300))
def test_any_bytes_never_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    for name in ("any.py", "any.ipynb"):
        path = tmp_path_factory.getbasetemp() / name
        path.write_bytes(data)
        (report,) = lint(path)
        assert not report.crashed


def test_a_sample_of_the_standard_library(tmp_path: Path) -> None:
    folder = Path(sysconfig.get_path("stdlib"))
    files = sorted(p for p in folder.rglob("*.py") if "site-packages" not in p.parts)[::45]
    assert len(files) > 20
    for report in lint(*files):
        assert not report.crashed, report
        assert not report.hits, report.hits
