"""Opening message files, one after another or many: what a spool engine does most of the time.

It knows descriptors, flags and stamps; what the bytes mean is asked of the layout. Each file is opened
relative to its directory, and so is what lies beside it.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from itertools import compress

from smtpq_exporter.aggregate import Aggregator
from smtpq_exporter.errors import ParseError
from smtpq_exporter.io.directory import Directory
from smtpq_exporter.io.files import FLAGS, Files, Folders, OpenFile, fault
from smtpq_exporter.mta.base import Entry, Facts, Place, Plain, SpoolLayout

#: A directory's mtime is trusted if it was older than this when the names were listed, seconds.
GUARD = 2.0
GUARD_NS = int(GUARD * 1e9)
#: Key in QueueSnapshot.skipped of messages that were counted, but whose reasons are still to be read.
UNREAD = "reason_unread"
#: What a layout made of a message file (a text: why it is left aside), and the stamp that tells a change.
Found = tuple[Entry | str, int]

#: New messages that are read, understood and entered together: what one step needs stays near at hand, and they are
#: fewer objects than make the garbage collector look at them. Also the names between two looks at the deadline.
_BATCH = 512
_NOATIME = getattr(os, "O_NOATIME", 0)
_REGULAR, _FOLDER = stat.S_IFREG >> 12, stat.S_IFDIR >> 12


class Intake:
    """Opens the messages of one spool and enters them; `folders` are open until somebody closes them."""

    def __init__(self, layout: SpoolLayout, files: Files, total: Aggregator) -> None:
        """Nothing is open yet."""
        self.whole = 0
        """So many messages are still read to the end where a layout can read less (mta.base.Plain.half)."""
        self.flags = FLAGS | _NOATIME
        self.folders = Folders(files)
        self._layout, self._files, self._sum = layout, files, total
        self._file = OpenFile(files, self.folders)

    def enter(self, directory: Directory, name: bytes, found: Found) -> None:
        """Count a message in, or note why it is left aside."""
        entry, stamp = found
        if isinstance(entry, str):
            directory.aside[name] = entry
        else:
            directory.ledger.put(name, entry, stamp)
            self._sum.put(entry)

    def all(
        self, directory: Directory, names: list[bytes], look: Callable[[], None],
        one: Callable[[Directory, bytes], None],
    ) -> None:
        """Enter messages that cannot be anywhere else: the hot loop of first readings.

        `look` looks at the clock, `one` takes up a message that cannot be opened so easily.
        """
        place, layout = directory.place, self._layout
        company, usual = getattr(layout, "company", None), getattr(layout, "usual", None)
        folder = company(place) if company is not None else None
        if folder is None or usual is None:
            self._others(directory, names, look, one)
            return
        files = self._files
        open_file, fstat, pread, close = files.open, files.fstat, files.pread, files.close
        queue, head_length, beside_length = place.queue, layout.head, getattr(layout, "beside", layout.head)
        for start in range(0, len(names), _BATCH):
            look()
            flags, at = self.flags, self.folders.keep(place.path)
            there = self.folders.of(folder)
            taken: list[bytes] = []
            entries: list[Entry] = []
            stamps: list[int] = []
            try:
                for name in names[start : start + _BATCH]:
                    try:
                        descriptor = open_file(name, flags, dir_fd=at)
                    except OSError:  # gone, or without the right to leave atime alone, or worse
                        one(directory, name)
                        flags = self.flags
                        continue
                    try:
                        status = fstat(descriptor)
                        mode, stamp = status.st_mode, status.st_mtime_ns
                        if mode >> 12 != _REGULAR:
                            directory.aside[name] = "foreign_name"
                            continue
                        head = pread(descriptor, head_length, 0)
                        beside: bytes | None = b""
                        if there is not None:
                            try:
                                other = open_file(name, flags, dir_fd=there)
                            except FileNotFoundError:
                                pass
                            except OSError:  # of another owner, whose atime is not left alone, or worse
                                beside = None
                            else:
                                try:
                                    beside = pread(other, beside_length, 0)
                                finally:
                                    close(other)
                        entry = None if beside is None else usual(queue, mode, stamp, head, beside)
                        if entry is None:
                            self._file.descriptor, self._file.pulse = descriptor, 0
                            self.enter(
                                directory, name, self._understand(directory, name, status, head, None))
                            continue
                    finally:
                        close(descriptor)
                    taken.append(name)
                    entries.append(entry)
                    stamps.append(stamp ^ mode)
            finally:
                directory.ledger.put_all(taken, entries, stamps)
                self._sum.put_all(entries)

    def _others(
        self, directory: Directory, names: list[bytes], look: Callable[[], None],
        one: Callable[[Directory, bytes], None],
    ) -> None:
        """The same for a layout, or a place, whose messages have no company."""
        plain_of: Callable[[Place], Plain | None] = getattr(self._layout, "plain", lambda _: None)
        done = 0
        while done < len(names):
            look()
            plain, some = plain_of(directory.place), names[done : done + _BATCH]
            if plain is not None and plain.half and self.whole > 0:
                plain, some = None, some[: self.whole]
                self.whole -= len(some)
            if plain is None:
                self._each(directory, some, one)
            else:
                self._plain(directory, some, plain, one)
            done += len(some)

    def _plain(
        self, directory: Directory, names: list[bytes], plain: Plain, one: Callable[[Directory, bytes], None],
    ) -> None:
        """Read messages of which the layout knows how without their stamps, which would cost as much as to open them.

        When they were read is noted instead, below zero.
        """
        files, place, length = self._files, directory.place, self._layout.head
        open_file, pread, close, status_of = files.open, files.pread, files.close, files.stat
        flags, at = self.flags, self.folders.keep(place.path)
        unseen = -int(files.clock() * 1e9)
        heads: list[bytes] = []
        sizes: list[int] = []
        for name in names:
            head = b""
            try:
                descriptor = open_file(name, flags, dir_fd=at)
                try:
                    head = pread(descriptor, length, 0)
                finally:
                    close(descriptor)
            except OSError:  # gone, or no plain message: nothing is understood of it
                pass
            heads.append(head)
        for body in plain.bodies(names):
            size = -1
            try:
                size = status_of(body, dir_fd=at).st_size
            except FileNotFoundError:
                pass
            except OSError:
                heads[len(sizes)] = b""
            sizes.append(size)
        found = plain.understand(place, names, heads, sizes)
        entries = list(filter(None, found))
        taken = names if len(entries) == len(names) else list(compress(names, found))
        directory.ledger.put_all(taken, entries, [unseen] * len(entries))
        self._sum.put_all(entries)
        if plain.half:
            directory.half += taken
        if taken is not names:
            others = [name for name, entry in zip(names, found, strict=True) if entry is None]
            self._each(directory, others, one, unseen if plain.half else 0)

    def _each(
        self, directory: Directory, names: list[bytes], one: Callable[[Directory, bytes], None], unseen: int = 0,
    ) -> None:
        """Read one message after the other; only half if `unseen` is to stand for their stamps."""
        files, file, place, layout = self._files, self._file, directory.place, self._layout
        open_file, fstat, pread, close = files.open, files.fstat, files.pread, files.close
        head_length, read, aside = layout.head, layout.read, directory.aside
        flags, at = self.flags, self.folders.keep(place.path)
        taken: list[bytes] = []
        entries: list[Entry] = []
        stamps: list[int] = []
        file.half = unseen < 0
        try:
            for name in names:
                try:
                    descriptor = open_file(name, flags, dir_fd=at)
                except OSError:  # gone, or without the right to leave atime alone, or worse
                    one(directory, name)
                    flags = self.flags
                    continue
                try:
                    status = fstat(descriptor)
                    mode = status.st_mode
                    if mode >> 12 != _REGULAR:
                        aside[name] = "foreign_name"
                        continue
                    head = pread(descriptor, head_length, 0)
                    file.descriptor, file.pulse = descriptor, 0
                    entry = read(place, name, status, head, file, None)
                except ParseError:
                    entry = "corrupt_record"
                except OSError:
                    one(directory, name)
                    continue
                finally:
                    close(descriptor)
                if isinstance(entry, str):
                    aside[name] = entry
                    continue
                taken.append(name)
                entries.append(entry)
                stamps.append(unseen or status.st_mtime_ns ^ mode ^ file.pulse)
        finally:
            file.half = False
            directory.ledger.put_all(taken, entries, stamps)
            self._sum.put_all(entries)
            if unseen:
                directory.half += taken

    def load(self, directory: Directory, name: bytes, known: Facts | None) -> Found | None:
        """Open a message: its entry or why it is left aside, and its stamp; None if it is gone."""
        files, file, place = self._files, self._file, directory.place
        try:
            descriptor = files.open(name, self.flags, dir_fd=self.folders.at(directory.place.path))
        except FileNotFoundError:
            return None
        except OSError as error:
            if isinstance(error, PermissionError) and self.flags & _NOATIME:
                self.flags &= ~_NOATIME  # only the owner and root may leave atime alone
                return self.load(directory, name, known)
            if error.errno in (errno.ELOOP, errno.ENXIO):  # a symbolic link, a socket
                return "foreign_name", 0
            raise fault(error, place.path + b"/" + name) from error
        try:
            status = files.fstat(descriptor)
            if status.st_mode >> 12 != (_FOLDER if place.folders else _REGULAR):
                return "foreign_name", 0
            file.descriptor, file.pulse = descriptor, 0
            head = b"" if place.folders else files.pread(descriptor, self._layout.head, 0)
            return self._understand(directory, name, status, head, known)
        finally:
            files.close(descriptor)

    def _understand(
        self, directory: Directory, name: bytes, status: os.stat_result, head: bytes, known: Facts | None,
    ) -> Found:
        """What the layout makes of the open file, and its stamp."""
        try:
            found = self._layout.read(directory.place, name, status, head, self._file, known)
        except ParseError:
            return "corrupt_record", 0
        stamp = status.st_mtime_ns ^ status.st_mode ^ self._file.pulse
        if directory.place.folders and self._files.clock() - status.st_mtime < GUARD:
            stamp ^= 1  # names may change again in the same tick of the clock: look once more
        return found, stamp

    def mtime(self, folder: bytes, name: bytes) -> int:
        """When another file was written to last; 0 if it is not there or may not be seen."""
        try:
            return self._files.stat(name, dir_fd=self.folders.at(folder), follow_symlinks=False).st_mtime_ns
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return 0
