"""How a run is shown: a line per event, and on a terminal one live line below them."""

import os
from collections.abc import Callable
from typing import TextIO

from tqdm import tqdm


class Display:
    def __init__(self, stream: TextIO) -> None:
        self.stream, self.live = stream, stream.isatty()
        self._line = tqdm(file=stream, disable=not self.live, dynamic_ncols=True, leave=False, bar_format="{desc}")

    def say(self, line: str) -> None:  # stays
        self._try(tqdm.write, line, file=self.stream)

    def show(self, line: str) -> None:  # live, cut to the terminal's width
        self._try(self._line.set_description_str, line)

    def close(self) -> None:
        self._try(self._line.close)

    def _try(self, write: Callable, *arguments: object, **options: object) -> None:
        """A terminal that was closed is no error: what is said goes nowhere from then on."""
        try:
            write(*arguments, **options)
            self.stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), self.stream.fileno())
