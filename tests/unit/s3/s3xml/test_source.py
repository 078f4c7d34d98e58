"""Documents of strangers."""
from __future__ import annotations

import io

import pytest

from s3.s3error import S3DataError
from s3.s3xml.source import parse_json, parse_xml, read_source

LAUGHS = (
    '<!DOCTYPE s3xml [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True))
    + "]><s3xml><resource name=\"cms_post\"><data field=\"body\">&i;</data></resource></s3xml>"
)


def test_document_is_read_as_text_bytes_and_file():
    for source in ("<s3xml/>", b"<s3xml/>", io.BytesIO(b"<s3xml/>"), "<?xml version='1.0' encoding='utf-8'?><s3xml/>"):
        assert parse_xml(source).tag == "s3xml"


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        '<!DOCTYPE s3xml [<!ENTITY f SYSTEM "file:///etc/passwd">]><s3xml>&f;</s3xml>',
        '<!DOCTYPE s3xml [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd">%p;]><s3xml/>',
        '<!DOCTYPE s3xml SYSTEM "http://127.0.0.1:9/x.dtd"><s3xml/>',
        '<!DOCTYPE s3xml><s3xml/>',
        '<!-- harmless --><?a b?><!DOCTYPE s3xml [<!ENTITY a "b">]><s3xml url="&a;"/>',
    ],
    ids=["laughs", "file", "parameter", "external", "empty", "attribute"],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_document_type_is_refused_in_every_encoding(text, encoding):
    with pytest.raises(S3DataError, match="document type"):
        parse_xml(text.encode(encoding))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<s3xml>",
        b"<s3xml></s4xml>",
        b"no xml",
        b"<s3xml>\xff\xfe</s3xml>",
        b"<?xml version='1.0' encoding='utf-7'?><s3xml/>",
        b"<?xml version='1.0' encoding='klingon'?><s3xml/>",
        b"<?xml version='1.0' encoding='cp037'?><s3xml/>",
        b"<s3xml>&unknown;</s3xml>",
        b"<s3xml>&#0;</s3xml>",
        b"<a>" * 5000 + b"</a>" * 5000,
    ],
)
def test_what_is_no_xml_is_said(content):
    with pytest.raises(S3DataError, match="XML"):
        parse_xml(content)


def test_umlauts_come_in_the_encoding_that_is_declared():
    root = parse_xml("<?xml version='1.0' encoding='iso-8859-1'?><s3xml url='Müll'/>".encode("iso-8859-1"))

    assert root.get("url") == "Müll"


def test_comments_and_instructions_are_left_out():
    root = parse_xml("<s3xml><!-- a --><?b c?><resource name='x'/></s3xml>")

    assert [child.tag for child in root] == ["resource"]


@pytest.mark.parametrize("parse", [parse_xml, parse_json])
def test_document_that_is_too_large_is_not_even_read(parse):
    class Endless:
        read_bytes = 0

        def read(self, size):
            self.read_bytes += size
            return b" " * size

    source = Endless()
    with pytest.raises(S3DataError, match="larger than 1,000 bytes"):
        parse(source, max_bytes=1000)

    assert source.read_bytes == 1001


def test_ten_megabytes_are_the_limit():
    assert len(read_source(b" " * 10 * 1024 * 1024)) == 10 * 1024 * 1024
    with pytest.raises(S3DataError, match="larger"):
        read_source(b" " * (10 * 1024 * 1024 + 1))


@pytest.mark.parametrize("content", [b"", b"{", b"{'a': 1}", b"\xff\xfe", b"[NaN]", b"[Infinity]", b"[" * 100_000, b'{"a": "\\ud800"'])
def test_what_is_no_json_is_said(content):
    with pytest.raises(S3DataError, match="JSON"):
        parse_json(content)
