"""A page in a real browser, as its user sees it; and labels that would do something if they were not kept as text."""

import json

# What a label may try: to be markup, to turn the direction of writing, to be no character at all.
HOSTILE = ["</script><img src=x onerror=alert(1)>", "a\u202eb\u200f", "a\0b", "]]>&amp;{{story}}", "\ud800", "\u2028"]


class Player:
    """A page, opened at a size, with less motion and in light colours unless media features say otherwise."""

    def __init__(self, browser, url, width=1280, height=800, **features):
        self.browser = browser
        self.emulate(width, height, **{"prefers-reduced-motion": "reduce", "prefers-color-scheme": "light"} | features)
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(url)

    def emulate(self, width, height, **features):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        wanted = [{"name": name, "value": value} for name, value in features.items()]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def one(self, selector):
        (found,) = self.all(selector)
        return found

    def text(self, selector):
        return self.js("return document.querySelector(arguments[0]).textContent", selector)

    def press(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.browser, duration=0).send_keys(*keys).perform()

    def click(self, selector):
        from selenium.webdriver import ActionChains

        ActionChains(self.browser, duration=0).click(self.one(selector)).perform()

    def wait(self, condition):
        from selenium.webdriver.support.wait import WebDriverWait

        return WebDriverWait(self.browser, 10, poll_frequency=0.02).until(lambda _: condition())

    @property
    def step(self):
        return int(self.one("#scrub").get_property("value"))

    def scrub(self, step):
        self.js(
            "const s = document.querySelector('#scrub'); s.value = arguments[0]; s.dispatchEvent(new Event('input'))",
            step,
        )

    def classes(self, selector):
        return self.one(selector).get_attribute("class").split()

    @property
    def active(self):
        return [found.get_attribute("id") for found in self.all(".node.active")]

    @property
    def focused(self):
        return self.js("const e = document.activeElement; return e.id || e.textContent.trim() || e.tagName")

    def complaints(self):
        return self.browser.get_log("browser")

    def requests(self):
        messages = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        stopped = [m["params"]["requestId"] for m in messages if m["params"].get("blockedReason") == "csp"]
        return [params["request"]["url"] for params in sent if params["requestId"] not in stopped]
