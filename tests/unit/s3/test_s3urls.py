"""Subscriptions point to pages of this application and nowhere else (X51)."""
from __future__ import annotations

import pytest

from s3.s3error import S3DataError
from s3.s3urls import IS_SUBSCRIPTION_URL, check_subscription_url

CONTROLLERS = {"cms", "default", "project"}


@pytest.mark.parametrize("url", [
    "cms/post",
    "default/index/newsfeed",
    "project/task/12/comment",
    "cms/post?~.series_id__belongs=1,2&~.priority__ge=2",
    "cms/post?",
    "cms/post/list.json",
])
def test_page_of_the_application_is_accepted(url: str) -> None:
    assert check_subscription_url(url, CONTROLLERS) == url


def test_leading_slash_is_removed() -> None:
    assert check_subscription_url("/cms/post", CONTROLLERS) == "cms/post"


@pytest.mark.parametrize("url", [
    "", None, "cms", "cms/", "/", "//cms/post", "cms//post",
    "../admin/user", "cms/../admin", "cms/post/..", "cms/post?next=../x", "cms/post/%2e%2e/x",
    "http://example.org/x", "https://cms/post", "javascript:alert(1)", "//example.org/cms/post",
    "cms/post@example.org", "user@cms/post", "cms/post?x=a@b",
    "cms/post#top", "cms/post x", "cms/post\n", "cms/po\x00st", "cms/post?a=b\r\nHost:x", "cms\\post", "ünix/post",
])
def test_anything_else_is_refused_and_named(url: str | None) -> None:
    with pytest.raises(S3DataError) as raised:
        check_subscription_url(url, CONTROLLERS)

    assert repr(url) in str(raised.value)


def test_unknown_controller_is_refused_by_name() -> None:
    with pytest.raises(S3DataError, match="no controller 'nuclear'"):
        check_subscription_url("nuclear/launch", CONTROLLERS)


@pytest.mark.parametrize("url", [
    "cms/post?format=xml", "cms/post?a=1&subscription=x", "cms/post?%66ormat=json", "cms/post?a=1&f%6Frma%74=json",
    "cms/post?%73ubscription=x", "cms/post?format", "cms/post?a=b&subscription",
])
def test_parameters_of_the_lookup_itself_are_refused(url: str) -> None:
    with pytest.raises(S3DataError, match="set by the lookup"):
        check_subscription_url(url, CONTROLLERS)


@pytest.mark.parametrize("url", [
    "cms/post/12", "cms/post/12?x=1", "cms/post/read", "cms/post/create", "cms/post/12/update", "cms/post/12/delete", "cms/post/display",
    "cms/series/3/post/7", "cms/post/list.json", "cms/post/12.json", "cms/post/create.html",
])
def test_page_that_is_no_list_cannot_be_subscribed_to(url: str) -> None:
    value, error = IS_SUBSCRIPTION_URL(CONTROLLERS)(url)

    assert value == url
    assert "the page is no list" in error
    # a stored one gets the answer of its look-up
    assert check_subscription_url(url, CONTROLLERS) == url


@pytest.mark.parametrize("url", ["cms/post", "cms/series/3/post", "default/index/newsfeed", "cms/post?~.id=12"])
def test_list_can_be_subscribed_to(url: str) -> None:
    assert IS_SUBSCRIPTION_URL(CONTROLLERS)(url) == (url, None)


def test_validator_gives_the_clean_url_or_the_reason() -> None:
    validate = IS_SUBSCRIPTION_URL(CONTROLLERS)

    assert validate("/cms/post") == ("cms/post", None)
    value, error = validate("cms/../x")
    assert value == "cms/../x"
    assert "cms/../x" in error
