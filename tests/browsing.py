"""A real browser for the pages: Debian's Chromium, headless, driven by Playwright."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Dialog, Page

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Visit:
    """A page that is open.

    Attributes:
        errors: what it wrote to its console as an error or threw, and dialogs that it opened.
        requests: addresses that it asked for, the page's own first.
    """

    page: "Page"
    errors: list[str]
    requests: list[str]


@contextmanager
def visit(browser: "Browser", address: str, *, width: int = 1280, height: int = 900) -> Iterator[Visit]:
    """Opens an address in a window of that size, in pixels."""
    page = browser.new_page(viewport={"width": width, "height": height})
    seen = Visit(page, [], [])

    def refuse(dialog: "Dialog") -> None:
        seen.errors.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    page.on("console", lambda message: seen.errors.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: seen.errors.append(str(error)))
    page.on("dialog", refuse)
    page.on("request", lambda request: seen.requests.append(request.url))
    try:
        page.goto(address)
        yield seen
    finally:
        page.close()
