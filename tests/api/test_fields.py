"""How JSON values become typed properties: Jackson's coercions (rest-v2.md, section 1.5)."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antmediad.api.fields import (
    Coerce,
    Field,
    ListOf,
    Model,
    Nested,
    Texts,
    ValueRefusedError,
    boolean,
    double,
    int32,
    int64,
    text,
)
from antmediad.errors import RequestError
from antmediad.rest.models import (
    BROADCAST,
    ENCODER_SETTINGS,
    ENDPOINT,
    HLS_PARAMETERS,
    PLAY_LIST_ITEM,
    PUSH_NOTIFICATION,
)

MODELS = [
    BROADCAST,
    ENCODER_SETTINGS,
    ENDPOINT,
    HLS_PARAMETERS,
    PLAY_LIST_ITEM,
    PUSH_NOTIFICATION,
]

POINT = Model(
    "Point",
    (
        Field("x", int32, 0, 0, on_create=True, on_update=True),
        Field("label", text, on_create=True, on_update=True),
        Field("id", text, "none", on_create=True),
        Field("seen", boolean, False),
    ),
    ignored=("dbId",),
    aliases={"title": "label"},
)

ACCEPTED = [
    (text, "", ""),
    (text, "é\n", "é\n"),
    (text, 123, "123"),
    (text, -1.5, "-1.5"),
    (text, True, "true"),
    (text, False, "false"),
    (int32, 7, 7),
    (int32, "7", 7),
    (int32, " +7\t", 7),
    (int32, "-0", 0),
    (int32, "", None),
    (int32, "  ", None),
    (int32, 1.9, 1),
    (int32, -1.9, -1),
    (int32, 2147483647, 2147483647),
    (int32, "-2147483648", -2147483648),
    (int64, 2147483648, 2147483648),
    (int64, 9223372036854775807, 9223372036854775807),
    (int64, "-9223372036854775808", -9223372036854775808),
    (double, 1, 1.0),
    (double, 1.5, 1.5),
    (double, "1.5", 1.5),
    (double, " 2e3 ", 2000.0),
    (double, "", None),
    (boolean, True, True),
    (boolean, 0, False),
    (boolean, 2, True),
    (boolean, -1, True),
    (boolean, "true", True),
    (boolean, "True", True),
    (boolean, "TRUE", True),
    (boolean, " false ", False),
    (boolean, "False", False),
    (boolean, "FALSE", False),
    (boolean, "", False),
    (Nested(POINT), {"x": 1}, {"x": 1, "label": None, "id": "none", "seen": False}),
    (ListOf(POINT), [], []),
    (ListOf(POINT), [None], []),
    (Texts(), [], []),
    (Texts(), ["a", 1, None, True], ["a", "1", "true"]),
    (ListOf(POINT), [{}], [{"x": 0, "label": None, "id": "none", "seen": False}]),
]

REFUSED = [
    (text, []),
    (text, {}),
    (int32, "abc"),
    (int32, "1.5"),
    (int32, "0x10"),
    (int32, "1_000"),
    (int32, "٣"),
    (int32, "- 1"),
    (int32, True),
    (int32, []),
    (int32, {}),
    (int32, 2147483648),
    (int32, -2147483649),
    (int32, 1e300),
    (int64, 9223372036854775808),
    (int64, "99999999999999999999"),
    (int64, "9" * 5000),
    (double, "abc"),
    (double, "nan"),
    (double, "Infinity"),
    (double, "1e999"),
    (double, False),
    (double, []),
    (boolean, "yes"),
    (boolean, "tRuE"),
    (boolean, "1"),
    (boolean, 1.0),
    (boolean, []),
    (ListOf(POINT), {}),
    (ListOf(POINT), ""),
    (Texts(), "a"),
    (Texts(), {}),
    (Texts(), [[]]),
]


@pytest.mark.parametrize(("coerce", "sent", "kept"), ACCEPTED)
def test_a_value_becomes_what_jackson_makes_of_it(coerce: Coerce, sent: Any, kept: Any) -> None:
    value = coerce(sent)

    assert (type(value), value) == (type(kept), kept)


@pytest.mark.parametrize(("coerce", "sent"), REFUSED)
def test_a_value_without_a_meaning_is_refused(coerce: Coerce, sent: Any) -> None:
    with pytest.raises(ValueRefusedError, match="expected"):
        coerce(sent)


@pytest.mark.parametrize("sent", ["", 0, False, [], [{}]])
def test_an_object_is_expected_where_an_object_is_declared(sent: Any) -> None:
    with pytest.raises(RequestError, match="Point: expected a JSON object") as refusal:
        Nested(POINT)(sent)

    assert refusal.value.status == 400


def test_null_in_a_new_object_is_the_null_of_its_type() -> None:
    assert POINT.create({"x": None, "label": None, "id": None}) == {
        "x": 0,
        "label": None,
        "id": None,
        "seen": False,
    }


def test_empty_text_for_a_number_is_its_null() -> None:
    assert POINT.create({"x": ""})["x"] == 0
    assert POINT.update({"x": ""}) == {}


def test_an_update_holds_only_what_may_and_does_change() -> None:
    sent = {"x": 0, "label": None, "id": "other", "seen": True}

    assert POINT.update(sent) == {"x": 0}


def test_a_property_that_clients_do_not_own_is_checked_and_then_ignored() -> None:
    assert POINT.create({"seen": True})["seen"] is False
    with pytest.raises(RequestError, match=r"Point\.seen: expected true or false"):
        POINT.create({"seen": "maybe"})


@pytest.mark.parametrize("name", ["X", "y", "", "a" * 1000, "\0", "self", "dbid"])
def test_an_unknown_property_is_refused_by_name(name: str) -> None:
    with pytest.raises(RequestError) as refusal:
        POINT.create({name: 1})

    assert refusal.value.status == 400
    assert refusal.value.message.startswith(f'Unrecognized field "{name[:64]}" (class Point)')


def test_an_ignored_name_may_have_any_value() -> None:
    assert POINT.create({"dbId": {"$oid": []}}) == POINT.create({})


@pytest.mark.parametrize(
    ("sent", "label"),
    [
        ({"title": "old"}, "old"),
        ({"title": "old", "label": "new"}, "new"),
        ({"label": "new", "title": "old"}, "new"),
        ({"title": "old", "label": None}, "old"),
        ({"label": None, "title": "old"}, "old"),
        ({"title": "old", "label": ""}, ""),
        ({"title": None, "label": "new"}, "new"),
    ],
)
def test_an_alias_counts_when_the_name_itself_is_absent(sent: dict[str, Any], label: str) -> None:
    before = dict(sent)

    assert POINT.create(sent)["label"] == label
    assert sent == before


def test_a_record_never_shares_its_defaults_with_another() -> None:
    POINT.create({})["label"] = "changed"

    assert POINT.create({})["label"] is None


# JSON knows no NaN and no infinity; reading a body refuses both.
numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["streamUrl", "height", "x"]) | st.text(), inner)
    ),
    max_leaves=8,
)


@st.composite
def json_objects(draw: st.DrawFn) -> tuple[Model, dict[str, Any]]:
    model = draw(st.sampled_from(MODELS))
    names = st.sampled_from([field.name for field in model.fields])
    return model, draw(st.dictionaries(names, json_values, max_size=4))


@given(json_objects())
def test_any_value_of_any_property_makes_a_record_or_is_a_bad_request(
    sent: tuple[Model, dict[str, Any]],
) -> None:
    model, value = sent
    status = 200
    try:
        record, changes = model.create(value), model.update(value)
    except RequestError as error:
        status = error.status
    else:
        assert list(record) == [field.name for field in model.fields]
        assert json.loads(orjson.dumps(record)) == record
        assert json.loads(orjson.dumps(changes)) == changes

    assert status in (200, 400)


@given(json_values, st.sampled_from(MODELS))
def test_any_json_value_in_place_of_an_object_makes_a_record_or_is_a_bad_request(
    value: Any, model: Model
) -> None:
    status = 200
    try:
        record = model.create(value)
    except RequestError as error:
        status = error.status
    else:
        assert list(record) == [field.name for field in model.fields]

    assert status in (200, 400)
