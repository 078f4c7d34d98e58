"""What values of records bring into messages: X38, X39."""
from __future__ import annotations

import pytest

PUBLIC = "https://relief.example"
PAGE = f"{PUBLIC}/eden/cms/post"


def links(public_url=PUBLIC, page_url=PAGE):
    from s3.s3notify.links import Links

    return Links(public_url, page_url)


def html(value):
    from gluon.html import TD

    from s3.s3utils import s3_str

    return s3_str(TD(links().html(value)).xml()).removeprefix("<td>").removesuffix("</td>")


@pytest.mark.parametrize(
    ("href", "expected"),
    [
        ("/eden/cms/series/3", f"{PUBLIC}/eden/cms/series/3"),
        ("3", f"{PUBLIC}/eden/cms/3"),
        ("?a=1&b=2", f"{PAGE}?a=1&b=2"),
        ("#top", f"{PAGE}#top"),
        ("https://other.example/x", "https://other.example/x"),
        # another host, with the scheme of ours
        ("//other.example/x", "https://other.example/x"),
        ("mailto:anna@cast.example", "mailto:anna@cast.example"),
        ("tel:+49123", "tel:+49123"),
        # backslashes, which some programs take for slashes, stay behind our host
        ("/\\other.example", f"{PUBLIC}/\\other.example"),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("file:///etc/passwd", None),
        ("vbscript:x", None),
        ("//[x", None),
    ],
)
def test_links_are_absolute_and_lead_to_pages_only(href, expected):
    assert links().absolute(href) == expected


def test_links_begin_with_the_path_of_a_server_behind_a_proxy():
    public_url = "https://example.org/relief"

    assert links(public_url, f"{public_url}/eden/cms/post").absolute("/eden/cms/post/1") == f"{public_url}/eden/cms/post/1"


@pytest.mark.parametrize(
    ("href", "expected_html", "expected_text"),
    [
        ("/eden/cms/series/3", f'<a href="{PUBLIC}/eden/cms/series/3">News</a>', f"News ({PUBLIC}/eden/cms/series/3)"),
        ("//other.example/x", '<a href="https://other.example/x">News</a>', "News (https://other.example/x)"),
        ("https://other.example/?a=1&b=2", '<a href="https://other.example/?a=1&amp;b=2">News</a>', "News (https://other.example/?a=1&b=2)"),
        ("javascript:alert(1)", "<a>News</a>", "News"),
        ("java\tscript:alert(1)", "<a>News</a>", "News"),
        ("//[x", "<a>News</a>", "News"),
        ("http://[x", "<a>News</a>", "News"),
    ],
)
def test_link_of_a_representation_is_absolute_in_html_and_text(href, expected_html, expected_text):
    from gluon.html import A

    element = A("News", _href=href, _onclick="alert(1)", _target="_blank")

    assert html(element) == expected_html
    assert links().text(element) == expected_text


def test_several_links_of_one_value_are_told_apart_in_text():
    from gluon.html import TAG, A

    element = TAG[""](A("News", _href="/eden/a"), ", ", A("Alerts", _href="/eden/b"))

    assert links().text(element) == f"News ({PUBLIC}/eden/a), Alerts ({PUBLIC}/eden/b)"


@pytest.mark.parametrize("href", ["https://example.org/x", "mailto:anna@cast.example", "tel:+49123"])
def test_link_that_shows_its_address_says_it_once_in_text(href):
    from gluon.html import A

    label = href.removeprefix("mailto:").removeprefix("tel:")

    assert links().text(A(label, _href=href)) == label


@pytest.mark.parametrize("value", ["<script>alert(1)</script>", "<b onclick='x()'>bold</b>", "a < b & c > d", '"quoted"'])
def test_text_stays_text_in_html(value):
    from gluon.html import xmlescape

    from s3.s3utils import s3_str

    assert html(value) == s3_str(xmlescape(value))


@pytest.mark.parametrize(
    ("markup", "expected_html", "expected_text"),
    [
        ("<p>One</p><p>Two</p>", "<p>One</p><p>Two</p>", "One\nTwo"),
        ("<ul><li>One</li><li>Two</li></ul>", "<ul><li>One</li><li>Two</li></ul>", "One\nTwo"),
        ("A &amp; b &lt;c&gt;", "A &amp; b &lt;c&gt;", "A & b <c>"),
        ("<script>alert(1)</script><style>p{}</style>Safe", "Safe", "Safe"),
        ('<b onclick="x()" style="color:red">Bold</b>', "<b>Bold</b>", "Bold"),
        ('<img src="/eden/x.png" onerror="x()">Text', "Text", "Text"),
        ('<form action="/eden/x"><input name="a"><button>Send</button></form>', "Send", "Send"),
        ('<iframe src="https://other.example"></iframe>Text', "Text", "Text"),
        ('<span dir="rtl" lang="ar">مرحبا</span>', '<span dir="rtl" lang="ar">مرحبا</span>', "مرحبا"),
    ],
)
def test_of_markup_stays_what_cannot_act(markup, expected_html, expected_text):
    from gluon.html import XML

    assert html(XML(markup)) == expected_html
    assert links().text(XML(markup)) == expected_text


def test_no_value_is_a_dash():
    assert (html(None), links().text(None)) == ("-", "-")


def test_lines_of_a_text_stay_lines_in_html():
    assert html("One\nTwo\r\n<b>") == "One<br />Two<br />&lt;b&gt;"
