"""One live line at the bottom of a terminal, kept clear of what the script prints."""

from __future__ import annotations

import shutil
import threading
from typing import BinaryIO

ERASE = b"\r\x1b[2K"


class StatusLine:
    """Draws on `stream` (a terminal's); nothing at all where it is no terminal."""

    def __init__(self, stream: BinaryIO, enabled: bool) -> None:
        self._stream = stream
        self.enabled = enabled
        self._lock = threading.Lock()
        self._text = b""
        self._at_line_start = True

    def show(self, text: str) -> None:
        """Replaces the line; it is cut to the terminal's width."""
        if not self.enabled:
            return
        width = shutil.get_terminal_size().columns - 1
        with self._lock:
            self._text = text[:width].encode("utf-8", "replace")
            self._draw()

    def clear(self) -> None:
        """Removes the line."""
        with self._lock:
            self._erase()
            self._text = b""

    def wrap(self, sink: BinaryIO) -> BinaryIO:
        """`sink`, with the line taken away while something is written to it."""
        return _Beside(sink, self) if self.enabled else sink  # type: ignore[return-value]

    def _draw(self) -> None:
        if self._text and self._at_line_start:
            self._put(ERASE + self._text)

    def _erase(self) -> None:
        if self._text and self._at_line_start:
            self._put(ERASE)

    def _put(self, data: bytes) -> None:
        try:
            self._stream.write(data)
            self._stream.flush()
        except (OSError, ValueError):
            self.enabled = False


class _Beside:
    def __init__(self, sink: BinaryIO, line: StatusLine) -> None:
        self._sink, self._line = sink, line

    def fileno(self) -> int:
        return self._sink.fileno()

    def write(self, data: bytes) -> int:
        line = self._line
        with line._lock:
            line._erase()
            written = self._sink.write(data)
            self._sink.flush()
            line._at_line_start = data.endswith((b"\n", b"\r"))
            line._draw()
        return written

    def flush(self) -> None:
        self._sink.flush()
