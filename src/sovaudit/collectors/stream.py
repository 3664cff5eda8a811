"""The collector's answer, from bytes on a channel to evidence.

(0) Noise before the mark is skipped, up to 64 kB. (1) The mark carries our nonce, the packing and the target's clock.
(2) What follows is unpacked as it arrives, never beyond the bound. (3) It ends with the end mark and a SHA-256 over everything
before; anything after, or another sum, refuses the whole. (4) Only then are frames read. Never: a name from the target as a path here.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass, field
from decimal import Decimal

from sovaudit.collectors import host_log, items
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Gap
from sovaudit.model.verdict import Reason

MAX_NOISE = 64 * 1024
_BEGINS = re.compile(rb" (gzip|plain) ([0-9]{1,12})\.?([0-9]*)[^\n]*\n")
_REASONS = {reason.value.encode(): reason for reason in Reason}


def _failed(what: str, hint: str) -> CollectError:
    return CollectError(what, status="failed", hint=hint)


class Receiver:
    """Feed it bytes as they come. `epoch_ms` is the target's clock once the mark is there. Raises CollectError (failed)."""

    def __init__(self, nonce: str, max_bytes: int) -> None:
        self._mark = b"SOVAUDIT/1 " + nonce.encode()
        self._nonce = nonce.encode()
        self._limit = max_bytes + 2 * 1024 * 1024
        self._noise = bytearray()
        self._unpack: zlib._Decompress | None = None
        self.body = bytearray()
        self.began = False
        self.epoch_ms: int | None = None
        self.noise = 0

    def feed(self, data: bytes) -> None:
        if self.began:
            self._take(data)
            return
        self._noise += data
        at = self._noise.find(self._mark)
        while at >= 0 and (match := _BEGINS.match(self._noise, at + len(self._mark))) is None:
            at = self._noise.find(self._mark, at + 1)
        if at < 0 or match is None:
            if len(self._noise) > MAX_NOISE:
                raise _failed(
                    "answers with something else than our collector's output",
                    "Look at what the account's shell prints before a command runs",
                )
            return
        if at > MAX_NOISE:
            raise _failed(
                "prints more than 64 kB before the collector's output", "Look at what the account's shell prints before a command runs"
            )
        self.began = True
        self.noise = at
        fraction = match[3].decode()
        self.epoch_ms = int(Decimal(f"{match[2].decode()}.{fraction or '5'}") * 1000)
        if match[1] == b"gzip":
            self._unpack = zlib.decompressobj(wbits=31)
        rest = bytes(self._noise[match.end() :])
        self._noise.clear()
        if rest:
            self._take(rest)

    def _take(self, data: bytes) -> None:
        if self._unpack is None:
            self.body += data
        else:
            try:
                self.body += self._unpack.decompress(data, self._limit + 1 - len(self.body))
            except zlib.error as error:
                raise _failed(
                    "its answer is damaged (not gzip)", "Try again; if it stays, look for what stands between us and the host"
                ) from error
            if self._unpack.unused_data:
                raise _failed(
                    "something follows the end of its answer",
                    "Another program writes into the channel: see what the account's shell starts",
                )
        if len(self.body) > self._limit:
            raise _failed(
                f"its answer is larger than {self._limit} bytes", "Raise --max-bytes if the host really holds that much configuration"
            )

    def finish(self) -> Answer:
        """The frames, once the channel is closed. Raises CollectError (failed)."""
        if not self.began:
            if not self._noise:
                raise _failed("answers nothing", "The account needs a shell that runs commands (/bin/sh)")
            raise _failed(
                "answers with something else than our collector's output", "The account needs a shell that runs commands (/bin/sh)"
            )
        body = bytes(self.body)
        self.body.clear()
        end = body.rfind(b"\n" + self._nonce + b" end ")
        if end < 0:
            if self._unpack is None or self._unpack.eof:
                raise _failed("its answer stops half-way, without an end mark", "Try again; nothing of this answer is used")
            return self._half(body)
        line = re.fullmatch(rb"([0-9a-f]{64}|none)\n", body[end + len(self._nonce) + 6 :])
        if line is None:
            raise _failed("something follows the end of its answer, or the end is damaged", "Try again; nothing of this answer is used")
        if line[1] != b"none" and hashlib.sha256(memoryview(body)[: end + 1]).hexdigest().encode() != line[1]:
            raise _failed("its answer does not match its own SHA-256", "Try again; nothing of this answer is used")
        answer = _frames(body[:end], self._nonce)
        if line[1] == b"none":
            answer.gaps["stream"] = Gap("stream", Reason.UNSUPPORTED, "the target has no sha256sum: only the transport protects its answer")
        return answer

    def _half(self, body: bytes) -> Answer:
        """It stopped half-way: what arrived counts if the files and their tree are whole."""
        mark = b"\n" + self._nonce + b" a\n"
        at = body.find(mark)
        if at < 0:
            raise _failed("its answer stops half-way", "Try again; see whether the host kills long commands")
        last = body.rfind(b"\n" + self._nonce + b" ")
        answer = _frames(body[: max(last, at + len(mark) - 1)], self._nonce)
        answer.broken = True
        return answer


@dataclass
class Answer:
    """What the frames said. broken: the target or a bound cut it short."""

    artifacts: dict[str, bytes] = field(default_factory=dict)
    gaps: dict[str, Gap] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)
    broken: bool = False


def _frames(body: bytes, nonce: bytes) -> Answer:
    answer = Answer()
    artifacts, gaps = answer.artifacts, answer.gaps
    marks: set[bytes] = set()
    running: tuple[str, bytes] | None = None
    tail: list[bytes] | None = None
    for frame in body.split(b"\n" + nonce + b" ")[1:]:
        head, _, content = frame.partition(b"\n")
        kind, _, rest = head.partition(b" ")
        if running is not None and kind != b"x":
            if len(running[1]) > items.MAX_COMMAND:
                _command(answer, running[0], 0, running[1])
            running = None
        if kind == b"f":
            flag, _, path = rest.partition(b" ")
            ended = b"\n" if flag == b"1" else b""
            artifacts["file:" + path.decode("utf-8", "surrogateescape")] = content + ended
        elif kind == b"g":
            reason, _, more = rest.partition(b" ")
            item, _, detail = more.partition(b"\t")
            name = item.decode("utf-8", "surrogateescape")
            gaps[name] = Gap(name, _REASONS.get(reason, Reason.UNSUPPORTED), detail.decode("utf-8", "replace"))
        elif kind == b"t":
            artifacts["tree"] = b"\n".join(sorted(set(content.rstrip(b"\n").split(b"\n")))) + b"\n"
        elif kind == b"c":
            running = (rest.decode("ascii", "replace"), content)
        elif kind == b"x" and running is not None:
            name, _, code = rest.decode("ascii", "replace").partition(" ")
            if name == running[0] and code.isdigit():
                _command(answer, name, int(code), running[1])
            running = None
        elif kind == b"p":
            artifacts["packages"] = b"".join(sorted(row + b"\n" for row in set(content.split(b"\n")) if row))
        elif kind == b"u":
            artifacts["setuid"] = b"".join(sorted(row + b"\n" for row in set(content.split(b"\n")) if row))
        elif kind == b"l":
            artifacts["log-starts"] = b"".join(sorted(row + b"\n" for row in content.split(b"\n") if row))
        elif kind == b"e":
            artifacts["acls"] = b"".join(sorted(row + b"\n" for row in content.split(b"\n") if row))
        elif kind == b"d":
            artifacts["digests"] = b"".join(sorted(row + b"\n" for row in content.split(b"\n") if row))
        elif kind == b"o":
            artifacts["last-logins"] = b"".join(sorted(row + b"\n" for row in content.split(b"\n") if row))
        elif kind == b"w":
            artifacts["console-logins"] = b"".join(sorted(row + b"\n" for row in set(content.split(b"\n")) if row))
        elif kind == b"q":
            artifacts["audit-serials"] = content.rstrip(b"\n") + b"\n" if content.strip() else b""
        elif kind == b"r":
            tail = content.split(b"\n")
        elif kind == b"i":
            key, _, value = rest.partition(b" ")
            answer.info[key.decode("ascii", "replace")] = value.decode("utf-8", "replace")[:200]
        elif kind in (b"a", b"b", b"z"):
            marks.add(kind)
    if tail is not None:
        _note(answer, host_log.records(tail, artifacts.get("tree", b"")))
    _complete(answer, marks)
    return answer


def _note(answer: Answer, records: bytes | Gap) -> None:
    if isinstance(records, Gap):
        answer.gaps[records.item] = records
    else:
        answer.artifacts[host_log.NAME] = records


def _command(answer: Answer, name: str, code: int, output: bytes) -> None:
    output = output.rstrip(b"\n")
    if code in (124, 137, 143):
        answer.gaps[f"cmd:{name}"] = Gap(f"cmd:{name}", Reason.TIMEOUT, f"took longer than {items.COMMAND_SECONDS} s")
    elif len(output) > items.MAX_COMMAND:
        answer.gaps[f"cmd:{name}"] = Gap(f"cmd:{name}", Reason.TRUNCATED, f"{len(output)} bytes")
    elif name == "units" and output == b"systemd does not run":
        answer.gaps["cmd:units"] = Gap("cmd:units", Reason.UNSUPPORTED, "systemd does not run")
    elif name == "journal-oldest" and not output:
        answer.gaps["cmd:journal-oldest"] = Gap("cmd:journal-oldest", Reason.ABSENT, "journalctl shows no entry to this account")
    else:
        answer.artifacts[f"cmd:{name}"] = b"exit %d\n%s%s" % (code, output, b"\n" if output else b"")


def _complete(answer: Answer, marks: set[bytes]) -> None:
    """Whatever should have come and did not is a gap; silence is never an answer."""
    if b"a" not in marks:
        answer.broken = True
        answer.artifacts.pop("tree", None)
        answer.gaps["tree"] = Gap("tree", Reason.TIMEOUT, "reading the files took too long")
        answer.gaps["tree:/"] = Gap("tree:/", Reason.TIMEOUT, "reading the files took too long")
    if "last-logins" not in answer.artifacts and "last-logins" not in answer.gaps:
        answer.broken = True
        answer.gaps["last-logins"] = Gap("last-logins", Reason.TIMEOUT, "not looked up, or it did not end")
    if "console-logins" not in answer.artifacts and "console-logins" not in answer.gaps:
        answer.broken = True
        answer.gaps["console-logins"] = Gap("console-logins", Reason.TIMEOUT, "not looked up, or it did not end")
    for name in (*(command.name for command in items.COMMANDS), *items.FROM_PROC, *items.PROC_FILES):
        if f"cmd:{name}" not in answer.artifacts and f"cmd:{name}" not in answer.gaps:
            answer.broken = True
            answer.gaps[f"cmd:{name}"] = Gap(f"cmd:{name}", Reason.TIMEOUT, "not run, or it did not end")
