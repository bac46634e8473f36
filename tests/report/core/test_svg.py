"""A slimmed SVG has the same elements in the same places, and is smaller."""

import io
import re
from urllib.parse import unquote
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from softcifar.report.core.drawing import RC, image_bytes, legend, note, panels
from softcifar.report.core.page import url
from softcifar.report.core.svg import slim


@pytest.fixture(scope="module")
def pair():
    """(as matplotlib writes it, slimmed) of a figure with lines, texts, a legend and clipping."""
    with mpl.rc_context(RC):
        figure, axes = panels(["a", "b"], xlabel="across", ylabel="up")
        for ax in axes.values():
            ax.plot([0, 1 / 3, 1], [0, 1 / 7, 0.9], color="#1f4e79")
            note(ax, "x < y & z")
        legend(figure, {"line": {"color": "#1f4e79"}})
        buffer = io.BytesIO()
        figure.savefig(buffer, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    return buffer.getvalue(), slim(buffer.getvalue())


def test_elements_and_coordinates_stay(pair):
    before, after = (list(ElementTree.fromstring(each).iter()) for each in pair)
    assert [each.tag for each in before] == [each.tag for each in after]
    for old, new in zip(before, after, strict=True):
        assert {**old.attrib, "id": ""}.keys() == {**new.attrib, "id": ""}.keys()
        for key, value in new.attrib.items():
            if key in ("d", "x", "y"):
                numbers = [[float(each) for each in re.findall(r"-?[\d.]+", text)] for text in (old.attrib[key], value)]
                assert numbers[1] == pytest.approx(numbers[0], abs=0.01)
            else:
                assert value == old.attrib[key]


def test_in_a_url_it_is_the_same_picture(pair):
    for spaces in (False, True):
        found = url("a.svg", pair[1], spaces=spaces)
        head, _, escaped = found.partition(",")
        assert head == "data:image/svg+xml"
        assert not set(escaped) & set('"<>#&\n')
        assert (" " in escaped) != spaces
        assert unquote(escaped) == pair[1].decode().replace("\n", " ")
    assert len(url("a.svg", pair[1], spaces=False)) < 1.25 * len(pair[1])  # base64: 1.33


def test_whatever_is_referred_to_is_still_there(pair):
    text = pair[1].decode()
    wanted = set(re.findall(r'href="#([^"]+)"', text)) | set(re.findall(r"url\(#([^)]+)\)", text))
    assert wanted
    assert wanted <= set(re.findall(r' id="([^"]+)"', text))


def test_it_is_smaller_and_what_the_page_has(pair):
    before, after = map(len, pair)
    assert after < 0.9 * before
    with mpl.rc_context(RC):
        figure, _ = panels(["a"])
    assert b"<!--" not in image_bytes("a.svg", figure)
