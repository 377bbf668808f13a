"""Several processes read the parts of a log at the same time; their answers come back in the order of the
parts.

We read a share ourselves: what we read need not be sent. Each worker is given its parts before it starts and
sends what it read through a pipe of its own. It ends when it is done, when its pipe is closed, or when its
parent is gone, which it looks for with every chunk: nothing outlives us.
"""

from __future__ import annotations

import mmap
import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, ForkProcess
from typing import NamedTuple

from smtpq_exporter.errors import SourceError
from smtpq_exporter.reasons.phrases import phrases
from smtpq_exporter.report.files import Segment
from smtpq_exporter.report.part import Part, Wanted, read

#: Less than this in all is not worth a second process.
WORTH = 8 << 20
#: Seconds between two looks at the progress.
_LOOK = 0.1
Progress = Callable[[int], None]
_Answer = tuple[Segment, "Part | SourceError"]


class _Work(NamedTuple):
    """What all workers are told: what to read, which part is the last, and where each counts the bytes that it read."""

    wanted: Wanted
    last: Segment
    done: memoryview
    """Shared by all processes; each writes one number of it, so nobody needs a lock."""


def read_all(parts: Sequence[Segment], wanted: Wanted, workers: int, progress: Progress) -> Iterator[_Answer]:
    """Yield (segment, what it told or why it could not be read) in order; `progress` is told bytes read so
    far.
    """
    workers = min(workers, len(parts))
    if workers < 2 or sum(part.size for part in parts) < WORTH or any(part.path == "-" for part in parts):
        yield from _alone(parts, wanted, progress)
        return
    phrases()  # the tables of reasons are made once, not in each worker
    context = multiprocessing.get_context("fork")
    done = memoryview(mmap.mmap(-1, 8 * workers)).cast("q")
    pipes: list[Connection] = []
    processes: list[ForkProcess] = []
    try:
        work = _Work(wanted, parts[-1], done)
        processes.extend(_start(context, number, parts[number::workers], work, pipes) for number in range(1, workers))

        def advance(size: int) -> None:
            done[0] += size
            progress(sum(done))

        for index, segment in enumerate(parts):
            worker = index % workers
            if not worker:
                yield segment, _try(segment, wanted, advance)
                continue
            pipe = pipes[worker - 1]
            while not wait([pipe], _LOOK):
                progress(sum(done))
            progress(sum(done))
            try:
                answer, *rest = pipe.recv()
            except EOFError:
                raise SourceError(
                    "unavailable", f"{segment.path}: the process that read it was killed"
                ) from None
            if isinstance(answer, Part):
                answer.digest.deferred.update(filter(None, rest[0].split(b"\n")))
                yield segment, answer
            else:
                yield segment, SourceError(answer, *rest)
    finally:
        for pipe in pipes:
            pipe.close()
        for process in processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


def _alone(parts: Sequence[Segment], wanted: Wanted, progress: Progress) -> Iterator[_Answer]:
    done = 0

    def advance(size: int) -> None:
        nonlocal done
        done += size
        progress(done)

    for segment in parts:
        yield segment, _try(segment, wanted, advance)


def _try(segment: Segment, wanted: Wanted, advance: Progress) -> Part | SourceError:
    try:
        return read(segment, wanted, advance)
    except SourceError as error:
        return error


def _start(
    context: ForkContext, number: int, parts: Sequence[Segment], work: _Work, pipes: list[Connection]
) -> ForkProcess:
    """Start one worker; its end of the pipe is appended to `pipes`."""
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(number, parts, work, (theirs, [*pipes, ours])), daemon=True)
    process.start()
    theirs.close()
    pipes.append(ours)
    return process


def _work(number: int, parts: Sequence[Segment], work: _Work, pipe: tuple[Connection, list[Connection]]) -> None:
    """Read parts and send what they told; runs in a process of its own."""
    parent, (answers, others) = os.getppid(), pipe
    for other in others:  # ends that belong to the parent: only if nobody else holds them does it see us end
        other.close()

    def advance(size: int) -> None:
        if os.getppid() != parent:
            os._exit(1)
        work.done[number] += size

    with suppress(BrokenPipeError, KeyboardInterrupt):
        for segment in parts:
            answer = _try(segment, work.wanted, advance)
            if isinstance(answer, Part):
                if segment == work.last:  # they would complete what a part after this one tells
                    answer.digest.sizes = {}
                answer.tally.delays.freeze()  # folds texts that need not travel
                deferred = b"\n".join(answer.digest.deferred)  # many small objects: one great one is sent faster
                answer.digest.deferred = set()
                answers.send((answer, deferred))
            else:
                answers.send((answer.kind, answer.what, answer.hint))
    answers.close()
