"""``python -m workbench`` and the installed command: from the first moment on, a signal ends it without a traceback."""

import gc
import os
import signal
import sys

COLLECT_AFTER = 50_000
"""Objects made and not yet freed before a search for cycles; with Python's 700 a command starts by searching its
imports over and over, a tenth of the time of a short one."""
STOPPED = '{"schema": 1, "ok": false, "exit": %d, "errors": [{"file": "", "line": 0, "column": 0, "key": "",'
STOPPED += ' "message": "stopped by signal %d before the command began", "hint": ""}]}\n'


def _exit_at_once(number: int, _: object) -> None:
    """End at once: nothing is under way yet, and what is being imported might swallow an exception."""
    if "--json" in sys.argv:
        os.write(1, (STOPPED % (128 + number, number)).encode())
    os._exit(128 + number)


def run() -> None:
    """Run the command line."""
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) != signal.SIG_IGN:  # nohup asks to be left alone
            signal.signal(number, _exit_at_once)
    gc.set_threshold(COLLECT_AFTER)
    try:
        from workbench.cli.main import run as start  # what it imports takes a while

        start()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
