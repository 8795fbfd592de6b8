"""The user's program is the user's: arguments, paths, streams, statuses, tracebacks, as without us. No torch
needed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest

Both = Callable[..., Any]


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("exit(0)", 0),
        ("import sys; sys.exit('said')", 1),
        ("import os, random; print('out', flush=True); os._exit(5)", 5),
        ("raise SystemExit", 0),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os; os.abort()", -6),
        ("raise KeyboardInterrupt", -2),
        ("def broken(:\n  pass", 1),
    ],
)
def test_exit_status_and_output(both: Both, text: str, status: int) -> None:
    assert both(text).returncode == status


def test_arguments_paths_and_module_facts(both: Both, scripts: Any) -> None:
    scripts.write("VALUE = 7", "sibling.py")
    ran = both(
        """
        import os, sys, random
        import sibling
        if __name__ == "__main__":
            print(__file__, sys.argv, sys.path, os.getcwd(), sibling.VALUE, __spec__)
            print(sys.modules["__main__"].__dict__.keys())
            print(sys.orig_argv[1:], sys.flags, sys.warnoptions)
            print([k for k in sys.modules if k.split(".")[0] == "lifesigns"])
    """,
        "--rate",
        "3e-4",
        "--",
        "ä b",
        "",
    )
    assert "sibling.py" not in ran.err
    assert "'--', 'ä b', ''" in ran.out


def test_python_m(scripts: Any) -> None:
    scripts.write("", "package/__init__.py")
    scripts.write("NAME = 'helper'", "package/helper.py")
    scripts.write(
        """
        import sys, random
        from . import helper
        print(__name__, __package__, __file__, __spec__.name, sys.argv, sys.path, helper.NAME)
        1 / 0
    """,
        "package/train.py",
    )
    bare, ran = (run("-m", "package.train", "--x", "1") for run in (scripts.bare, scripts.recorded))
    assert (bare.returncode, bare.out, bare.err) == (ran.returncode, ran.out, ran.err)
    assert "ZeroDivisionError" in ran.err


def test_a_script_that_relies_on_the_users_path(both: Both, scripts: Any) -> None:
    scripts.write("WHERE = 'elsewhere'", "lib/mine.py")
    assert (
        "elsewhere" in both("import sys, mine; print(mine.WHERE, sys.path)", PYTHONPATH=str(scripts.path / "lib")).out
    )


def test_a_folder_named_like_us(both: Both, scripts: Any) -> None:
    scripts.write("VALUE = 'mine'\n", "lifesigns/__init__.py")
    scripts.write("VALUE = 'mine too'\n", "lifesigns/record.py")
    ran = both("""
        import random
        import lifesigns
        from lifesigns import record
        print(lifesigns.VALUE, record.VALUE, lifesigns.__file__)
    """)
    assert "mine mine too" in ran.out


def test_the_users_own_sitecustomize_and_excepthook(both: Both, scripts: Any) -> None:
    scripts.write("import builtins; builtins.FROM_SITE = 'site'", "site/sitecustomize.py")
    ran = both(
        """
        import sys, random
        print(FROM_SITE, sys.modules["sitecustomize"].__file__)
        def hook(kind, value, trace):
            print("own hook:", kind.__name__, value, file=sys.stderr)
        sys.excepthook = hook
        raise ValueError("boom")
    """,
        PYTHONPATH=str(scripts.path / "site"),
    )
    assert ran.err == "own hook: ValueError boom\n"


def test_exceptions_of_all_kinds_print_as_without_us(both: Both) -> None:
    both("""
        import copy, random, threading
        class Stubborn:
            def __deepcopy__(self, memo):
                raise RuntimeError("not me")
        def thread():
            random.seed(Stubborn)
        worker = threading.Thread(target=thread, name="worker")
        worker.start()
        worker.join()
        try:
            random.seed([1])
        except TypeError as error:
            try:
                copy.deepcopy([Stubborn()])
            except RuntimeError as inner:
                raise ExceptionGroup("several", [inner, ValueError("x")]) from error
    """)


def test_standard_input(scripts: Any) -> None:
    scripts.write("import sys, random; print(sum(int(n) for n in sys.stdin))")
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "lifesigns.cli", "watch", "train.py"],
        cwd=scripts.path,
        input="1\n2\n39\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "42\n"
    assert done.returncode == 0


def test_seeding_functions_pickle_for_workers(both: Both) -> None:
    both("""
        import copy, os, pickle, random
        import numpy as np
        for function in (np.random.default_rng, copy.deepcopy, os._exit):
            assert pickle.loads(pickle.dumps(function)) is function
        for seed in (random.seed, np.random.seed):
            pickle.loads(pickle.dumps(seed))(3)
        print(random.Random(0).random(), np.random.default_rng(1).random())
    """)


def test_asking_whether_a_module_is_there_does_not_lose_it(record: Callable[..., Any], scripts: Any) -> None:
    """Libraries call `find_spec` for optional parts long before they import them."""
    scripts.write(
        "import sys\nclass Run:\n    def log(self, data, step=None): pass\n__version__ = '0'\n",
        "wandb/__init__.py",
    )
    ran = record("""
        import importlib.util
        assert importlib.util.find_spec("wandb") is not None
        assert importlib.util.find_spec("wandb").loader is not None
        import torch, wandb
        run = wandb.Run()
        for i in range(5):
            run.log({"loss": 0.5 * i, "deep": {"er": i}}, step=i)
            run.log(data={"kw": 1.0})
    """)
    assert ran.one("log.loss").y.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0]
    assert ran.one("log.deep.er").x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert len(ran.one("log.kw")) == 5


def test_warnings_as_errors_do_not_touch_us(both: Both) -> None:
    both(
        """
        import random, numpy as np
        random.seed(1), np.random.seed(2)
        print(random.random(), np.random.rand())
    """,
        PYTHONWARNINGS="error",
    )


def test_a_run_folder_that_cannot_be_written_ends_only_the_recording(scripts: Any) -> None:
    scripts.write("""
        import os, random
        import numpy as np
        folder = os.environ["LIFESIGNS_RUN"]
        import shutil
        shutil.rmtree(folder)
        open(folder, "w").close()
        np.random.seed(0)
        print(np.random.rand(), random.Random(0).random())
    """)
    ran = scripts.recorded("train.py")
    assert ran.returncode == 0
    assert len(ran.out.split()) == 2
    assert ran.err.count("the run goes on") == 1, ran.err
    assert "recording `store` failed" in ran.err


def test_no_output_is_lost_or_reordered(both: Both) -> None:
    both("""
        import sys, random
        for i in range(3000):
            print("line", i, "x" * 50)
        print("last without newline", end="")
        print("to stderr", end="", file=sys.stderr)
    """)
