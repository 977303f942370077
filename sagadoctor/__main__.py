"""The console script: a quick way out for `--version`, and no traceback for anybody."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

_WITH_VALUE = ("--config", "--env", "--timeout", "--color", "--log-file")
_FLAGS = ("--read-only", "--ascii", "-q", "--quiet", "-v", "--verbose")


def hoisted(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with global options moved before the verb, so that they may stand anywhere before `--`."""
    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word in _FLAGS or word.startswith(tuple(f"{name}=" for name in _WITH_VALUE)):
            front.append(word)
        elif word in _WITH_VALUE:
            front.append(word)
            front += [value for value in [next(waiting, None)] if value is not None]
        else:
            rest.append(word)
    return front + rest


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words == ["--version"]:
        from sagadoctor import __version__

        sys.stdout.write(f"sagadoctor {__version__}\n")
        sys.exit(0)
    code = run(words)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    sys.stderr.flush()
    # Threads of blocking drivers are daemons; leaving this way never waits for one that hangs in a C library.
    os._exit(code)


def run(words: Sequence[str]) -> int:
    """Run one command line and return its exit code; whatever happens, a person gets a sentence and no traceback."""
    from sagadoctor.errors import ConfigError, LedgerError, SagadoctorError, UsageError

    try:
        return _invoke(words)
    except ConfigError as error:
        for problem in error.problems:
            _complain(str(problem))
        return _usage_code(words)
    except UsageError as error:
        _complain(str(error))
        return _usage_code(words)
    except LedgerError as error:
        _complain(f"ledger: {error}")
        return 3
    except SagadoctorError as error:
        _complain(str(error))
        return 3
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130
    except BrokenPipeError:
        _silence_stdout()
        return 3
    except Exception as error:  # noqa: BLE001 - the last line of defence: a sentence instead of a traceback
        return _our_fault(error)


def _invoke(words: Sequence[str]) -> int:
    from sagadoctor.cli.main import app

    try:
        app(args=hoisted(words), prog_name="sagadoctor", standalone_mode=True)
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else (0 if left.code is None else 1)
        return _usage_code(words) if code == 2 else code
    return 0


def _usage_code(words: Sequence[str]) -> int:
    """Return 2, but UNKNOWN (3) for Nagios: to it a 2 is CRITICAL, and a typo in cron must not page anybody."""
    pairs = zip(words, [*words[1:], ""], strict=True)
    nagios = any(
        (word in ("-o", "--output") and value == "nagios") or word in ("-onagios", "--output=nagios")
        for word, value in pairs
    )
    return 3 if nagios else 2


def _our_fault(error: Exception) -> int:
    import logging
    import traceback

    from sagadoctor.redaction import mask_text
    from sagadoctor.untrusted import shown

    logging.getLogger("sagadoctor").error("internal error", exc_info=error)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "sagadoctor" in frame.filename]
    place = "".join(f" in {os.path.basename(last.filename)}:{last.lineno}" for last in (ours or frames)[-1:])
    text = shown(mask_text(str(error)), 300)
    _complain(
        f"internal error{place}: {type(error).__name__}: {text}; please report it, with --log-file FILE for details"
    )
    return 3


def _complain(text: str) -> None:
    line = f"sagadoctor: {_lines(text)}\n"
    sys.stderr.write(line if _utf8() else line.encode("ascii", "backslashreplace").decode("ascii"))


def _lines(text: str) -> str:
    from sagadoctor.untrusted import shown

    return "\n".join(str(shown(line)) for line in text.split("\n"))


def _utf8() -> bool:
    return (getattr(sys.stderr, "encoding", "") or "").lower().replace("-", "") == "utf8"


def _silence_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
