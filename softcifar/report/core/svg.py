"""SVG without what nobody sees: a page has tens of figures inside, and a sixth of what matplotlib writes is not drawn."""

import re

COORDINATES = re.compile(rb'( (?:d|x|y)=")([^"]*)')
DIGITS = re.compile(rb"(\.\d\d)\d+")
COMMANDS = re.compile(rb"\s*([A-Za-z])\s*")  # of paths; nothing has to part them from numbers
UNSEEN = (
    (re.compile(rb"\A.*?(?=<svg)", re.DOTALL), b""),  # version, encoding and document type, which are these anyway
    (re.compile(rb"<!--.*?-->", re.DOTALL), b""),  # every text again, as a comment
    (re.compile(rb'<g id="[A-Za-z0-9]+_\d+"'), b"<g"),  # names of groups, which nothing refers to
    (re.compile(rb"\s*\n\s*"), b"\n"),  # indentation
)


def slim(svg: bytes) -> bytes:
    """The same picture: coordinates to a hundredth of a point, without comments, group names and indentation."""
    svg = COORDINATES.sub(lambda found: found[1] + COMMANDS.sub(rb"\1", DIGITS.sub(rb"\1", found[2])), svg)
    for pattern, instead in UNSEEN:
        svg = pattern.sub(instead, svg)
    return svg
