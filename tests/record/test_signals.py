"""Ctrl-C and other signals end a watched script as they would end it alone; a terminal stays a terminal."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from lifesigns.store import list_runs, load_run

WATCH = [sys.executable, "-m", "lifesigns.cli", "watch", "train.py"]
LOOP = """
    import random, signal, sys, time
    {before}
    print("ready", flush=True)
    try:
        for _ in range(600):
            time.sleep(0.05)
    {after}
"""
PLAIN = LOOP.format(before="", after="finally:\n        print('cleaned up', flush=True)")
HANDLED = LOOP.format(
    before="",
    after="""except KeyboardInterrupt:
        time.sleep(0.5)
        print("saved", flush=True)
        sys.exit(7)""",
)
COUNTED = (
    LOOP.format(
        before="""seen = []
    def on_term(number, frame):
        seen.append(number)
    signal.signal(signal.SIGTERM, on_term)
    signal.signal(signal.SIGHUP, on_term)""",
        after="""finally:
        pass""",
    ).replace("time.sleep(0.05)", "time.sleep(0.05)\n            if seen: break")
    + """
    time.sleep(0.5)
    print("seen", len(seen), flush=True)
    sys.exit(8)
"""
)


def begin(scripts: Any, text: str, command: list[str] = WATCH, **env: str) -> subprocess.Popen[bytes]:
    """Starts a script and waits until it is in its loop."""
    scripts.write(text)
    process = subprocess.Popen(
        command,
        cwd=scripts.path,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    time.sleep(0.2)
    return process


@pytest.mark.parametrize("to_group", [True, False], ids=["group", "alone"])
@pytest.mark.parametrize(
    ("text", "number", "status", "printed"),
    [
        (PLAIN, signal.SIGINT, -signal.SIGINT, "cleaned up"),
        (HANDLED, signal.SIGINT, 7, "saved"),
        (PLAIN, signal.SIGTERM, -signal.SIGTERM, ""),
        (COUNTED, signal.SIGTERM, 8, "seen 1"),
        (COUNTED, signal.SIGHUP, 8, "seen 1"),
    ],
    ids=["int", "int-handled", "term", "term-handled", "hup-handled"],
)
def test_a_signal_reaches_the_script_once(
    scripts: Any, to_group: bool, text: str, number: int, status: int, printed: str
) -> None:
    process = begin(scripts, text)
    (os.killpg if to_group else os.kill)(process.pid, number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == status, err
    assert out.decode().strip() == printed
    assert err.decode().count("Traceback") == (status == -signal.SIGINT)


def test_ctrl_c_in_a_terminal(scripts: Any) -> None:
    """The terminal sends SIGINT to the foreground group: to lifesigns and to the script, each once."""
    scripts.write(HANDLED.replace('print("ready"', 'print("ready", sys.stdout.isatty(), sys.stdin.isatty()'))
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(scripts.path)
        os.execv(sys.executable, WATCH)
    seen = b""
    while b"ready" not in seen:
        seen += os.read(terminal, 1000)
    time.sleep(0.3)
    os.write(terminal, b"\x03")
    try:
        while chunk := os.read(terminal, 1000):
            seen += chunk
    except OSError:
        pass
    _, status = os.waitpid(pid, 0)
    assert b"ready True True" in seen
    assert b"saved" in seen
    assert os.waitstatus_to_exitcode(status) == 7


def test_a_terminal_looks_the_same(scripts: Any) -> None:
    """Size, colours and newlines as without us; the script's own lines come out byte for byte."""
    scripts.write("""
        import os, random, shutil, sys
        print(sys.stdout.isatty(), sys.stderr.isatty(), sys.stdout.line_buffering)
        print(tuple(shutil.get_terminal_size()))
        print("\\x1b[31mred\\x1b[0m\\ttab\\r\\nend")
    """)

    def show(command: list[str]) -> bytes:
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(scripts.path)
            os.environ["TERM"] = "dumb"
            os.environ.pop("COLUMNS", None)
            os.execv(sys.executable, command)
        seen = b""
        try:
            while chunk := os.read(terminal, 4000):
                seen += chunk
        except OSError:
            pass
        os.waitpid(pid, 0)
        return seen

    bare = show([sys.executable, "train.py"])
    assert b"True True" in bare
    assert show(WATCH).startswith(bare)


def test_killing_lifesigns_leaves_a_trace_that_opens(scripts: Any) -> None:
    """The script goes on and so does its recorder: every step lies in the trace, those after the kill too.

    `LIFESIGNS_DENSE`: a loaded machine must not thin the losses, which are counted here.
    """
    process = begin(
        scripts,
        """
        import random, time, torch
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        print("ready", flush=True)
        for _ in range(150):
            optimizer.zero_grad()
            model(torch.ones(1, 2)).sum().backward()
            optimizer.step()
            time.sleep(0.02)
        open("done", "w").close()
    """,
        LIFESIGNS_DENSE="1",
    )
    time.sleep(1.5)
    process.kill()
    process.communicate()
    assert not (scripts.path / "done").exists()
    folder = list_runs(scripts.path / ".lifesigns")[0]
    trace = load_run(folder.path)
    assert trace.meta["ended"] == "running"
    _until(lambda: (scripts.path / "done").exists())
    _until(lambda: load_run(folder.path).health.get("updates") == 150)
    trace = load_run(folder.path)
    assert trace.health["backwards"] == 150
    assert trace.named("loss.value")[0].x.tolist() == list(range(1, 151))


@pytest.mark.slow
def test_killing_the_script_leaves_a_run_that_is_diagnosed(scripts: Any) -> None:
    process = begin(
        scripts,
        """
        import os, signal, time, torch
        model = torch.nn.Linear(2, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.0)
        print("ready", flush=True)
        for i in range(10_000):
            optimizer.zero_grad()
            model(torch.ones(4, 2)).sum().backward()
            optimizer.step()
            time.sleep(0.005)
            if i == 400:
                os.kill(os.getpid(), signal.SIGKILL)
    """,
        LIFESIGNS_DENSE="1",
    )
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    folder = list_runs(scripts.path / ".lifesigns")[0]
    part = folder.trace_file.read_bytes()
    folder.trace_file.write_bytes(part[:-3])
    done = subprocess.run(
        [sys.executable, "-m", "lifesigns.cli", "diagnose", str(folder.path), "--json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode in (0, 1), done.stderr
    trace = load_run(folder.path)
    assert trace.meta["ended"] == "killed"
    assert 50 < len(trace.named("loss.value")[0]) <= 401


def _until(condition: Any, seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_a_budget_leaves_no_process_behind(scripts: Any, tmp_path: Path) -> None:
    scripts.write("""
        import multiprocessing, os, random, signal, sys, time
        def work(name):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            open(f"pid-{os.getpid()}", "w").close()
            time.sleep(600)
        if __name__ == "__main__":
            for context in ("fork", "spawn"):
                multiprocessing.get_context(context).Process(target=work, args=(context,)).start()
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            open(f"pid-{os.getpid()}", "w").close()
            time.sleep(600)
    """)
    started = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "lifesigns.cli", "check", "train.py", "--budget", "3s"],
        cwd=scripts.path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - started < 15
    pids = [int(p.name.removeprefix("pid-")) for p in scripts.path.glob("pid-*")]
    assert len(pids) == 3
    _until(lambda: not any(_alive(p) for p in pids), 5)
    assert list_runs(scripts.path / ".lifesigns")[0].read_meta()["ended"] == "stopped early"


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
