"""The console script: a quick way out for `--version`, and no traceback for anybody."""

from __future__ import annotations

import os
import signal
import sys


class _Stop:
    """What SIGINT and SIGTERM do from the first moment on, and after the last: the end, with its code and a word."""

    def __init__(self) -> None:
        self.caught = False
        """Somebody is there to catch a KeyboardInterrupt and clean up."""

    def watch(self) -> None:
        """Take both signals."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.told)

    def told(self, _number: int, frame: FrameType | None) -> None:
        """Raise KeyboardInterrupt where it is caught; an import would swallow or print it, so there we just leave."""
        if self.caught and not _imports(frame):
            self.caught = False
            raise KeyboardInterrupt
        _leave()


def _imports(frame: FrameType | None) -> bool:
    """Say whether the interrupted code is an import, or is called by one."""
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _leave() -> None:
    """End at once, past everything that could raise or wait."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    unknown = _for_nagios(sys.argv[1:])
    told = [(sys.stderr, b"sagadoctor: interrupted\n")]
    if unknown:
        told.append((sys.stdout, b"SAGAS UNKNOWN - interrupted\n"))
    for stream, text in told:
        try:
            if stream is not None:
                os.write(stream.fileno(), text)
        except (OSError, ValueError):
            pass
    os._exit(3 if unknown else 130)


def _for_nagios(words: list[str]) -> bool:
    joined = f" {' '.join(words)} "
    return any(f" {said}nagios " in joined for said in ("-o", "-o ", "--output=", "--output "))


_BEFORE = [(number, signal.getsignal(number)) for number in (signal.SIGINT, signal.SIGTERM)]
_STOP = _Stop()
_STOP.watch()

import errno  # noqa: E402 - a signal during these would print a traceback
import gc  # noqa: E402
import re  # noqa: E402
from collections.abc import Sequence  # noqa: E402
from functools import partial  # noqa: E402
from types import FrameType  # noqa: E402

_WITH_VALUE = ("--config", "--env", "--timeout", "--color", "--log-file")
_ASSIGNED = tuple(f"{name}=" for name in _WITH_VALUE)
_FLAGS = ("--read-only", "--ascii", "--quiet", "--verbose", "--version")
_SHORT_FLAGS = re.compile(r"-[qv]+")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def parted(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the global options, which may stand anywhere before `--`, and the rest, which begins with the verb."""
    from sagadoctor.errors import UsageError

    front: list[str] = []
    rest: list[str] = []
    waiting = iter(arguments)
    for word in waiting:
        if word == "--":
            rest += [word, *waiting]
        elif word in _FLAGS or _SHORT_FLAGS.fullmatch(word) or word.startswith(_ASSIGNED):
            front.append(word)
        elif word in _WITH_VALUE:
            value = next(waiting, None)
            if value is None:
                raise UsageError(f"{word} needs a value")
            front += [word, value]
        else:
            rest.append(word)
    return front, rest


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program and leave with its exit code."""
    _STOP.watch()
    words = list(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    if words == ["--version"]:
        code = _version()
    else:
        _keep_libraries_quiet()
        _collect_seldom()
        # We use no plugin of pydantic's, and looking for one reads the metadata of everything that is installed.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        code = run(words, alone=True)
    code = _flushed(code)
    watchdog = sys.modules.get("sagadoctor.cli.watchdog")
    if watchdog is not None:
        watchdog.report(code)
    # Threads of blocking drivers are daemons; leaving this way never waits for one that hangs in a C library.
    os._exit(code)


def _collect_seldom() -> None:
    """Let the collector run seldom: facts hold no cycles, and walking over them takes a tenth of a scan's time."""
    gc.set_threshold(200_000, 50, 100)


def _version() -> int:
    from sagadoctor import __version__

    try:
        sys.stdout.write(f"sagadoctor {__version__}\n")
    except OSError:
        return 3
    return 0


def run(words: Sequence[str], *, alone: bool = False) -> int:
    """Run one command line and return its exit code; whatever happens, a person gets a sentence and no traceback.

    `alone`: the process is there for nothing else.
    """
    from sagadoctor.cli.exits import Exit
    from sagadoctor.errors import ConfigError, SagadoctorError, UsageError

    try:
        try:
            _STOP.caught = True
            return _invoke(words, alone=alone)
        finally:
            _STOP.caught = False
    except ConfigError as error:
        return _failed(words, Exit.USAGE, *(str(problem) for problem in error.problems))
    except UsageError as error:
        return _failed(words, Exit.USAGE, str(error))
    except SagadoctorError as error:
        return _failed(words, Exit.INCOMPLETE, str(error))
    except KeyboardInterrupt:
        return _failed(words, Exit.INTERRUPTED, "interrupted")
    except BrokenPipeError:
        _silence_stdout()
        return Exit.INCOMPLETE
    except OSError as error:
        if error.errno not in _FULL or error.filename is not None:
            return _our_fault(words, error)
        _silence_stdout()
        return _failed(words, Exit.INCOMPLETE, f"the output can't be written: {error.strerror}")
    except Exception as error:  # noqa: BLE001 - the last line of defence: a sentence instead of a traceback
        return _our_fault(words, error)


def _invoke(words: Sequence[str], *, alone: bool) -> int:
    """Run one command line; what the parser refuses is a UsageError."""
    from typer import TyperException

    from sagadoctor.cli.exits import Exit
    from sagadoctor.cli.main import program
    from sagadoctor.errors import UsageError

    stdout, stderr = sys.stdout, sys.stderr
    try:
        front, rest = parted(words)
        failed = partial(_failed, words, Exit.INCOMPLETE) if alone else None
        code = program(front, rest)(args=front + rest, prog_name="sagadoctor", standalone_mode=False, obj=failed)
    except TyperException as error:
        raise UsageError(_refusal(error)) from None
    except SystemExit as left:
        if sys.stdout is not stdout:  # a closed pipe: the parser wraps both streams and leaves with 1
            sys.stdout, sys.stderr = stdout, stderr
            raise BrokenPipeError from None
        code = left.code
    if code == Exit.INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _refusal(error: Exception) -> str:
    """Return what the parser says, and where the verb's help is."""
    text = str(getattr(error, "format_message", error.__str__)())
    context = getattr(error, "ctx", None)
    if context is None or text.startswith("Usage:"):
        return text
    return f"{text[:1].lower()}{text[1:].removesuffix('.')}\n{context.command_path} --help lists what there is"


def _failed(words: Sequence[str], code: int, *texts: str) -> int:
    """Say what went wrong and return the code; to Nagios every failure is UNKNOWN, for its 2 would page somebody."""
    from sagadoctor.cli.exits import Nagios

    for text in texts:
        _complain(text)
    if not _for_nagios(list(words)):
        return code
    first = _lines(texts[0]).splitlines()[0].replace("|", "/")
    sys.stdout.write(f"SAGAS UNKNOWN - {_plain(first)}\n")
    return Nagios.UNKNOWN


def _our_fault(words: Sequence[str], error: Exception) -> int:
    import logging
    import traceback

    from sagadoctor.cli.exits import Exit
    from sagadoctor.redaction import mask_text
    from sagadoctor.untrusted import shown

    logging.getLogger("sagadoctor").error("internal error", exc_info=error)
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "sagadoctor" in frame.filename]
    place = "".join(f" in {os.path.basename(last.filename)}:{last.lineno}" for last in (ours or frames)[-1:])
    text = shown(mask_text(str(error)), 300)
    told = f"internal error{place}: {type(error).__name__}: {text}; please report it, with --log-file FILE for details"
    return _failed(words, Exit.INCOMPLETE, told)


def _complain(text: str) -> None:
    """Say what is wrong; where nothing can be said (a full disk) the exit code still tells it."""
    line = _lines(text)
    try:
        sys.stderr.write(_fit(f"{line}\n" if line.startswith("Usage:") else f"sagadoctor: {line}\n"))
        sys.stderr.flush()
    except OSError:
        pass


def _lines(text: str) -> str:
    """Return the text made inert line by line; what is inert was spelt out before, and is not spelt out twice."""
    from sagadoctor.untrusted import is_inert, shown

    return "\n".join(line if is_inert(line) else str(shown(line)) for line in text.split("\n"))


def _fit(text: str) -> str:
    utf8 = (getattr(sys.stderr, "encoding", "") or "").lower().replace("-", "") == "utf8"
    return text if utf8 else _plain(text)


def _plain(text: str) -> str:
    return text.encode("ascii", "backslashreplace").decode("ascii")


def _open_closed_streams() -> None:
    """Give a place to write to where a stream was closed before we started (`>&-`)."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open until the end


def _keep_libraries_quiet() -> None:
    """Keep what libraries log and warn of away from the terminal: it isn't sanitised, and it isn't for a person."""
    import logging

    logging.getLogger().addHandler(logging.NullHandler())
    if not sys.warnoptions:
        logging.captureWarnings(True)


def _flushed(code: int) -> int:
    """Return the code, or 3 when not all of the output could be written; talk that is lost changes nothing."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _silence_stdout()
    except OSError as error:
        _silence_stdout()
        from sagadoctor.cli.exits import Exit

        _complain(f"the output can't be written: {error.strerror}")
        return Exit.INCOMPLETE
    return code


def _silence_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
else:  # whoever imports this keeps what they had until they call `main`
    for _number, _handler in _BEFORE:
        signal.signal(_number, _handler)
