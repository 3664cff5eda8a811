"""`local:`: the script, run by this machine's /bin/sh in a session of its own that does not outlive us."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import time
from contextlib import suppress

from sovaudit.collectors.options import CollectOptions
from sovaudit.collectors.script_run import Invocation, evidence_of, invocation, sudo_refusal
from sovaudit.collectors.stream import Receiver
from sovaudit.errors import CollectError
from sovaudit.model.evidence import Evidence, Target

MAX_SAID = 16 * 1024


def collect_local(target: Target, options: CollectOptions, *, prefix: tuple[str, ...] = ()) -> Evidence:
    """Evidence of this machine; `prefix` runs the shell elsewhere (`chroot DIR`). The clock is one and the same, so no skew is measured.

    Raises CollectError.
    """
    began = time.monotonic()
    run = invocation(options)
    receiver = Receiver(run.nonce, options.max_bytes)
    said = _exchange(run, prefix, receiver, began + options.host_timeout_s, target)
    if not receiver.began and (refusal := sudo_refusal(said.decode("utf-8", "replace"), options)):
        refusal.where = target.uri
        raise refusal
    return evidence_of(target, receiver, options, skew_ms=None, wall_ms=int((time.monotonic() - began) * 1000))


def _exchange(run: Invocation, prefix: tuple[str, ...], receiver: Receiver, deadline: float, target: Target) -> bytes:
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/"}
    try:
        process = subprocess.Popen(
            [*prefix, *run.argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            bufsize=0,
        )
    except OSError as error:
        raise CollectError(
            f"cannot start {run.argv[0]} ({error.strerror})", status="failed", where=target.uri, hint="A POSIX shell is needed"
        ) from error
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    said = bytearray()
    left = memoryview(run.stdin)
    try:
        with selectors.DefaultSelector() as selector:
            for pipe in (process.stdin, process.stdout, process.stderr):
                os.set_blocking(pipe.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
            selector.register(process.stdout, selectors.EVENT_READ)
            selector.register(process.stderr, selectors.EVENT_READ)
            while selector.get_map():
                ready = selector.select(max(0.0, deadline - time.monotonic()))
                if not ready:
                    raise CollectError("did not finish in time", status="failed", where=target.uri, hint="Raise --host-timeout")
                for key, _ in ready:
                    if key.fileobj is process.stdin:
                        try:
                            left = left[os.write(key.fd, left[:65536]) :]
                        except BrokenPipeError:
                            left = left[:0]
                        if not left:
                            selector.unregister(process.stdin)
                            process.stdin.close()
                        continue
                    data = os.read(key.fd, 65536)
                    if not data:
                        selector.unregister(key.fileobj)
                    elif key.fileobj is process.stdout:
                        receiver.feed(data)
                    elif len(said) < MAX_SAID:
                        said += data[:MAX_SAID]
        process.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise CollectError("did not finish in time", status="failed", where=target.uri, hint="Raise --host-timeout") from error
    finally:
        _end(process)
    return bytes(said)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Nothing that we started stays behind."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
