"""A stage that is served from a thread of its own, and a real browser that looks at it."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

import bot.rehearsal
from bot.rehearsal.clock import StageClock
from bot.rehearsal.server import Served, serve
from bot.rehearsal.stage import Stage

PAGE = Path(bot.rehearsal.__file__).with_name("page")
PATIENCE = 10.0  # real seconds
SWITCHES = (
    "headless",
    "no-sandbox",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
)


class Theatre:
    """A stage with its server; whatever touches the stage does so in the server's thread."""

    def __init__(self, stage: Stage, clock: StageClock) -> None:
        self.stage = stage
        self.clock = clock
        self.script: dict[str, Any] | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever)
        self._serving: Any = None
        self.served: Served | None = None

    def open(self, port: int = 0) -> None:
        if not self._thread.is_alive():
            self._thread.start()
        self._serving = serve(self.stage, self.clock, port=port, page=PAGE, script=lambda: self.script)
        self.served = self.wait(self._serving.__aenter__())

    def close(self) -> None:
        self.wait(self._serving.__aexit__(None, None, None))
        self._serving = None

    def end(self) -> None:
        if self._serving is not None:
            self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE)
        self._loop.close()

    def wait(self, work: Awaitable[Any]) -> Any:
        async def done() -> Any:
            return await work

        return asyncio.run_coroutine_threadsafe(done(), self._loop).result(PATIENCE)

    def do(self, act: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Do something on the stage and return what comes of it."""

        async def done() -> Any:
            return act(*args, **named)

        return self.wait(done())

    def begin(self, work: Callable[[], Awaitable[Any]]) -> Any:
        """Start something that goes on by itself; returns how to stop it."""
        return asyncio.run_coroutine_threadsafe(work(), self._loop)


class Page:
    """The page in a browser, and the words a test uses to play with it."""

    def __init__(self, driver: webdriver.Chrome, theatre: Theatre) -> None:
        self.driver = driver
        self.theatre = theatre

    def open(self, width: int = 1280, height: int = 800, *, dark: bool = False, still: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        wishes = {
            "prefers-color-scheme": "dark" if dark else "light",
            "prefers-reduced-motion": "reduce" if still else "no-preference",
        }
        features = [{"name": name, "value": value} for name, value in wishes.items()]
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        self.driver.get(self.theatre.served.url)
        self.until(lambda: self.js("return document.documentElement.dataset.connected") == "true")
        self.until(lambda: len(self.all(".phone")) == len(self.theatre.stage.people))

    def js(self, script: str, *args: Any) -> Any:
        return self.driver.execute_script(script, *args)

    def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something is true of the page and return it; what fades in has no text yet for the browser."""
        ignored = (NoSuchElementException, StaleElementReferenceException, IndexError)
        waiting = WebDriverWait(self.driver, PATIENCE, poll_frequency=0.03, ignored_exceptions=ignored)
        return waiting.until(lambda _: holds())

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def on(self, name: str, selector: str) -> str:
        """A selector for something on somebody's phone."""
        return f"#phone-{self.theatre.stage.named(name).id} {selector}"

    def bubbles(self, name: str) -> list[str]:
        """What the bubbles on a phone say, without their marks."""
        words = "return [...document.querySelectorAll(arguments[0])].map((bubble) => bubble.innerText)"
        return self.js(words, self.on(name, "li[data-message] .words"))

    def shows(self, name: str, *words: str) -> None:
        """Wait until these are the bubbles on a phone."""
        self.until(lambda: self.bubbles(name) == list(words))

    def button(self, name: str, label: str, within: str = ".app") -> WebElement:
        """A button on somebody's phone, by what it says or is called."""
        for button in self.all(self.on(name, f"{within} button")):
            if label in {button.text, button.accessible_name}:
                return button
        raise NoSuchElementException(f"{name}'s phone has no button {label!r}")

    def choose(self, name: str, label: str) -> None:
        """Press a choice of the sheet that is over somebody's phone."""
        self.until(lambda: self.button(name, label, ".sheet[open]")).click()

    def type(self, name: str, words: str) -> None:
        self.one(self.on(name, "textarea")).send_keys(words, Keys.ENTER)

    def troubles(self) -> list[str]:
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]


@contextmanager
def chromium(profile: Path) -> Iterator[webdriver.Chrome]:
    """A headless Chromium with an empty profile; skips, and fails where CI is set, if there is none."""
    browser, driver = (
        shutil.which(name, path=f"{os.environ['PATH']}:/usr/bin") for name in ("chromium", "chromedriver")
    )
    if browser is None or driver is None:
        why = "NO CHROMIUM: the page was not looked at; install the packages chromium and chromium-driver"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(why)
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in (*SWITCHES, f"user-data-dir={profile}"):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    chrome = webdriver.Chrome(options=options, service=Service(driver))
    try:
        yield chrome
    finally:
        chrome.quit()
