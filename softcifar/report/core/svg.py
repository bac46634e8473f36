"""SVG without what nobody sees: a page has tens of figures inside, and a sixth of what matplotlib writes is not drawn."""

import re

COORDINATES = re.compile(rb'( (?:d|x|y)=")([^"]*)')
DIGITS = re.compile(rb"(\.\d\d)\d+")
UNSEEN = (
    (re.compile(rb"<!--.*?-->", re.DOTALL), b""),  # every text again, as a comment
    (re.compile(rb'<g id="[A-Za-z0-9]+_\d+"'), b"<g"),  # names of groups, which nothing refers to
    (re.compile(rb"\n\s*"), b"\n"),  # indentation
)


def slim(svg: bytes) -> bytes:
    """The same picture: coordinates to a hundredth of a point, without comments, group names and indentation."""
    svg = COORDINATES.sub(lambda found: found[1] + DIGITS.sub(rb"\1", found[2]), svg)
    for pattern, instead in UNSEEN:
        svg = pattern.sub(instead, svg)
    return svg
