"""Dyed runs leave the user's files as they were, and no script can make them raise or stay."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


def contents(folder: Path) -> dict[str, tuple[bytes | None, int, int]]:
    """Every file and folder below, byte for byte, with its mode and when it was changed."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        found[str(path.relative_to(folder))] = (
            path.read_bytes() if path.is_file() else None,
            about.st_mode,
            about.st_mtime_ns,
        )
    return found


def kept(scripts: Any, text: str) -> str:
    """Runs a script beside some files, elsewhere than in its working folder; its output. Nothing may have changed."""
    root = scripts.path.parent / "all"
    project, work = root / "project", root / "work"
    for folder in (project / "data", work / "logs"):
        folder.mkdir(parents=True)
        (folder / "old.txt").write_text("as it was\n")
        (folder.parent / "old.txt").write_text("as it was\n")
    scripts.path = project
    target = scripts.write(
        f"""\
        import os, pathlib, shutil, sys, tempfile
        HERE, ROOT = pathlib.Path(__file__).parent, pathlib.Path({str(root)!r})
        WORK = ROOT / "work"
        def attempt(name, do):
            try:
                do()
            except Exception as error:
                print(name, type(error).__name__, error)
            else:
                print(name, "done")
    """
        + text
    )
    target = type(target)(target.script, cwd=str(work))
    before = contents(root)
    scripts.runs(target, [{}])
    assert contents(root) == before
    return (scripts.logs / "runs-1" / "001-run0" / "output.log").read_text()


def test_writing_leaves_the_users_files_as_they_were(scripts: Any) -> None:
    said = kept(
        scripts,
        """
        def write(path, mode, binary=b"spoilt"):
            with open(path, mode) as file:
                file.write(binary if "b" in mode else "spoilt")
        for place in ("old.txt", "new.txt", "logs/old.txt", "logs/new.txt", HERE / "old.txt", HERE / "new.txt",
                      str(WORK / "old.txt"), str(HERE / "data" / "old.txt")):
            for mode in ("w", "a", "r+", "wb", "ab", "x"):
                attempt(f"{mode} {place}", lambda: write(place, mode))
        assert (HERE / "new.txt").name and open(HERE / "new.txt").read().startswith("spoilt")
        attempt("append", lambda: write("logs/old.txt", "a"))
        attempt("pathlib", lambda: (HERE / "old.txt").write_text("spoilt"))
        for place in ("model.pt", "old.txt", HERE / "model.pt", str(WORK / "old.txt")):
            attempt("torch.save", lambda: torch.save({"a": 1}, place))
            attempt("torch.load", lambda: torch.load(place))
        attempt("numpy", lambda: np.save(HERE / "array.npy", np.ones(3)))
        attempt("numpy", lambda: np.savez(str(WORK / "old.txt"), np.ones(3)))
        for place in ("runs/one/two", HERE / "runs" / "one" / "two", str(WORK / "logs" / "deep" / "er")):
            attempt("makedirs", lambda: os.makedirs(place, exist_ok=True))
            attempt("file in it", lambda: write(os.path.join(place, "events"), "w"))
        attempt("mkdir", lambda: (HERE / "made").mkdir(exist_ok=True))
        def rotate():
            torch.save({"a": 1}, ROOT / "step.tmp")
            os.replace(ROOT / "step.tmp", ROOT / "step.pt")
            shutil.copy2(ROOT / "step.pt", HERE / "best.pt")
            assert torch.load(HERE / "best.pt") == {"a": 1}
            assert os.path.getsize(HERE / "best.pt") > 0
            os.remove(ROOT / "step.pt")
            assert not (ROOT / "step.pt").exists()
            (HERE / "done").touch()
        attempt("rotate", rotate)
        def temporary():
            with tempfile.NamedTemporaryFile("w") as file, tempfile.TemporaryDirectory() as folder:
                file.write("spoilt")
                write(os.path.join(folder, "a"), "w")
                os.rename(os.path.join(folder, "a"), "b")
            assert open("b").read() == "spoilt" and not os.path.exists(folder) and not os.path.exists(file.name)
        attempt("temporary", temporary)
        attempt("descriptor", lambda: os.write(os.open("old.txt", os.O_WRONLY), b"spoilt"))
        import sqlite3
        attempt("database", lambda: sqlite3.connect("empty.db").execute("create table t (x)"))
    """,
    )
    for must_work in (
        "w old.txt done",
        "a old.txt done",
        "pathlib done",
        "torch.save done",
        "torch.load done",
        "makedirs done",
        "file in it done",
        "mkdir done",
        "numpy done",
        "rotate done",
        "temporary done",
        "descriptor done",
        "database done",
    ):
        assert must_work in said
    assert "Error" not in "".join(line for line in said.splitlines(True) if not line.startswith("x "))


def test_deleting_and_replacing_leave_the_users_files_as_they_were(scripts: Any) -> None:
    said = kept(
        scripts,
        """
        attempt("own", lambda: os.remove("old.txt"))
        for path in ("logs/old.txt", HERE / "old.txt", str(WORK / "logs" / "old.txt")):
            attempt("remove", lambda: os.remove(path))
            attempt("unlink", lambda: pathlib.Path(path).unlink())
            attempt("rename", lambda: os.rename(path, "elsewhere.txt"))
            attempt("replace", lambda: os.replace(path, HERE / "elsewhere.txt"))
            attempt("truncate", lambda: os.truncate(path, 0))
            attempt("move", lambda: shutil.move(path, "moved.txt"))
        attempt("rmtree", lambda: shutil.rmtree("logs"))
        attempt("rmtree", lambda: shutil.rmtree(HERE / "data"))
        def fresh():
            with open("fresh.txt", "w") as file:
                file.write("spoilt")
            return "fresh.txt"
        for path in (HERE / "old.txt", str(WORK / "old.txt"), "logs/old.txt"):
            attempt("replace by own", lambda: os.replace(fresh(), path))
            attempt("rename to", lambda: os.rename(fresh(), path))
            attempt("move to", lambda: shutil.move(fresh(), path))
            attempt("copy to", lambda: shutil.copy(fresh(), path))
            attempt("link to", lambda: os.link(fresh(), HERE / "linked.txt"))
            attempt("symlink", lambda: os.symlink("fresh.txt", HERE / "linked.txt"))
        with tempfile.NamedTemporaryFile("w", dir=".", delete=False) as file:
            file.write("spoilt")
        attempt("temporary", lambda: os.replace(file.name, HERE / "old.txt"))
        attempt("touch", lambda: (HERE / "touched.txt").touch())
        attempt("descriptor", lambda: os.write(os.open(HERE / "old.txt", os.O_WRONLY | os.O_TRUNC), b"spoilt"))
        attempt("descriptor", lambda: os.write(os.open(WORK / "opened", os.O_WRONLY | os.O_CREAT), b"spoilt"))
        attempt("chmod", lambda: os.chmod(HERE / "data" / "old.txt", 0o400))
        attempt("utime", lambda: os.utime(HERE / "data" / "old.txt", (0, 0)))
        import sqlite3
        attempt("database", lambda: sqlite3.connect(HERE / "empty.db").execute("create table t (x)"))
    """,
    )
    for must_work in ("own", "replace by own", "rename to", "move to", "copy to", "temporary", "touch", "descriptor"):
        assert f"{must_work} done" in said
    for refused in ("remove", "unlink", "rename", "replace", "truncate", "move", "rmtree", "chmod", "database"):
        assert f"{refused} PermissionError a dyed run may not change" in said
        assert f"{refused} done" not in said


# ---- scripts that cannot be traced

LOST = {
    "an exit": ("import sys; sys.exit(0)", "no PyTorch optimiser stepped"),
    "an exit with a status": ("import sys; sys.exit('no luck')", "no PyTorch optimiser stepped"),
    "a hard exit": ("import os; os._exit(3)", "ended without a log (exit status 3)"),
    "an exception": ("raise RuntimeError('no luck')", "RuntimeError: no luck"),
    "an interrupt": ("raise KeyboardInterrupt", "KeyboardInterrupt"),
    "nothing learned": ("env = World(); env.reset(seed=0); env.step(0)", "(1 environment steps)"),
    "an absent module": ("import no_such_module_anywhere", "No module named 'no_such_module_anywhere'"),
    "a syntax error": ("def broken(:", "SyntaxError"),
    "bytes that are no text": ("x = '\udcff'", "SyntaxError"),
    "killed": ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "ended without a log"),
}


@pytest.mark.parametrize("name", LOST)
def test_what_cannot_be_traced_is_blind_with_its_reason(scripts: Any, name: str) -> None:
    text, reason = LOST[name]
    target = scripts.write("", world=True)
    with open(target.script, "a", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text + "\n")
    facts = scripts.traced(target).facts
    assert facts
    reasons = [f.data["blind"] for f in facts if f.dye != "reproducible" or f.data.get("blind")]
    assert reasons
    assert all(reason in r for r in reasons), reasons[0]
    assert all("\n" not in r for r in reasons)


def test_a_script_that_is_not_there_is_blind(scripts: Any) -> None:
    target = scripts.write("")
    os.remove(target.script)
    assert "FileNotFoundError" in scripts.facts(target)["seeds"].data["blind"]


def test_a_script_that_spins_is_blind_and_does_not_stay(scripts: Any, tmp_path: Path) -> None:
    target = scripts.write("""\
        import os
        open("pid", "w").write(str(os.getpid()))
        while True:
            pass
    """)
    keep = tmp_path / "keep"
    started = time.monotonic()
    facts = scripts.facts(target, 10.0, zygotes=None, keep=keep)
    assert time.monotonic() - started < 20
    assert facts["reproducible"].data["blind"]
    pids = [int(p.read_text()) for p in keep.glob("*/cwd/pid")]
    assert pids
    deadline = time.monotonic() + 3
    while any(_runs(p) for p in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_runs(p) for p in pids)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_temporary_folders_go_with_the_run(scripts: Any) -> None:
    target = scripts.write("""\
        import tempfile
        print(tempfile.mkdtemp())
        raise SystemExit
    """)
    (log,) = scripts.runs(target, [{}], fresh=True)
    assert log.about["why"] == "end"
    (output,) = (scripts.logs / f"runs-{scripts.asked}").glob("*/output.log")
    assert output.read_text("utf-8").split()[-1].startswith(str(output.parent.resolve()))
