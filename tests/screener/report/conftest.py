"""A real browser for the tests of pages, and what a page did while it was open."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from batches import Batch, clinic
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
VIEWPORT: ViewportSize = {"width": 1280, "height": 720}


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    assert program, f"the pages are tested in a browser; install one of {', '.join(PROGRAMS)}"
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=FLAGS)
        yield started
        started.close()


@dataclass
class Visit:
    """A page that is open, and everything that went on in it."""

    page: Page
    requests: list[str] = field(default_factory=list)
    trouble: list[str] = field(default_factory=list)
    """Dialogs, errors, and whatever the page's policy refused."""

    def faults(self, **context: Any) -> list[str]:
        """What axe-core finds wrong with the page as it stands, by rule and element."""
        found = Axe().run(self.page, **context).response["violations"]
        return [f"{rule['id']}: {node['target']}" for rule in found for node in rule["nodes"]]


class Tab:
    """A tab of the browser, in which one page after the other is opened."""

    def __init__(self, context: BrowserContext) -> None:
        self.page = page = context.new_page()
        self._now = Visit(page)
        page.set_default_timeout(20_000)
        page.on("request", lambda request: self._now.requests.append(request.url))
        page.on("console", lambda said: self._now.trouble.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self._now.trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (self._now.trouble.append("dialog"), dialog.dismiss()))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error(e.blockedURI))"
        )

    def visit(self, file: Path) -> Visit:
        """Open a page from a file."""
        seen = self._now = Visit(self.page)
        self.page.goto(file.as_uri())
        assert seen.requests == [file.as_uri()]
        return seen


@pytest.fixture(scope="session")
def tabs(browser: Browser) -> Iterator[Callable[[int], Tab]]:
    """Tabs by number, which all tests share: no page keeps anything, and to start a profile takes
    longer than most tests.

    Each has a profile of its own, since of one profile the browser draws only the tab in front.
    """
    contexts: list[BrowserContext] = []
    made: list[Tab] = []

    def tab(number: int) -> Tab:
        while len(made) <= number:
            contexts.append(browser.new_context(viewport=VIEWPORT))
            made.append(Tab(contexts[-1]))
        return made[number]

    yield tab
    for context in contexts:
        context.close()


@pytest.fixture
def visit(
    browser: Browser, tabs: Callable[[int], Tab], tmp_path: Path
) -> Iterator[Callable[..., Visit]]:
    """Opens a page from a file, each of a test in a tab of its own.

    `settings` of Playwright that no open tab can take are those of a profile of its own.
    """
    contexts: list[BrowserContext] = []
    numbers = itertools.count()

    def open_page(
        html: str,
        color_scheme: Literal["light", "dark"] = "light",
        viewport: ViewportSize = VIEWPORT,
        **settings: Any,
    ) -> Visit:
        number = next(numbers)
        file = tmp_path / f"page{number}.html"
        file.write_text(html, "utf-8")
        if settings:
            contexts.append(browser.new_context(**settings))
            tab = Tab(contexts[-1])
        else:
            tab = tabs(number)
        tab.page.set_viewport_size(viewport)
        tab.page.emulate_media(color_scheme=color_scheme)
        return tab.visit(file)

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def small() -> Batch:
    """A clinic's export."""
    return clinic(158)
