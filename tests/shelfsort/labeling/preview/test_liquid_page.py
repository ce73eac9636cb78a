import pytest

from shelfsort.core.errors import InputError
from shelfsort.labeling.preview.liquid_page import LiquidPage


def render(text, nonce="", **fields):
    return LiquidPage("page.html", text, lambda place: f"signed({place})").render(fields, nonce)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ task.input.a }}", "&lt;b&gt;&amp;amp;"),
        ("{{ task.input.a | escape }}", "&lt;b&gt;&amp;amp;"),
        ("{{ task.input.a | escape_once }}", "&lt;b&gt;&amp;"),
        ("{{ task.input.a | skip_autoescape }}", "<b>&amp;"),
        ("{{ task.input.list | to_json }}", "[1, &#34;x&#34;]"),
        ("{{ task.input.list | to_json | escape }}", "[1, &#34;x&#34;]"),
        ("{{ task.input.list | to_json | skip_autoescape }}", '[1, "x"]'),
        ("{{ task.input.ref | grant_read_access }}", "signed(s3://b/k?a&amp;b)"),
        ("{{ task.input.nothing }}", ""),
    ],
)
def test_filters_do_what_aws_documents(text, expected):
    assert render(text, a="<b>&amp;", list=[1, "x"], ref="s3://b/k?a&b") == expected


def test_scripts_of_the_template_carry_the_nonce_and_those_of_values_do_not():
    page = render(
        "<script>1</script>{{ task.input.a | skip_autoescape }}", "N", a="<script>2</script>"
    )
    assert page == '<script nonce="N">1</script><script>2</script>'


def test_the_script_of_the_crowd_elements_is_left_out():
    page = '<script src="https://assets.crowd.aws/crowd-html-elements.js"></script>after'
    assert render(page) == "after"


@pytest.mark.parametrize(
    "text",
    [
        "one\n{% if %}",
        "one\n{{ task.input.a | no_such_filter }}",
        "one\n{% for i in (1..1000000) %}{{ i }}{% endfor %}",
    ],
)
def test_a_broken_template_is_refused_with_its_line(text):
    with pytest.raises(InputError, match=r"^page\.html(:2)?: "):
        render(text)
