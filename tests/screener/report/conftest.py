"""A real browser for the tests of pages, and what a page did while it was open."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from batches import Batch, clinic
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Browser, Page

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]


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


@pytest.fixture
def visit(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Visit]]:
    """Opens a page from a file, in a profile of its own."""
    contexts = []

    def open_page(html: str, **settings: Any) -> Visit:
        file = tmp_path / f"page{len(contexts)}.html"
        file.write_text(html, "utf-8")
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        seen = Visit(page)
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("console", lambda said: seen.trouble.append(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: seen.trouble.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (seen.trouble.append("dialog"), dialog.dismiss()))
        page.add_init_script(
            "addEventListener('securitypolicyviolation', (e) => console.error(e.blockedURI))"
        )
        page.goto(file.as_uri())
        assert seen.requests == [file.as_uri()]
        return seen

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def small() -> Batch:
    """A clinic's export."""
    return clinic(158)
