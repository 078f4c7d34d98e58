"""A saved filter selects the same on screen, in the notification, and by what its text says.

Filters are drawn from a grammar. Each of its conditions stands here three times: as it is saved, as it is said in words, and as
a function on the records that knows nothing of either.
"""
from __future__ import annotations

import datetime as dt
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

#: Filters of one round
NUMBER = 30

# what a function on a record gives: whether it matches; None if nobody knows, as with nothing in SQL
Test = Callable[["Post"], "bool | None"]


@dataclass
class Post:
    """One post as a naive reader sees it."""

    name: str
    title: str | None
    body: str
    series: str | None
    location: str | None
    province: str | None
    date: dt.datetime | None
    priority: int
    expired: bool
    organisation: int | None
    tags: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    id: int = 0


@dataclass
class Condition:
    """A condition of a saved filter."""

    key: str
    value: str
    words: str
    negated_words: str
    test: Test


def negate(result: bool | None) -> bool | None:
    return None if result is None else not result


def known(value: Any, test: Callable[[Any], bool]) -> bool | None:
    return None if value is None else test(value)


def any_of(results: list[bool | None]) -> bool | None:
    return True if True in results else None if None in results else False


def like(value: str | None, pattern: str) -> bool | None:
    expression = "".join({"*": ".*", "?": "."}.get(char, re.escape(char)) for char in pattern)
    return known(value, lambda text: re.fullmatch(expression, text, re.DOTALL | re.IGNORECASE) is not None)


def of_one(key: str, value: str, label: str, said: str, test: Test, op: str = "is", not_op: str = "!=") -> Condition:
    return Condition(key, value, f"{label} {op} {said}", f"{label} {not_op} {said}", test)


def of_any(key: str, value: str, words: tuple[str, str], members: Callable[[Post], list[str]], test: Callable[[str], bool]) -> Condition:
    """A condition on a component: of the post, and of each of its records alone for the negation."""
    return Condition(key, value, *words, lambda post: any(test(member) for member in members(post)))


def listed(values: list[str], conjunction: str = "or") -> str:
    quoted = [f'"{value}"' for value in values]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} {conjunction} {quoted[-1]}"


class Grammar:
    """Draws conditions over the posts of a world."""

    def __init__(self, chance: random.Random, scene: Scene, now: dt.datetime) -> None:
        self.chance = chance
        self.ids = scene.ids
        self.organisations = scene.organisations
        self.places = {name: place for name, (place, _) in scene.places.items()}
        self.now = now

    def draw(self) -> Condition:
        rules = (self.series, self.series_name, self.province, self.place, self.within, self.date, self.recent, self.body,
                 self.part, self.either, self.tag, self.comment,
                 self.organisation, self.priority, self.expired, self.title, self.nothing, self.names)  # fmt: skip
        condition = self.chance.choice(rules)()
        if condition.negated_words and self.chance.random() < 0.3:
            test = condition.test
            return Condition(f"{condition.key}!", condition.value, condition.negated_words, "", lambda post: negate(test(post)))
        return condition

    def some(self, values: list[str]) -> list[str]:
        return self.chance.sample(values, self.chance.randint(1, len(values)))

    def series(self) -> Condition:
        names = self.some(["News", "Alerts", 'Say "so"'])
        value = ",".join(str(self.ids[name]) for name in names)
        said = listed([name.replace('"', '\\"') for name in names])
        return of_one("series_id__belongs", value, "Type", said, lambda post: known(post.series, names.__contains__), "=")

    def series_name(self) -> Condition:
        return of_one("series_id$name", "News", "Name (Type)", '"News"', lambda post: known(post.series, "News".__eq__))

    def province(self) -> Condition:
        names = self.some(["North", "South, far"])
        value = ",".join(f'"{name}"' for name in names)
        label = "State / Province (Location)"
        return of_one("location_id$L1__belongs", value, label, listed(names), lambda post: known(post.province, names.__contains__), "=")

    def place(self) -> Condition:
        pattern = self.chance.choice(["*town*", "n*", "?outh*"])
        return of_one("(location)$name__like", pattern, "Name (Location)", f'"{pattern}"', lambda post: like(post.location, pattern),
                      "like", "not like")  # fmt: skip

    def within(self) -> Condition:
        said = '"North (State / Province), Utopia"'
        return of_one("location_id__typeof", str(self.places["North"]), "Location", said,
                      lambda post: known(post.location, ("North", "Northtown").__contains__), "is within", "is not within")  # fmt: skip

    def date(self) -> Condition:
        moment = self.now.replace(hour=0, minute=0, second=0) - dt.timedelta(days=self.chance.randint(0, 5))
        (op, sign, opposite, compare) = self.chance.choice((
            ("ge", ">=", "<", lambda date: date >= moment), ("lt", "<", ">=", lambda date: date < moment),
        ))  # fmt: skip
        said = moment.strftime("%Y-%m-%d %H:%M")
        return of_one(f"date__{op}", f"{moment.isoformat()}Z", "Date", said, lambda post: known(post.date, compare), sign, opposite)

    def recent(self) -> Condition:
        since = self.now - dt.timedelta(days=2)
        return of_one("~.date__gt", "-2D", "Date", "2 days ago", lambda post: known(post.date, lambda date: date > since), ">", "<=")

    def body(self) -> Condition:
        pattern = self.chance.choice(["*water*", "*100%*", "*<b>*", "f*"])
        return of_one("body__like", pattern, "Body", f'"{pattern}"', lambda post: like(post.body, pattern), "like", "not like")

    def part(self) -> Condition:
        parts = self.chance.choice((["ATER"], ["100%", "<b>"], ["100_"]))
        return of_one("body__contains", ",".join(parts), "Body", listed(parts),
                      lambda post: any(part.lower() in post.body.lower() for part in parts), "contains", "does not contain")  # fmt: skip

    def either(self) -> Condition:
        words = 'Title like "*water*" OR Body like "*water*"', 'NOT Title like "*water*" AND NOT Body like "*water*"'
        test: Test = lambda post: any_of([like(post.title, "*water*"), like(post.body, "*water*")])  # noqa: E731
        return Condition("title|body__like", "*water*", *words, test)

    def tag(self) -> Condition:
        names = self.some(["flood", "fire"])
        words = (f"Tag = {listed(names)}", "")
        return of_any("tag.name__belongs", ",".join(names), words, lambda post: post.tags, names.__contains__)

    def comment(self) -> Condition:
        words = ('Comment like "*thanks*"', "")
        return of_any("comment.body__like", "*thanks*", words, lambda post: post.comments, lambda text: "thanks" in text.lower())

    def organisation(self) -> Condition:
        wanted = self.organisations["Helpers"]
        test: Test = lambda post: known(post.organisation, wanted.__eq__)  # noqa: E731
        if self.chance.random() < 0.5:
            return of_one("(organisation)$name", "Helpers", "Name (Created By, Organization)", '"Helpers"', test)
        key = self.chance.choice(["created_by$organisation_id", "(organisation)"])
        return of_one(key, str(wanted), "Organization (Created By)", '"Helpers"', test)

    def priority(self) -> Condition:
        return of_one("priority__ge", "2", "Priority", "Important", lambda post: post.priority >= 2, ">=", "<")

    def expired(self) -> Condition:
        return of_one("expired", "True", "Expired?", "Yes", lambda post: post.expired)

    def title(self) -> Condition:
        return of_one("title", '"Water, at last"', "Title", '"Water, at last"', lambda post: known(post.title, "Water, at last".__eq__))

    def nothing(self) -> Condition:
        return of_one("location_id", "NONE", "Location", "None", lambda post: post.location is None)

    def names(self) -> Condition:
        return of_one("post.name__ne", "Post 03,Post 04", "Name", '"Post 03" or "Post 04"',
                      lambda post: post.name not in ("Post 03", "Post 04"), "!=", "is")  # fmt: skip


def insert(current: Any, tablename: str, **values: Any) -> int:
    current.auth.override = True
    return int(current.s3db.resource(tablename).insert(**values))


class Scene:
    """Posts of all kinds."""

    def __init__(self, app: Any, world: Any, chance: random.Random) -> None:
        self.app, self.chance = app, chance
        with self.app.env() as current:
            self._populate(current)
            self.authors: list[tuple[int | None, int | None]] = [(None, None)]
            for who, organisation in (("editor", "Helpers"), ("admin", "Others")):
                user_id, organisation_id = app.people[who].user_id, self.organisations[organisation]
                current.db(current.db.auth_user.id == user_id).update(organisation_id=organisation_id)
                self.authors.append((user_id, organisation_id))
            current.db.commit()

    def _populate(self, current: Any) -> None:
        self.ids = {name: insert(current, "cms_series", name=name) for name in ("News", "Alerts", 'Say "so"')}
        self.tags = {name: insert(current, "cms_tag", name=name) for name in ("flood", "fire", "other")}
        self.organisations = {name: insert(current, "org_organisation", name=name) for name in ("Helpers", "Others")}
        country = insert(current, "gis_location", name="Utopia", level="L0")
        self.places: dict[str, tuple[int, str | None]] = {"Utopia": (country, None)}
        for province in ("North", "South, far"):
            place = insert(current, "gis_location", name=province, level="L1", parent=country)
            town = f"{province[:5]}town"
            self.places[province] = place, province
            self.places[town] = insert(current, "gis_location", name=town, level="L2", parent=place), province

    def posts(self, numbers: range, now: dt.datetime) -> list[Post]:
        with self.app.env() as current:
            found = [self._post(current, number, now) for number in numbers]
            current.db.commit()
        return found

    def _post(self, current: Any, number: int, now: dt.datetime) -> Post:
        choose = self.chance.choice
        place = choose([None, *self.places])
        user_id, organisation = choose(self.authors)
        date = choose([None, *(now - dt.timedelta(days=days, minutes=days) for days in range(6))])
        post = Post(
            name=f"Post {number:02}",
            title=choose([None, "Water, at last", "water", "Fire"]),
            body=choose(["Clean water", "100% of it", "a <b>bold</b> one", "Fire", "100 of it"]),
            series=choose([None, *self.ids]),
            location=place,
            province=self.places[place][1] if place else None,
            date=date,
            priority=self.chance.randint(1, 3),
            expired=self.chance.random() < 0.4,
            organisation=organisation,
            tags=self.chance.sample(sorted(self.tags), self.chance.randint(0, 2)),
            comments=self.chance.sample(["Many thanks", "THANKS", "No"], self.chance.randint(0, 2)),
        )
        post.id = insert(
            current, "cms_post", name=post.name, title=post.title, body=post.body, series_id=self.ids.get(post.series or ""), date=date,
            priority=post.priority, location_id=self.places[place][0] if place else None, expired=post.expired, created_by=user_id,
        )  # fmt: skip
        for tag in post.tags:
            insert(current, "cms_tag_post", post_id=post.id, tag_id=self.tags[tag])
        for comment in post.comments:
            insert(current, "cms_comment", post_id=post.id, body=comment)
        return post


@dataclass
class Drawn:
    """A saved filter, what it is to say, and what it is to select."""

    pairs: list[list[str]]
    text: str
    tests: list[Test]

    def selects(self, post: Post) -> bool:
        return all(test(post) is True for test in self.tests)


def _component(key: str) -> str:
    """The component that a key starts with; "" for the post itself."""
    alias = re.match(r"(comment|tag)\.", key)
    return alias.group(1) if alias else ""


def draw_filter(grammar: Grammar) -> Drawn:
    conditions = [grammar.draw() for _ in range(grammar.chance.choice((1, 1, 2, 2, 3)))]
    # said in this order: the values of one key together, conditions on components last
    keys = [condition.key for condition in conditions]
    conditions.sort(key=lambda condition: (_component(condition.key), keys.index(condition.key)))
    words = [condition.words for condition in conditions]
    if len(words) > 1:
        words = [f"({text})" if " OR " in text else text for text in words]
    return Drawn([[condition.key, condition.value] for condition in conditions], " AND ".join(words), [c.test for c in conditions])


def read_notifications(world: Any, resource_ids: list[int]) -> dict[int, tuple[set[str], str]]:
    """What each subscribed resource was told: names of the posts, and the text of the filter."""
    bodies = {row.message_id: row.body for row in world.rows("msg_email")}
    told = {resource_id: (set(), "") for resource_id in resource_ids}
    for row in world.rows("pr_subscription_ledger"):
        body = bodies[row.message_id]
        found = re.search(r"^Filter: (.*)$", body, re.MULTILINE)
        told[row.subscription_resource_id] = set(re.findall(r"^ *Name: (Post \d\d)$", body, re.MULTILINE)), found.group(1) if found else ""
    return told


@pytest.mark.parametrize("seed", [1, 2])
def test_filter_means_the_same_on_screen_in_the_notification_and_in_words(app, world, seed):
    chance = random.Random(seed)
    scene = Scene(app, world, chance)
    grammar = Grammar(chance, scene, app.clock.now)
    old = scene.posts(range(6), app.clock.now)
    drawn = [draw_filter(grammar) for _ in range(NUMBER)]
    subscribed = [world.subscribe("anna", filters=one.pairs).resource_id for one in drawn]
    changed = scene.posts(range(6, 26), app.clock.now)
    world.update(old[0].id, comments="changed")
    posts = [*old, *changed]
    names = {post.id: post.name for post in posts}

    claim = world.claim()
    with world.env() as current:
        from s3 import S3Notifications

        S3Notifications.notify_batch(claim.resource_ids, claim.lease)
        current.db.commit()

    assert sorted(claim.resource_ids) == sorted(subscribed)
    told = read_notifications(world, subscribed)
    news = {post.name for post in (old[0], *changed)}
    for one, resource_id in zip(drawn, subscribed, strict=True):
        expected = {post.name for post in posts if one.selects(post)}
        assert world.row("pr_subscription_resource", resource_id).last_error is None
        assert on_screen(app, one.pairs, names) == expected, one
        shown, text = told[resource_id]
        assert shown == expected & news, one
        if shown:
            assert text == one.text
    # the draw is worth its time
    assert sum(bool(shown) for shown, _ in told.values()) > NUMBER / 2


def on_screen(app: Any, pairs: list[list[str]], names: dict[int, str]) -> set[str]:
    """The posts that anna gets with the filter in the URL."""
    variables: dict[str, list[str]] = {}
    for key, value in pairs:
        variables.setdefault(key if "." in key.partition("$")[0] else f"~.{key}", []).append(value)
    response = app.request("/cms/post.json", vars=variables, auth="anna")
    assert response.status == 200, response.text
    return {names[row["cms_post.id"]] for row in response.json()}
