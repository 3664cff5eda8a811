"""The answer on the wire: what is refused, what is kept, what it costs."""

from __future__ import annotations

import gzip
import hashlib
import time
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sovaudit.collectors import items
from sovaudit.collectors.stream import Receiver
from sovaudit.errors import CollectError
from sovaudit.model.verdict import Reason

N = "0123456789abcdef0123456789abcdef"
FRAMES = [
    "f 1 /etc/a\none\ntwo", "f 0 /etc/b\nno newline", "f e /etc/c", "f 1 /etc/d\n", "g denied file:/etc/shadow\tno", "t\n-\t\t\t\t\t\t/x\nD\t\t\t\t\t\t/\n-\t\t\t\t\t\t/x",
    "p\nsudo 1.9", "l\n/var/log/auth.log\tJan", "a", "c kernel\nLinux\n", "x kernel 0", "c mounts\nbusy\n", "x mounts 124", "b", "i hostname lab", "z",
]  # fmt: skip


def body(frames: list[str] = FRAMES) -> bytes:
    return "".join(f"\n{N} {frame}" for frame in frames).encode() + b"\n"


def wire(content: bytes, *, noise: bytes = b"", after: bytes = b"", pack: str = "gzip", total: str = "") -> bytes:
    total = total or hashlib.sha256(content).hexdigest()
    whole = content + f"{N} end {total}\n".encode()
    return noise + f"\nSOVAUDIT/1 {N} {pack} 1790000000.250\n".encode() + (gzip.compress(whole) if pack == "gzip" else whole) + after


def receive(data: bytes, *, step: int = 997, limit: int = items.MAX_FILE) -> Receiver:
    receiver = Receiver(N, limit)
    for start in range(0, len(data), step):
        receiver.feed(data[start : start + step])
    return receiver


@pytest.mark.parametrize("step", [1, 7, 10_000])
@pytest.mark.parametrize("pack", ["gzip", "plain"])
def test_a_whole_answer(pack: str, step: int) -> None:
    receiver = receive(wire(body(), noise=b"Welcome!\r\n", pack=pack), step=step)
    assert receiver.epoch_ms == 1_790_000_000_250
    answer = receiver.finish()
    assert [answer.artifacts[f"file:/etc/{name}"] for name in "abcd"] == [b"one\ntwo\n", b"no newline", b"", b"\n"]
    assert answer.artifacts["tree"] == b"-\t\t\t\t\t\t/x\nD\t\t\t\t\t\t/\n"
    assert answer.artifacts["cmd:kernel"] == b"exit 0\nLinux\n"
    assert answer.gaps["cmd:mounts"].reason is Reason.TIMEOUT
    assert answer.gaps["file:/etc/shadow"].reason is Reason.DENIED
    assert answer.info == {"hostname": "lab"}
    assert answer.broken  # commands that never came are gaps
    assert answer.gaps["cmd:sshd-T"].reason is Reason.TIMEOUT


REFUSED = {
    "nothing": (b"", "answers nothing"),
    "garbage": (b"\x00\xff" * 100, "something else"),
    "endless noise": (b"x" * 70_000, "something else"),
    "noise beyond 64 kB": (wire(body(), noise=b"x\n" * 33_000), "something else|64 kB"),
    "another nonce": (wire(body()).replace(N.encode(), b"f" * 32), "something else"),
    "a wrong sum": (wire(body(), total="0" * 64), "SHA-256"),
    "trailing bytes": (wire(body(), after=b"more"), "follows the end"),
    "trailing bytes, plain": (wire(body(), after=b"more", pack="plain"), "follows the end"),
    "damaged gzip": (wire(body())[:90] + b"\xff" * 40, "answer"),
    "half": (wire(body(), pack="plain")[:200], "half-way"),
    "an early end mark": (wire(body(["f 1 /etc/a\nx", f"end {'0' * 64}", "z"]), total="1" * 64), "SHA-256"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_refused_as_a_whole(case: str) -> None:
    data, words = REFUSED[case]
    with pytest.raises(CollectError, match=words) as caught:
        receive(data).finish()
    assert caught.value.status == "failed"
    assert caught.value.hint


def test_one_flipped_byte_is_never_accepted() -> None:
    data = wire(body(), pack="plain")
    begin = data.index(b"\n", 10) + 1
    for place in range(begin, len(data), 3):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(CollectError):
            receive(bytes(changed)).finish()


def test_half_way_after_the_files_keeps_them() -> None:
    packer = zlib.compressobj(wbits=31)
    content = body()
    arrived = packer.compress(content[: content.index(b"x kernel") - 20]) + packer.flush(zlib.Z_SYNC_FLUSH)
    answer = receive(f"SOVAUDIT/1 {N} gzip 1790000000\n".encode() + arrived).finish()
    assert answer.broken and answer.artifacts["file:/etc/a"] == b"one\ntwo\n"
    assert "tree" in answer.artifacts and "cmd:kernel" not in answer.artifacts
    assert answer.gaps["cmd:kernel"].reason is Reason.TIMEOUT


def test_files_that_never_finished_give_no_absence() -> None:
    answer = receive(wire(body(["f 1 /etc/a\none", "b", "z"]))).finish()
    assert "tree" not in answer.artifacts
    assert answer.gaps["tree:/"].reason is Reason.TIMEOUT


def test_no_digest_program_is_said() -> None:
    assert receive(wire(body(), total="none")).finish().gaps["stream"].reason is Reason.UNSUPPORTED


def test_a_bomb_is_bounded() -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = b"".join([packer.compress(b"\0" * 1_000_000) for _ in range(300)]) + packer.flush()
    receiver = Receiver(N, 4_000_000)
    with pytest.raises(CollectError, match="larger than"):
        receiver.feed(f"\nSOVAUDIT/1 {N} gzip 1790000000\n".encode() + bomb)
    assert len(receiver.body) < 8_000_000


@given(st.binary(max_size=400))
@settings(max_examples=200, deadline=None)
def test_no_frames_crash_it(noise: bytes) -> None:
    content = body() + noise + b"\n"
    answer = receive(wire(content), limit=items.MAX_FILE)
    try:
        assert answer.finish().artifacts["file:/etc/a"]
    except CollectError:
        pass


def test_reading_costs_milliseconds() -> None:
    rows = "\n".join(f"f\t644\t0\t0\t100\t1700000000\t/usr/lib/systemd/system/unit{number}.service" for number in range(1500))
    data = wire(body([*[f"f 1 /etc/file{number}\n" + "some line of text\n" * 80 for number in range(150)], f"t\n{rows}", "a", "b", "z"]))
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        receive(data, step=32_768).finish()
        best = min(best, time.process_time() - began)
    assert best < 0.015
