"""The board in a real browser: live, strict, and usable on a phone, by keyboard and with a screen reader."""

import pytest

from tests.support.scenario import RED, incident

pytestmark = [pytest.mark.anyio, pytest.mark.browser]

PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1280, "height": 800}
HOSTILE = "<script>document.title = 'pwned'</script><img src=x onerror=\"document.title = 'pwned'\">" + "w" * 300
SERIOUS = ("serious", "critical")
PAGES = ["/", "/surfaces/acme-api", "/incidents", "/incidents/i-1", "/maintenance", "/sources"]


@pytest.fixture
async def page(browser):
    context = await browser.new_context(viewport=PHONE)
    page = await context.new_page()
    page.complaints = []
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(str(error)))
    yield page
    await context.close()


async def live(page, scenario, path="/"):
    """Opens a page and waits until its stream is there."""
    await page.goto(scenario.board + path)
    await page.get_by_text("Live ·").wait_for()
    return page


async def test_a_new_incident_appears_without_a_reload(page, scenario):
    scenario.poll_page(until=10)
    await live(page, scenario)
    await page.evaluate("window.same = true")
    scenario.breaks()
    await page.get_by_role("heading", name="Acme API partial outage").wait_for(timeout=10_000)
    assert await page.evaluate("window.same")


async def test_a_new_incident_is_told_to_a_screen_reader(page, scenario):
    scenario.poll_page(until=10)
    await live(page, scenario)
    scenario.breaks()
    await page.locator("#said", has_text="Acme API partial outage. Errors on the API").wait_for(state="attached")


async def test_what_is_open_and_focused_stays_so(page, scenario):
    scenario.breaks()
    await live(page, scenario)
    summary = page.locator("#q-acme")
    await summary.press("Enter")
    scenario.recovers()
    await page.get_by_text("Retry slowly").first.wait_for()
    assert await page.evaluate("[document.activeElement.id, document.getElementById('p-acme').open]") == [
        "q-acme",
        True,
    ]


async def test_a_bot_that_went_away_is_told(page, scenario):
    scenario.poll_page()
    await live(page, scenario)
    scenario.closing.set()
    await page.get_by_text("Not live").wait_for(timeout=10_000)


@pytest.mark.parametrize("path", PAGES)
async def test_the_vendor_s_words_do_nothing(page, scenario, path):
    scenario.shown = [incident((1, "investigating", HOSTILE, RED), name=HOSTILE)]
    scenario.poll_page(until=2)
    await live(page, scenario, path)
    assert (await page.title() != "pwned", page.complaints) == (True, [])


async def test_a_script_that_got_in_all_the_same_would_not_run(page, scenario):
    scenario.poll_page()
    await live(page, scenario)
    await page.evaluate("""() => {
      const script = document.createElement("script");
      script.textContent = "document.title = 'pwned'";
      document.body.append(script);
    }""")
    assert (await page.title() != "pwned", "Content Security Policy" in page.complaints[0]) == (True, True)


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
async def test_nothing_is_wider_than_the_screen(page, scenario, path, viewport):
    scenario.shown = [incident((1, "investigating", HOSTILE, RED), name=HOSTILE)]
    scenario.poll_page(until=2)
    await page.set_viewport_size(viewport)
    await live(page, scenario, path)
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "shown",
    [
        *(
            "breaks /",
            "recovers /",
            "is_over /",
            "poll_page /",
            "stare /",
            "is_over /incidents/i-1",
            "breaks /surfaces/acme-api",
        ),
        *("is_over /incidents", "plans_maintenance /maintenance", "poll_page /sources"),
    ],
)
async def test_axe_finds_nothing_serious(page, scenario, axe, scheme, shown):
    story, path = shown.split()
    getattr(scenario, story)()
    await page.emulate_media(color_scheme=scheme)
    await live(page, scenario, path)
    await page.evaluate("document.querySelectorAll('details').forEach((e) => e.open = true)")
    await page.evaluate(axe)
    found = await page.evaluate("axe.run()")
    assert [(v["id"], v["nodes"][0]["html"]) for v in found["violations"] if v["impact"] in SERIOUS] == []


async def test_the_keyboard_reaches_the_content_first(page, scenario):
    scenario.poll_page()
    await live(page, scenario)
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement.id") == "main"


async def test_times_are_shown_in_the_reader_s_zone_too(browser, scenario):
    scenario.breaks()
    context = await browser.new_context(timezone_id="Asia/Tokyo", locale="en-GB")
    page = await live(await context.new_page(), scenario)
    shown = await page.locator("time[datetime^='2026-03-02T11:10']").first.text_content()
    assert (shown.endswith("20:10"), await page.locator("#zone").text_content()) == (True, "Asia/Tokyo")
    await context.close()


async def test_without_javascript_the_page_is_whole_and_reloads(browser, scenario):
    scenario.breaks()
    context = await browser.new_context(java_script_enabled=False)
    page = await context.new_page()
    await page.goto(scenario.board)
    assert await page.locator("meta[http-equiv=refresh]").count() == 1
    assert await page.get_by_role("heading", name="Acme API partial outage").is_visible()
    await context.close()
