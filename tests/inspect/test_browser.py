"""A report in a real browser: it loads, and clicks and keys lead where they should."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lazygrad.inspect import kernels, report
from lazygrad.runtime import cache
from tests.inspect.network import batch, jitted_step

selenium = pytest.importorskip("selenium", reason="reports are tried with selenium")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--window-size=1500,950",
)  # fmt: skip
LINE = "return self.fc(self.conv1(x).relu().flatten(1))"


class Page:
    """A report that is open in a browser."""

    def __init__(self, driver: Any, address: str, names: list[str]) -> None:
        self.driver, self.address, self.names = driver, address, names

    def go(self, place: str) -> None:
        """To an address of the page, as a link from elsewhere."""
        self.driver.get("about:blank")
        self.driver.get(f"{self.address}#{place}")
        assert _soon(lambda: self.driver.execute_script("return opened !== null"))

    def one(self, selector: str) -> Any:
        """The first that is seen."""
        found = self.driver.find_elements("css selector", selector)
        return next(element for element in found if element.is_displayed())

    def keys(self, *typed: str) -> None:
        from selenium.webdriver import ActionChains

        ActionChains(self.driver).send_keys(*typed).perform()

    @property
    def place(self) -> str:
        return str(self.driver.execute_script("return decodeURIComponent(location.hash)"))

    def tells_of(self, title: str, place: str | None = None) -> bool:
        """Whether it does so soon, and under which address: browsers follow links in their time."""

        def told() -> bool:
            shown = [h.text for h in self.driver.find_elements("css selector", "aside h2")]
            return shown == [title] and place in (None, self.place)

        return _soon(told)

    def errors(self) -> list[str]:
        return [row["message"] for row in self.driver.get_log("browser")]


def _soon(holds: Callable[[], bool]) -> bool:
    """Whether it does within two seconds."""
    for _ in range(100):
        if holds():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The report of a network's step; one browser for all tests."""
    chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if chromium is None or driver is None:
        pytest.skip("there is no chromium with a chromedriver here")
    from selenium import webdriver

    folder = tmp_path_factory.mktemp("browser")
    cache.clear()  # before the fixture that does so for each test
    step, (x, y) = jitted_step("CPU"), batch("CPU")
    path = report(step, x, y, path=folder / "report.html")
    options = webdriver.ChromeOptions()
    options.binary_location = chromium
    for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    opened = webdriver.Chrome(options, webdriver.ChromeService(driver))
    try:
        yield Page(opened, path.as_uri(), [kernel.name for kernel in kernels(step)])
    finally:
        opened.quit()


def test_all_views_are_there(page: Page) -> None:
    page.go("")
    assert page.place == "#0/overview"
    assert len(page.driver.find_elements("css selector", ".timeline [data-kernel]")) == len(
        page.names
    )
    for number, view in enumerate(("source", "roofline", "memory", "graph", "kernels"), 2):
        page.keys(str(number))
        assert page.place == f"#0/{view}"
        assert page.one(f"[data-section={view}] h1").text.lower().startswith(view)
    assert page.errors() == []


def test_the_timeline_is_zoomed_and_kernels_are_sorted(page: Page) -> None:
    page.go("0/overview")
    wide = page.one("#timeline .wide")
    before = wide.size["width"]
    page.keys("+")
    assert wide.size["width"] == pytest.approx(1.4 * before, rel=0.01)
    page.keys("0")
    assert wide.size["width"] == before
    page.go("0/kernels")
    times = page.driver.find_elements("css selector", ".sortable th")[1]
    times.click()
    rows = "[...document.querySelectorAll('.sortable tbody tr')]"
    values = f"return {rows}.map(row => +row.cells[1].dataset.value)"
    found = page.driver.execute_script(values)
    assert len(found) == len(page.names) and found == sorted(found, reverse=True)
    times.click()
    assert page.driver.execute_script(values) == found[::-1]
    assert page.errors() == []


def test_lines_lead_to_kernels_and_back(page: Page) -> None:
    page.go("0/source")
    rows = page.driver.find_elements("css selector", "tr.line")
    row = next(row for row in rows if LINE in row.text)
    row.click()
    place = row.get_attribute("data-line")
    assert page.tells_of(place, f"#0/source/l:{place}")
    assert [h.text.split()[0] for h in page.driver.find_elements("css selector", "aside h3")] == [
        "forward", "backward",
    ]  # fmt: skip
    link = page.one("aside table a")
    number, name = link.text.split()
    link.click()
    assert page.tells_of(name) and name == page.names[int(number)]
    assert "of-chosen" in row.get_attribute("class")
    assert page.one("aside pre.code i.k").text.strip() in ("def", "from", "import", "return")
    page.keys("5")  # views change, what is chosen stays
    page.one(f"aside [data-line='{place}']").click()
    assert page.tells_of(place, f"#0/source/l:{place}")
    assert page.errors() == []


def test_an_address_stays_what_it_is(page: Page) -> None:
    page.go("0/memory/k3")
    assert page.tells_of(page.names[3])
    chosen = page.driver.find_elements("css selector", "[data-section=memory] .chosen")
    assert {one.get_attribute("data-kernel") for one in chosen} == {"3"}
    page.keys("j")
    assert page.tells_of(page.names[4], "#0/memory/k4")
    page.driver.back()
    assert page.tells_of(page.names[3], "#0/memory/k3")
    page.keys("\ue00c")  # Escape
    assert not page.one("body").find_element("css selector", "aside").is_displayed()
    page.go("0/memory/k999")  # of another report
    assert page.errors() == []


def test_search(page: Page) -> None:
    page.go("0/overview")
    page.keys("/", "conv1.weight")
    hits = page.driver.find_elements("css selector", "#found li")
    assert any("grad of conv1.weight" in hit.text for hit in hits)
    page.keys("\ue007")  # Enter
    assert "conv1.weight" in page.one("aside table.values").text
    page.keys("/", "network.py conv2d", "\ue007")
    assert page.one("aside h2").text.startswith("network.py:")
    assert page.errors() == []


def test_light_and_dark(page: Page) -> None:
    page.go("0/overview")

    def background() -> tuple[str, str]:
        body = page.one("body").value_of_css_property("background-color")
        return page.one("html").get_attribute("data-theme"), body

    before = background()
    page.one("#theme").click()
    after = background()
    assert {before[0], after[0]} == {"light", "dark"} and before[1] != after[1]
    page.go("0/overview")
    assert background() == after
    assert page.errors() == []


def test_the_graph_is_drawn(page: Page) -> None:
    drawn = "const c = document.querySelector('canvas');return c.toDataURL().length"
    page.go("0/graph/none")
    counts = []
    for stage in page.driver.find_elements("css selector", "[data-section=graph] input"):
        stage.click()
        counts.append(page.driver.execute_script(drawn))
    assert len(set(counts)) == 3 and min(counts) > 10_000
    before = page.driver.execute_script("return drawing.scale")
    page.keys("+")
    assert page.driver.execute_script("return drawing.scale") == pytest.approx(1.4 * before)
    middle = page.driver.execute_script(
        "drawing.see(5, 1); return drawing.under(...drawing.place(5))"
    )
    assert middle == 5
    page.one("canvas").click()
    assert page.tells_of(page.names[5])
    assert page.errors() == []


def test_a_browser_that_cannot_unpack_says_so(page: Page) -> None:
    add, remove = (
        "Page.addScriptToEvaluateOnNewDocument",
        "Page.removeScriptToEvaluateOnNewDocument",
    )
    old = page.driver.execute_cdp_cmd(add, {"source": "delete window.DecompressionStream"})
    try:
        page.driver.get("about:blank")
        page.driver.get(f"{page.address}#0/kernels")
        assert _soon(lambda: "cannot unpack" in page.one("#problem").text)
        assert len(page.driver.find_elements("css selector", ".sortable tbody tr")) == len(
            page.names
        )
    finally:
        page.driver.execute_cdp_cmd(remove, old)
    assert page.errors() == []
