"""What a value of a record brings into a message: nothing that acts, and links that lead somewhere from outside of the application."""
from __future__ import annotations

from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import nh3
from gluon.html import BR, XML, XmlComponent

from s3.s3utils import NONE, s3_str, s3_strip_markup

__all__ = ("Links",)

#: what an element may be made of; of others only the text stays
TAGS = {
    "a", "abbr", "b", "bdi", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "i", "ins", "kbd", "li", "ol", "p", "pre", "q", "s", "small", "span", "strong", "sub", "sup", "table", "tbody", "td",
    "tfoot", "th", "thead", "tr", "u", "ul",
}  # fmt: skip
ATTRIBUTES = {"*": {"dir", "lang"}, "a": {"href"}, "abbr": {"title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan", "scope"}}
SCHEMES = {"http", "https", "mailto", "tel"}


class Links:
    """Makes what representations give fit for a mail."""

    def __init__(self, public_url: str, page_url: str) -> None:
        """
        Args:
            public_url: address of the server, without a path of the application
            page_url: address of the page that the values would be on
        """
        self.public_url = public_url
        self.page_url = page_url

    def absolute(self, href: str) -> str | None:
        """The address to which a link of the page leads; None if a mail must not lead there."""
        href = href.strip()
        if href.startswith("/") and not href.startswith("//"):
            return f"{self.public_url}{href}"
        try:
            url = urljoin(self.page_url, href)
            return url if urlsplit(url).scheme in SCHEMES else None
        except ValueError:
            # such as //[
            return None

    def html(self, value: Any) -> Any:
        """For html: an element without what acts, with absolute links; a text as text, which whoever writes it must escape."""
        if not isinstance(value, XmlComponent):
            return _with_breaks(_text(value))
        # nothing is left in it that could do harm
        return XML(self._clean(value))

    def text(self, value: Any) -> str:
        """For plain text: links followed by their address."""
        if not isinstance(value, XmlComponent):
            return s3_strip_markup(_text(value))
        collector = _LinkCollector()
        collector.feed(self._clean(value))
        collector.close()
        return collector.text()

    def _clean(self, element: XmlComponent) -> str:
        return nh3.clean(
            s3_str(element.xml()), tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES, url_relative=self.absolute, link_rel=None
        )


def _text(value: Any) -> str:
    return NONE if value is None else s3_str(value)


def _with_breaks(text: str) -> Any:
    first, *rest = text.splitlines() or [""]
    return [first, *(part for line in rest for part in (BR(), line))] if rest else first


class _LinkCollector(HTMLParser):
    """Text of clean markup: each link followed by its address, blocks on lines of their own."""

    BLOCKS = frozenset(("blockquote", "br", "dd", "div", "dt", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "li", "p", "pre", "tr"))

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._href: str | None = None
        self._start = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.BLOCKS:
            self._parts.append("\n")
        elif tag == "a":
            self._href, self._start = dict(attrs).get("href"), len(self._parts)

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            label = "".join(self._parts[self._start :]).strip()
            if self._href.removeprefix("mailto:").removeprefix("tel:") != label:
                self._parts.append(f" ({self._href})" if label else self._href)
            self._href = None

    def handle_data(self, data: str) -> None:
        self._parts.append(data)

    def text(self) -> str:
        lines = (line.strip() for line in "".join(self._parts).splitlines())
        return "\n".join(line for line in lines if line)
