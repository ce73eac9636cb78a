"""A protected page in a real browser: the policy and the token do what they say."""

import pytest
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from shelfsort.core.web.application import STYLE_SHEET, pages
from shelfsort.core.web.server import WebServer

pytestmark = pytest.mark.slow
TOKEN = "a-token-for-the-tests"
PAGE = f"""<!doctype html><html lang="en"><title>Start</title>
<link rel="stylesheet" href="{STYLE_SHEET}">
<body onload="document.title += ' handler'">
<script>document.title += " inline"</script>
<script src="/page.js"></script>
"""
ROUTES = [
    Route("/", lambda request: HTMLResponse(PAGE)),
    Route(
        "/page.js",
        lambda request: Response("document.title += ' file'", media_type="text/javascript"),
    ),
]


@pytest.fixture
def server():
    with WebServer(pages(ROUTES, token=TOKEN)) as running:
        yield running


def test_a_link_with_the_token_opens_the_page_and_only_its_own_script_runs(browser, server):
    tab = browser.new_context().new_page()
    violations = []
    tab.on("console", lambda message: violations.append(message.text))
    tab.goto(f"{server.url}/?token={TOKEN}")
    assert tab.url == f"{server.url}/"
    assert tab.title() == "Start file"
    assert len([text for text in violations if "Content Security Policy" in text]) == 2
    assert tab.evaluate("getComputedStyle(document.body).margin") == "0px"
    assert tab.evaluate("document.cookie") == ""
    (cookie,) = tab.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Lax")
    assert tab.reload().status == 200


def test_a_link_on_another_site_opens_the_page_too(browser, server):
    link = f'<!doctype html><title>Mail</title><a href="{server.url}/?token={TOKEN}">Page</a>'
    with WebServer(pages([Route("/", lambda request: HTMLResponse(link))], token=None)) as mail:
        tab = browser.new_context().new_page()
        tab.goto(f"http://localhost:{mail.port}/")
        tab.get_by_role("link").click()
        tab.wait_for_url(f"{server.url}/")
        assert tab.title() == "Start file"


def test_without_the_token_a_browser_sees_nothing(browser, server):
    assert browser.new_context().new_page().goto(server.url).status == 401
