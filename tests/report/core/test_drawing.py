"""Figures are laid out in inches; the words about their numbers name who has them."""

import pytest

from softcifar.report.core.drawing import Grid, named_rows, no_zero, panels, spread_of


def inches(grid: Grid, ax) -> tuple[float, float, float, float]:
    """Left, top, width and height of a panel."""
    box = ax.get_position()
    return box.x0 * grid.width, (1 - box.y1) * grid.height, box.width * grid.width, box.height * grid.height


def test_a_grid_is_measured_in_inches():
    grid = Grid([1, 2], [1.5, 0.5], left=0.5, right=0.25, top=0.75, bottom=0.1, gap_x=0.2, gap_y=0.3)
    assert (grid.width, grid.height) == pytest.approx((0.5 + 1 + 0.2 + 2 + 0.25, 0.75 + 1.5 + 0.3 + 0.5 + 0.1))
    assert inches(grid, grid.axes(1, 1)) == pytest.approx((1.7, 2.55, 2, 0.5))
    assert inches(grid, grid.axes(0, 1, size=(0.4, 0.4))) == pytest.approx((1.7, 0.75, 0.4, 0.4))


@pytest.mark.parametrize(("count", "columns"), [(1, 2), (4, 4), (12, 4), (13, 5)])
def test_panels_keep_their_size_however_many(count, columns):
    figure, axes = panels([f"student{number}" for number in range(count)])
    widths = {round(ax.get_position().width * figure.get_figwidth(), 6) for ax in axes.values()}
    assert widths == {2.0}
    assert figure.get_figwidth() == pytest.approx(0.62 + 0.12 + 2.0 * columns + 0.2 * (columns - 1))


@pytest.mark.parametrize(("count", "across"), [(2, 2), (4, 4), (5, 3), (8, 4), (9, 3)])
def test_no_panel_is_alone_in_its_row(count, across):
    grid, axes = named_rows(["a", "b"], count, width=2, row=0.2, gap=0.3, top=0.7, bottom=0.5)
    assert (len(axes), len(grid.widths)) == (count, across)
    assert count % across != 1


def test_numbers_are_told_with_their_names():
    assert spread_of({"a": 0.25, "b": 0.125, "c": 0.2}) == "between 0.125 (b) and 0.250 (a)"
    assert spread_of({"a": 0.25, "b": 0.5}, 1, 100, " %") == "between 25.0 % (a) and 50.0 % (b)"
    assert [no_zero(value) for value in (0.05, -0.5, 10.5, -2, 0)] == [".05", "−.5", "10.5", "−2", "0"]
