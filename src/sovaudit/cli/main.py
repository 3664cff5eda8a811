"""The command. Parses the verb, calls one public function through that verb's module, and turns every ending into an exit code.

Nothing heavy is imported before a verb is known: `sovaudit --version` and `--help` answer at once.
"""

from __future__ import annotations

import argparse
import codecs
import contextlib
import io
import os
import signal
import sys
import time
from importlib import import_module
from typing import Any, NoReturn

VERBS = {
    "audit": "collect, judge, report, seal, gate: the main job",
    "collect": "evidence only, no judgement",
    "replay": "recompute every verdict offline from an evidence bundle",
    "render": "the same report in another format or language",
    "verify": "signature, trust, page, evidence and recomputed verdicts of a report",
    "gate": "decide again, with other thresholds",
    "diff": "what changed between two reports, and why",
    "map": "propose a map for an export of a badge system, and show what it loses",
    "names": "whom the pseudonyms of a report mean, for who holds the key and the exports",
    "plan": "every command and file that would be run or read; no connection",
    "preflight": "connect; say what the account may read and which checks that costs",
    "privileges": "the exact least rights for the audit account",
    "list": "checks, directives, profiles",
    "explain": "a check, a control or the exit codes",
    "keygen": "make a signing key and a self-signed certificate",
    "sign": "countersign a report",
    "waivers": "lint a waivers file",
    "new": "start a check of your own",
}

KEPT = {
    "audit": "; finished targets are kept (sovaudit audit --resume DIR goes on, with the same flags)",
    "collect": "; finished targets are kept (the same command goes on)",
}
"""What an interrupted verb leaves; the others leave nothing behind."""


class Terminated(BaseException):
    """SIGTERM, raised where the main thread stands so that finished targets are kept."""


def main(argv: list[str] | None = None) -> int:
    """Run one command and return its exit code (docs/exit-codes.md)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    _speak()
    os.environ["TZ"] = "UTC"  # we say no local time, and libraries stumble over a TZ that names no zone file
    time.tzset()
    previous = signal.signal(signal.SIGTERM, _terminate)
    try:
        code = _run(arguments, debug="--debug" in arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _hush(sys.stdout)
        return 141
    except KeyboardInterrupt:
        _leave(130, "interrupted" + KEPT.get(arguments[0], ""))
    except Terminated:
        _leave(143, "terminated" + KEPT.get(arguments[0], ""))
    except OSError as error:
        if "--debug" in arguments:
            raise
        where = error.filename if error.filename else "a result cannot be written"
        _say(f"sovaudit: {ascii(str(where))[1:-1]}: {error.strerror or error}")
        _hush(sys.stdout)
        return 74
    finally:
        signal.signal(signal.SIGTERM, previous)
    return code


def _run(arguments: list[str], *, debug: bool) -> int:
    """Answer, or say in one line why not."""
    if arguments[:1] in (["--version"], ["-V"]):
        from sovaudit import __version__

        print(f"sovaudit {__version__}")
        return 0
    if arguments[:1] == ["help"] and arguments[1:2] and arguments[1] in VERBS:
        arguments = [arguments[1], "--help"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0 if arguments else 2
    verb = arguments[0]
    if verb not in VERBS:
        return _unknown_verb(verb)
    try:
        options = parser(verb).parse_intermixed_args(arguments[1:])  # targets may stand anywhere among flags
    except SystemExit as end:  # the parser has said what is wrong; its own code for that is 2 as well
        return int(end.code or 0)
    from sovaudit import errors

    codes = {errors.UsageError: 2, errors.NothingError: 5, errors.IntegrityError: 4, errors.OutputError: 74}
    try:
        return int(_module(verb).run(options))
    except errors.SovauditError as error:
        if debug:
            raise
        from sovaudit.reports.hostile import visible

        _say(f"sovaudit: {visible(str(error))}")
        return next((code for kind, code in codes.items() if isinstance(error, kind)), 70)
    except OSError:
        raise
    except Exception as error:
        if debug:
            raise
        return _internal(error)


def _say(text: str) -> None:
    """One line on standard error, if anybody takes it."""
    try:
        print(text, file=sys.stderr, flush=True)
    except OSError:
        _hush(sys.stderr)


def _hush(stream: Any) -> None:
    """Let go of what a broken stream still holds, or Python itself complains when it closes it, and ends with a code of its own."""
    try:
        stream.flush()
    except OSError:
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


PLAIN = {
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "…": "...",
    "→": "->",
    "–": "-",
    "—": "-",
    "·": "-",
    "œ": "oe",
    "\u00a0": " ",
    "\u202f": " ",
}


def _speak() -> None:
    """Speak on whatever standard output and error are: closed ones, and those of a locale that lacks our signs."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - as long as the process
            continue
        own = stream is getattr(sys, f"__{name}__")  # what a caller put in its place is theirs to close
        # PYTHONUNBUFFERED: what is cut short is not told
        if own and isinstance(stream, io.TextIOWrapper) and isinstance(stream.buffer, io.RawIOBase):
            encoding, errors = stream.encoding, stream.errors
            stream = io.TextIOWrapper(io.BufferedWriter(stream.detach()), encoding, errors, line_buffering=True)
            setattr(sys, name, stream)
        if isinstance(stream, io.TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            codecs.register_error("sovaudit", _plain)
            stream.reconfigure(errors="sovaudit")


def _plain(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(PLAIN.get(character, "?") for character in error.object[error.start : error.end]), error.end


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        _say(f"sovaudit: {self.prog.removeprefix('sovaudit ')}: {ascii(message)[1:-1]}. {self.prog} --help says what there is.")
        self.exit(2)

    def _print_message(self, message: str, file: Any = None) -> None:
        (file or sys.stderr).write(message)  # argparse would hide that it cannot be written


def parser(verb: str) -> Parser:
    """What one verb takes."""
    made = Parser(f"sovaudit {verb}", description=VERBS[verb].capitalize() + ".", allow_abbrev=False)
    _module(verb).arguments(made)
    made.add_argument("--debug", action="store_true", help="show the traceback of an error")
    named = [str(action.metavar or "|".join(action.choices or ())) + (" …" if action.nargs in ("*", "+") else "")
             for action in made._get_positional_actions()]  # fmt: skip
    needed = [f"{action.option_strings[0]} {action.metavar}" for action in made._get_optional_actions() if action.required]
    made.usage = " ".join([made.prog, "[OPTION …]", *needed, *named])
    return made


def _module(verb: str) -> Any:
    return import_module(f"sovaudit.cli.{'new_check' if verb == 'new' else 'listing' if verb == 'list' else verb}")


def usage() -> str:
    rows = "\n".join(f"  {verb:<11} {text}" for verb, text in VERBS.items())
    return (
        f"usage: sovaudit VERB …\n\n{rows}\n\n"
        "sovaudit VERB --help says more. Exit codes: sovaudit explain exit-codes.\n"
        "First audit: sovaudit audit local:"
    )


def _unknown_verb(verb: str) -> int:
    import difflib

    near = difflib.get_close_matches(verb, VERBS, 1)
    hint = f"Did you mean {near[0]}?" if near else "sovaudit --help lists them."
    _say(f"sovaudit: no such verb: {ascii(verb)[1:-1]}. {hint}")
    return 2


def _terminate(number: int, frame: object) -> NoReturn:
    raise Terminated


def _leave(code: int, message: str) -> NoReturn:
    """End at once: collecting threads may still wait for their hosts, and joining them would ignore the user."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)  # a second one waits for nothing at all
    _say(f"\nsovaudit: {message}")
    tables = sys.modules.get("sovaudit.tables")
    if tables is not None:
        tables.abandon()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _internal(error: Exception) -> int:
    import tempfile
    import traceback

    place = "nowhere: it could not be written"
    with contextlib.suppress(OSError), tempfile.NamedTemporaryFile("w", prefix="sovaudit-", suffix=".traceback", delete=False) as file:
        traceback.print_exception(error, file=file)
        place = file.name
    _say(f"sovaudit: a defect of ours: {type(error).__name__}: {ascii(str(error))[:200]}. Traceback: {place}")
    return 70


if __name__ == "__main__":
    sys.exit(main())
