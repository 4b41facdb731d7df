"""``python -m workbench`` and the installed command: from the first moment on, Ctrl-C ends it without a word."""

import sys


def run() -> None:
    """Run the command line."""
    try:
        from workbench.cli.main import run as start  # what it imports takes a while, and Ctrl-C may come then

        start()
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    run()
