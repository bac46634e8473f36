"""The page in a real browser; skipped where none is installed."""

import shutil

import pytest

from tests.report.fixture import STUDENTS

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (BROWSER and DRIVER), reason="no chromium with chromedriver on this machine"),
]


@pytest.fixture
def page(study):
    """file:// address of a fabricated study's report."""
    return (study[0] / "reports" / "index.html").as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from selenium import webdriver

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    flags = "headless=new no-sandbox disable-gpu disable-background-networking disable-component-update disable-sync"
    for flag in [*flags.split(), "no-first-run", "disable-dev-shm-usage"]:
        options.add_argument(f"--{flag}")
    options.add_argument(f"--user-data-dir={tmp_path_factory.mktemp('profile')}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=DRIVER))
    yield driver
    driver.quit()


@pytest.fixture
def opened(browser, page):
    browser.set_window_size(1280, 900)
    browser.get(page)
    return browser


def column(driver, number: int) -> list[str]:
    script = "return [...document.querySelectorAll('#summary-table tbody tr')].map(r => r.cells[arguments[0]].dataset.value)"
    return driver.execute_script(script, number)


def button(driver, number: int):
    return driver.find_elements("css selector", "#summary-table thead button")[number]


def state(driver, number: int) -> str:
    return driver.find_elements("css selector", "#summary-table thead th")[number].get_attribute("aria-sort")


def test_no_console_message_and_all_pictures_load(opened):
    assert opened.get_log("browser") == []
    widths = opened.execute_script("return [...document.images].map(i => i.complete ? i.naturalWidth : 0)")
    assert len(widths) == 25
    assert min(widths) > 0


@pytest.mark.parametrize("number", [0, 3, 4])
def test_table_sorts_both_ways_on_click(opened, number):
    before = column(opened, number)

    def key(text):
        return text if number == 0 else float(text)

    button(opened, number).click()
    assert state(opened, number) == "ascending"
    assert column(opened, number) == sorted(before, key=key)
    button(opened, number).click()
    assert state(opened, number) == "descending"
    assert [key(text) for text in column(opened, number)] == sorted(map(key, before), reverse=True)


def test_missing_values_stay_last_both_ways(opened):
    heads = opened.find_elements("css selector", "#summary-table thead th")
    last = next(place for place, head in enumerate(heads) if head.text.startswith("FGSM"))  # none for ensembles
    for _ in range(2):
        button(opened, last).click()
        values = column(opened, last)
        assert values.count("") == len(STUDENTS)
        assert values[-len(STUDENTS) :] == [""] * len(STUDENTS)


def test_table_sorts_by_keyboard(opened):
    from selenium.webdriver.common.keys import Keys

    for key, direction in ((Keys.ENTER, "ascending"), (Keys.SPACE, "descending")):
        opened.execute_script("arguments[0].focus()", button(opened, 3))
        opened.switch_to.active_element.send_keys(key)
        assert state(opened, 3) == direction
    assert state(opened, 4) == "none"


def test_rows_can_be_chosen(opened):
    opened.find_element("css selector", "input[value=ensemble]").click()
    shown = [row for row in opened.find_elements("css selector", "#summary-table tbody tr") if row.is_displayed()]
    assert [row.get_attribute("data-kind") for row in shown] == ["ensemble"] * len(STUDENTS)


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(opened, width):
    """Headless windows have a least width, so the phone is set by the device's own metrics."""
    size = {"width": width, "height": 844, "deviceScaleFactor": 1, "mobile": width < 500}
    opened.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        opened.execute_script("document.querySelectorAll('details').forEach(d => d.open = true)")
        assert opened.execute_script("return window.innerWidth") == width
        assert opened.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        opened.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
